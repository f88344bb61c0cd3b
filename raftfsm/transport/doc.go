// Package transport mends what hashicorp/raft v1.8.0 makes of a transport: Guard wraps
// one, between the network and raft, and changes nothing on the wire.
//
// A pipeline of appends ends with the first that fails, whoever waits (raft issue 612),
// so that a follower that refused once does not wait for ever. A snapshot of what is in
// the log already is answered and not installed, and after one that replaced entries the
// process ends (raft issue 697, see Installer).
//
// One goroutine hands requests on to raft, one the answers of each pipeline; both end
// with Close. The only state is raft's own.
//
// What it trades off: a request passes one more channel. A node may have to be started
// again after a snapshot, seldom and in a second, where raft would refuse every entry.
package transport
