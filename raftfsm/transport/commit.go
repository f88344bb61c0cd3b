package transport

import "github.com/hashicorp/raft"

// boundCommit bounds the commit index of an append by the last entry that the append
// vouches for: its last one, or, when it has none, the one before it.
//
// Figure 13 of the Raft paper has a follower commit up to min(leaderCommit, index of last
// new entry). raft v1.8.0 takes the last index of the follower's own log instead
// (appendEntries in raft.go). A deposed leader's log may go on behind what the append
// compared, with entries that no other node has; they would be committed and applied
// here, and overwritten by the next append. An append that ends before the commit index
// is rare, because a sender begins with all that it has, and real: when a follower
// refused, or was given a snapshot, the sender goes on up to the last index that it knew
// before, and with the commit index of now (replicateTo in replication.go).
//
// A heartbeat on raft's fast path carries no commit index.
func boundCommit(rpc *raft.RPC) {
	c, ok := rpc.Command.(*raft.AppendEntriesRequest)
	if !ok {
		return
	}
	compared := c.PrevLogEntry
	if n := len(c.Entries); n > 0 {
		compared = c.Entries[n-1].Index
	}
	if c.LeaderCommitIndex > compared {
		bounded := *c // an in-memory transport hands over the sender's own
		bounded.LeaderCommitIndex = compared
		rpc.Command = &bounded
	}
}
