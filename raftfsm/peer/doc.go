// Package peer makes the connections between the processes of a cluster: nodes to
// nodes for raft, front-ends and nodes to nodes for everything else. A node has one
// port for all of them.
//
// A connection begins with TLS 1.3 on both sides (unless the cluster runs without,
// on loopback), then the listener's greeting, the caller's hello and its answer: the
// service that is wanted, the cluster and its births, who both are, and the proof of the
// peer secret where there is one. A stranger, a node of another cluster or one whose
// certificate is another's is refused before a byte of it reaches raft.
//
// Births are compared as lists (Lineage). Who meets a node of a cluster that succeeds its
// own is superseded: a node is told by Config.Fenced, and must stop taking requests; a
// process without data takes the newer list over (Known). Who meets an older one refuses
// it. Lists that part are refused on both sides. Only a node's own hello, authenticated as
// well as the cluster can, supersedes a node. Of two processes with one node id the one that
// was started later goes on (Starts).
//
// Each connection has a goroutine for its handshake, which one deadline bounds, and
// then belongs to the service that it was handed to. The Listener's lock covers only the
// connections in their handshake, so that Close can end them, and which node has which. If
// a process dies, its connections end at once, which is how its peers hear of it; nothing
// here outlives it.
//
// What it trades off: the handshake costs a round trip on each new connection, and a hello
// 16 bytes for each birth; connections are few and long-lived, and births rare. A service
// that accepts slowly holds up the handshakes of its own connections, and no other's. Starts
// are remembered in memory: two processes with one id that never meet a common peer are
// not noticed.
package peer
