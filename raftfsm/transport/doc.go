// Package transport mends what hashicorp/raft v1.8.0 makes of a transport: Guard wraps
// one, between the network and raft, and changes nothing on the wire.
//
// A pipeline of appends ends with the first that fails, whoever waits (raft issue 612),
// so that a follower that refused once does not wait for ever. An append commits no entry
// that it did not compare (see boundCommit). A snapshot of what is in the log already is
// answered and not installed, and after one that replaced entries the process ends (raft
// issue 697, see Installer). What a leader hears of how far the others are says what it keeps
// of its log for them, and ends raft's long pauses (see Peers); what a follower hears of how
// far the leader is says whether it is behind (see Heard).
//
// One goroutine hands requests on to raft, one the answers of each pipeline; both end
// with Close. The only state beside raft's own is that of Peers and Heard.
//
// What it trades off: a request passes one more channel. A node may have to be started
// again after a snapshot, seldom and in a second, where raft would refuse every entry.
package transport
