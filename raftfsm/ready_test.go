package raftfsm

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"onsale/proof/testenv"
)

// appliedCheck is what a node's readiness says of how far it is.
func appliedCheck(n *Node) error {
	for _, c := range n.Ready() {
		if c.Name == "applied" {
			return c.Err
		}
	}
	return nil
}

// A node is ready by what the leader has committed, not by what it has heard itself: one
// that gets heartbeats and no log says so, one that is behind says by how much, and one
// that the leader says nothing to is not ready however far it is.
func TestReadyComparesWithTheLeader(t *testing.T) {
	w := newWorld(t, 1, testenv.MemoryDir(t), plant{})
	synctest.Test(t, func(t *testing.T) {
		members := []Member{{ID: "n1", Address: "n1"}, {ID: "n2", Address: "n2"}, {ID: "n3", Address: "n3"}}
		w.start("n1", members)
		n, leader := w.node("n1"), w.net.open("n2")
		defer func() {
			leader.Close()
			w.crash("n1")
			time.Sleep(healMax) // for what is under way
		}()

		const term = 10
		send := func(prev, prevTerm, commit uint64, entries ...*raft.Log) {
			t.Helper()
			request := &raft.AppendEntriesRequest{RPCHeader: raft.RPCHeader{ProtocolVersion: raft.ProtocolVersionMax, ID: []byte("n2"), Addr: []byte("n2")},
				Term: term, PrevLogEntry: prev, PrevLogTerm: prevTerm, Entries: entries, LeaderCommitIndex: commit}
			if err := leader.AppendEntries("n1", "n1", request, new(raft.AppendEntriesResponse)); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		expect := func(what string, want error, text string) {
			t.Helper()
			if err := appliedCheck(n); !errors.Is(err, want) || want != nil && !strings.Contains(err.Error(), text) {
				t.Errorf("%s: %v, wanted %v with %q", what, err, want, text)
			}
		}

		send(0, 0, 0) // a heartbeat
		expect("a heartbeat alone", errUnheard, "")
		send(1, 1, 1)
		expect("all that the leader has", nil, "")
		send(5000, term, 5000) // refused: what is in between is not here
		expect("far behind", errBehind, "at least 4999 of")
		send(1, 1, 2, &raft.Log{Index: 2, Term: term, Type: raft.LogNoop})
		expect("one entry of many", errBehind, "at least 4998 of")
		n.HearLeader(6000, 70_000)
		expect("by the leader's status", errBehind, "at least 5998 of the leader's are not applied here; the leader has decided 70000 requests, this node 0")
	})
	if len(w.violations) > 0 {
		t.Error(w.violations)
	}
}

// A follower that was cut off is not ready before it shows what the others sold meanwhile,
// though raft waits with its log and heartbeats tell it at once who leads; nor is it while
// the leader is silent.
func TestReadyAfterBeingCutOff(t *testing.T) {
	w := newWorld(t, 1, testenv.MemoryDir(t), plant{})
	synctest.Test(t, func(t *testing.T) {
		w.found(3)
		leader := w.leading()
		away := w.node(w.victim(false))
		ready := func() bool { return appliedCheck(away) == nil && away.Ready()[0].Err == nil }
		if !within(healMax, ready) {
			t.Errorf("it is not ready: %v", appliedCheck(away))
		}

		_, heal := w.cutOff(away.config.NodeID, true, true)
		const sold = 400 // batches
		for i := range sold {
			if _, err := buyAs(leader, "user"+string(rune('a'+i%26)), 1); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(20 * time.Second) // for raft's longest pause
		heal()
		refused := 0
		if !within(3*healMax, func() bool {
			if !ready() {
				refused++
				return false
			}
			return true
		}) || away.AppliedSeq() != leader.AppliedSeq() || refused == 0 {
			t.Errorf("ready at %d of %d, after %d refusals: %v", away.AppliedSeq(), leader.AppliedSeq(), refused, appliedCheck(away))
		}

		_, heal = w.cutOff(away.config.NodeID, true, false)
		if !within(healMax, func() bool { return away.Ready()[0].Err != nil || errors.Is(appliedCheck(away), errUnheard) }) {
			t.Error("it is ready, and the leader says nothing")
		}
		heal()
		w.end()
	})
	if len(w.violations) > 0 {
		t.Error(w.violations)
	}
}
