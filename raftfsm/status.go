package raftfsm

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/raft"
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
		NodeID: n.config.NodeID, Role: n.role(), Term: n.raft.CurrentTerm(),
		LeaderID: string(leader), LeaderAddress: string(address), Address: n.address, ClusterID: n.data.Owner.Identity().ClusterID,
		CommitIndex: n.raft.CommitIndex(), AppliedIndex: n.raft.AppliedIndex(), LastIndex: n.raft.LastIndex(),
		Seq: seq, LogTime: logTime, StateHash: fmt.Sprintf("%016x", hash),
		JournalHeight: head.Height, JournalHash: hex.EncodeToString(head.Hash[:]), InboxRequests: requests,
		JournalFirstHeight: n.data.History.First(),
	}
	s.Members = n.Members()
	if heard := n.raft.LastContact(); s.Role != "leader" && !heard.IsZero() {
		s.LastContactMilliseconds = time.Since(heard).Milliseconds()
	}
	return s
}

// role returns raft's role, but calls a node that was elected and has not applied
// everything before its term yet a candidate: it takes no requests.
func (n *Node) role() string {
	state := n.raft.State()
	if state == raft.Leader && !n.Leads() {
		state = raft.Candidate
	}
	return strings.ToLower(state.String())
}

// Leads reports whether this node takes requests. Where the log is, it knows by
// ReadIndex alone: others may have led meanwhile.
func (n *Node) Leads() bool {
	return !n.life.broken() && n.batcher.leading.Load() && n.raft.State() == raft.Leader
}

// Check is one line of a readiness report.
type Check struct {
	Name string
	Err  error // nil when all is well
	// Warning says that the node may get traffic although something is not well.
	Warning bool
}

var (
	errNoLeader = errors.New("no leader is known")
	errBehind   = errors.New("applying committed entries")
	errClock    = errors.New("the wall clock has left the log's time")
)

// appliedLagMax is how many committed entries a ready node may still have to apply.
const appliedLagMax = 256

// Ready says whether this node should get traffic, and if not, why.
func (n *Node) Ready() []Check {
	checks := []Check{{Name: "leader"}, {Name: "log"}, {Name: "journal"}, {Name: "applied"}, {Name: "alive"}, {Name: "disk", Err: n.checkDisk()}}
	if _, id := n.raft.LeaderWithID(); id == "" {
		checks[0].Err = errNoLeader
	}
	checks[1].Err, checks[2].Err = n.data.Log.Wal().Err(), n.data.Journal.Err()
	if n.raft.CommitIndex() > n.raft.AppliedIndex()+appliedLagMax || n.raft.State() == raft.Leader && !n.Leads() {
		checks[3].Err = errBehind
	}
	if failure := n.life.failure.Load(); failure != nil {
		checks[4].Err = *failure
	}
	clock := Check{Name: "clock", Warning: true}
	if n.clockAlarm.Load() {
		clock.Err = fmt.Errorf("%w by %v", errClock, n.clock.disagreement().Round(time.Millisecond))
	}
	return append(checks, clock)
}
