package raftfsm

import (
	"errors"
	"fmt"
	"testing"

	"github.com/hashicorp/raft"

	"onsale/sequencer"
)

// Only three errors of raft say that a batch was not taken; after any other one it may
// be committed yet.
func TestWhatBecameOfABatch(t *testing.T) {
	refused := errors.New("another leads")
	for name, c := range map[string]struct {
		err   error
		taken bool
	}{
		"not the leader":  {raft.ErrNotLeader, false},
		"handing over":    {raft.ErrLeadershipTransferInProgress, false},
		"too many queued": {raft.ErrEnqueueTimeout, false},
		"deposed":         {raft.ErrLeadershipLost, true},
		"shut down":       {raft.ErrRaftShutdown, true},
		"not applied":     {errors.New("the disk is full"), true},
	} {
		b := &batcher{leaderError: func() error { return refused }}
		err := b.explain(fmt.Errorf("wrapped: %w", c.err), 7)
		if errors.Is(err, refused) == c.taken || errors.Is(err, sequencer.ErrOutcomeUnknown) != c.taken || c.taken && !errors.Is(err, c.err) {
			t.Errorf("%s: %v", name, err)
		}
		if r, u := b.counters.refused.Load(), b.counters.unknown.Load(); c.taken && (r != 0 || u != 7) || !c.taken && (r != 7 || u != 0) {
			t.Errorf("%s: %d refused, %d unknown", name, r, u)
		}
	}
}

// Each check of a node has its name, and only the clock's and the disk's are warnings.
func TestReadyChecks(t *testing.T) {
	c := testConfig(t, "n1")
	c.Bootstrap = nil // nobody leads
	n := mustOpen(t, c)
	defer mustClose(t, n)
	for i, want := range []string{"leader", "log", "journal", "applied", "alive", "disk", "stalls", "lineage", "clock"} {
		check := n.Ready()[i]
		if check.Name != want || check.Warning != (want == "clock" || want == "disk") {
			t.Errorf("number %d is %+v", i, check)
		}
		if failed := check.Err != nil; failed != (want == "leader") || failed && !errors.Is(check.Err, errNoLeader) {
			t.Errorf("%s: %v", want, check.Err)
		}
	}
	if n.Leads() || n.Leader() == nil {
		t.Error("a node without a cluster leads")
	}
	if _, err := n.ReadIndex(t.Context()); !errors.Is(err, sequencer.ErrNoLeader) {
		t.Errorf("where the log is: %v", err)
	}
	if err := n.Membership().Transfer(""); !errors.Is(err, sequencer.ErrNoLeader) {
		t.Errorf("handed over: %v", err)
	}
	if s := n.Status(); s.NodeID != "n1" || s.Role != "follower" || s.LeaderID != "" || s.Seq != 0 || s.ClusterID != "" || s.LastContactMilliseconds != 0 {
		t.Errorf("%+v", s)
	}
}
