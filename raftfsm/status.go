package raftfsm

import (
	"encoding/hex"
	"fmt"
	"time"
)

// Status is what a node says of itself. StateHash is as of Seq: nodes with the
// same Seq have the same StateHash.
type Status struct {
	NodeID        string `json:"node_id"`
	Role          string `json:"role"` // leader once it takes requests, candidate until then
	Term          uint64 `json:"term"`
	LeaderID      string `json:"leader_id"`
	LeaderAddress string `json:"leader_address"`
	Address       string `json:"address"` // of the port for peers
	ClusterID     string `json:"cluster_id"`
	CommitIndex   uint64 `json:"commit_index"`
	AppliedIndex  uint64 `json:"applied_index"`
	LastIndex     uint64 `json:"last_index"`
	Seq           uint64 `json:"seq"`
	LogTime       int64  `json:"log_time_ns"`
	StateHash     string `json:"state_hash"`
	JournalHeight uint64 `json:"journal_height"`
	JournalHash   string `json:"journal_hash"`
	// JournalFirstHeight is where the chain that leads to JournalHeight begins here, in
	// the parts beside the journal too: 1 when no block is missing, 0 when there is none.
	JournalFirstHeight uint64   `json:"journal_first_height"`
	InboxRequests      int      `json:"inbox_requests"`
	Members            []Member `json:"members"`
	// LastContactMilliseconds is how long ago the leader was heard; 0 on the leader.
	LastContactMilliseconds int64 `json:"last_contact_ms"`
}

// Status returns the node's status.
func (n *Node) Status() Status {
	address, leader := n.raft.LeaderWithID()
	seq, logTime, hash := n.machine.stateHash()
	head := n.data.Journal.Position()
	requests, _ := n.inbox.Load()
	s := Status{
		NodeID: n.config.NodeID, Role: n.leadership.role(), Term: n.raft.CurrentTerm(),
		LeaderID: string(leader), LeaderAddress: string(address), Address: n.address, ClusterID: n.data.Owner.Identity().ClusterID,
		CommitIndex: n.raft.CommitIndex(), AppliedIndex: n.raft.AppliedIndex(), LastIndex: n.raft.LastIndex(),
		Seq: seq, LogTime: logTime, StateHash: fmt.Sprintf("%016x", hash),
		JournalHeight: head.Height, JournalHash: hex.EncodeToString(head.Hash[:]), InboxRequests: requests,
		JournalFirstHeight: n.data.History.First(),
	}
	s.Members = n.membership.List()
	if heard := n.raft.LastContact(); s.Role != "leader" && !heard.IsZero() {
		s.LastContactMilliseconds = time.Since(heard).Milliseconds()
	}
	return s
}
