package raftfsm

import (
	"encoding/hex"
	"fmt"
	"time"

	"onsale/sequencer"
)

// Status is what a node says of itself. StateHash is as of Seq: nodes with the
// same Seq have the same StateHash.
type Status struct {
	NodeID        string `json:"node_id"`
	Role          string `json:"role"` // leader once it takes requests, candidate until then; superseded; read-only
	Term          uint64 `json:"term"`
	LeaderID      string `json:"leader_id"`
	LeaderAddress string `json:"leader_address"`
	Address       string `json:"address"` // of the port for peers
	ClusterID     string `json:"cluster_id"`
	ClusterNumber uint8  `json:"cluster_number"`
	Level         uint16 `json:"level"` // of the cluster's formats, as of Seq
	CommitIndex   uint64 `json:"commit_index"`
	// LeaderCommitIndex is the highest raft index that the node knows to be committed: what
	// it heard of the leader's. AppliedIndex is behind it while the node catches up.
	LeaderCommitIndex uint64 `json:"leader_commit_index"`
	AppliedIndex      uint64 `json:"applied_index"` // by the state, and not only by raft
	LastIndex         uint64 `json:"last_index"`
	Seq               uint64 `json:"seq"`
	LogTime           int64  `json:"log_time_ns"`
	StateHash         string `json:"state_hash"`
	JournalHeight     uint64 `json:"journal_height"`
	JournalHash       string `json:"journal_hash"`
	// JournalFirstHeight is where the chain that leads to JournalHeight begins here, in
	// the parts beside the journal too: 1 when no block is missing, 0 when there is none.
	JournalFirstHeight uint64  `json:"journal_first_height"`
	Births             []Birth `json:"births"` // of the cluster, oldest first
	// Lineage is the ids of the births that the node goes by; the last is ClusterID, which
	// may not be born yet.
	Lineage []string `json:"lineage"`
	// SupersededBy is the cluster that succeeds this node's; "" while none is known to.
	SupersededBy string `json:"superseded_by,omitempty"`
	// PartedFrom is a cluster that parted from this node's and was met lately, and PartedSince
	// when it was met first: both may sell.
	PartedFrom  string     `json:"parted_from,omitempty"`
	PartedSince *time.Time `json:"parted_since,omitempty"`
	// Diverged are members that have decided otherwise than a majority, as committed checks say.
	Diverged []Divergence `json:"diverged,omitempty"`
	// HoldsStoppedSince is the log's time since which the clock of holds is stopped, as of Seq;
	// nil while it runs.
	HoldsStoppedSince *time.Time `json:"holds_stopped_since,omitempty"`
	Money
	// ReadOnly is why this node only shows what it has, and ReadOnlySince since when; missing
	// of one that stores.
	ReadOnly      string     `json:"read_only,omitempty"`
	ReadOnlySince *time.Time `json:"read_only_since,omitempty"`
	InboxRequests int        `json:"inbox_requests"`
	// ClockAhead is how far the node's wall clock is ahead of the log's time, in seconds, and
	// ClockOffSince since when that is too far; the node's as it heard the leader's batches.
	ClockAhead    float64    `json:"clock_ahead_seconds"`
	ClockOffSince *time.Time `json:"clock_off_since,omitempty"`
	Disk
	// Hangs is what hangs in the node, and SlowSince since when its disk, or its decisions, are
	// slow; nil while they are not.
	Hangs     *Hang      `json:"hangs,omitempty"`
	SlowSince *time.Time `json:"slow_since,omitempty"`
	// Unfit is why the node should not lead, and HandedOver the cluster's newest hand-over for
	// such a cause that it knows of.
	Unfit      []Unfit     `json:"unfit,omitempty"`
	HandedOver *HandedOver `json:"handed_over,omitempty"`
	// BuysHeldSince is since when the leader takes no buys, and BuysHeld why.
	BuysHeldSince *time.Time `json:"buys_held_since,omitempty"`
	BuysHeld      string     `json:"buys_held,omitempty"`
	// Members is the membership, as the log has it: what a member says itself of where it
	// is may differ for a while.
	Members []Member `json:"members"`
	// LastContactMilliseconds is how long ago the leader was heard; 0 on the leader.
	LastContactMilliseconds int64 `json:"last_contact_ms"`
}

// Status returns the node's status.
func (n *Node) Status() Status {
	address, leader := n.raft.LeaderWithID()
	seq, logTime, hash := n.machine.stateHash()
	head := n.data.Journal.Position()
	requests, _ := n.inbox.Load()
	is := n.data.Owner.Identity()
	s := Status{
		NodeID: n.config.NodeID, Role: n.leadership.role(), Term: n.raft.CurrentTerm(),
		LeaderID: string(leader), LeaderAddress: string(address), Address: n.address, ClusterID: is.ClusterID, ClusterNumber: is.ClusterNumber,
		CommitIndex: n.raft.CommitIndex(), LeaderCommitIndex: n.LeaderCommitIndex(), AppliedIndex: n.machine.appliedIndex(n.raft), LastIndex: n.raft.LastIndex(),
		Seq: seq, LogTime: logTime, StateHash: fmt.Sprintf("%016x", hash),
		JournalHeight: head.Height, JournalHash: hex.EncodeToString(head.Hash[:]), InboxRequests: requests,
		JournalFirstHeight: n.data.History.First(), SupersededBy: is.SupersededBy, Level: n.machine.atLevel(),
	}
	var births []sequencer.Birth
	n.machine.read(func(state *sequencer.State) {
		s.Births, births, s.HoldsStoppedSince = BirthsOf(state), state.Births(), holdsStoppedSince(state)
		s.Money = moneyOf(state)
	})
	s.PartedFrom, s.PartedSince = n.fence.partedLately()
	s.Diverged = n.machine.checkpoints.differing()
	s.Lineage = []string{}
	for _, id := range lineageOf(&is, births) {
		s.Lineage = append(s.Lineage, id.String())
	}
	s.ClockAhead, s.ClockOffSince = n.watchdog.clockOff()
	s.Members = n.membership.Recorded()
	s.Disk, _ = n.Disk()
	s.Hangs, s.SlowSince = n.watchdog.stalls.hanging(), n.watchdog.stalls.slowSince()
	s.Unfit, s.HandedOver = n.office.unfit(), n.office.handedOver()
	if since, why := n.BuysHeld(); why != nil {
		s.BuysHeld, s.BuysHeldSince = why.Error(), &since
	}
	if heard := n.raft.LastContact(); s.Role != "leader" && !heard.IsZero() {
		s.LastContactMilliseconds = time.Since(heard).Milliseconds()
	}
	return s
}

// holdsStoppedSince returns the log's time since which the clock of holds is stopped.
func holdsStoppedSince(state *sequencer.State) *time.Time {
	at, stopped := state.HoldsStoppedSince()
	if !stopped {
		return nil
	}
	since := time.Unix(0, at).UTC()
	return &since
}
