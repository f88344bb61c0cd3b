// Package peer makes the connections between the processes of a cluster: nodes to
// nodes for raft, front-ends and nodes to nodes for everything else. A node has one
// port for all of them.
//
// A connection begins with TLS 1.3 on both sides (unless the cluster runs without,
// on loopback), then a hello and its answer: the service that is wanted, the
// cluster, and who both are. A stranger, a node of another cluster or one whose
// certificate is another's is refused before a byte of it reaches raft.
//
// Each connection has a goroutine for its handshake, which one deadline bounds, and
// then belongs to the service that it was handed to. The Listener's lock covers only the
// connections in their handshake, so that Close can end them. If a process dies, its
// connections end at once, which is how its peers hear of it; nothing here outlives it.
//
// What it trades off: one hello costs a round trip on each new connection; they
// are few and long-lived. A service that accepts slowly holds up the handshakes of its
// own connections, and no other's.
package peer
