package raftfsm

import (
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

// A leader that vanishes without a word is missed when the time-out ends, and the next one is
// elected at once: raft alone took up to five time-outs.
func TestAVanishedLeaderIsMissedAtOnce(t *testing.T) {
	usual := DefaultConfig().HeartbeatTimeout
	trioOf(t, usual, func(w *world, _ uint64, _ int64) {
		for range 8 {
			old := w.mustLead(t)
			time.Sleep(time.Second)
			w.net.freeze(raft.ServerAddress(old.config.NodeID), 5*time.Second)
			began := time.Now()
			if !within(healMax, func() bool { n := w.leading(); return n != nil && n != old }) {
				t.Fatal("nobody took over")
			}
			if took, most := time.Since(began), usual*5/4; took > most {
				t.Errorf("%v until another one led, at most %v were to be", took, most)
			}
			w.net.thawed(raft.ServerAddress(old.config.NodeID))
		}
	})
}

// Who hears the leader refuses who does not, and goes on following it.
func TestOneThatHearsNobodyIsRefused(t *testing.T) {
	trio(t, func(w *world, _ uint64, _ int64) {
		leader := w.mustLead(t)
		ids := w.running()
		deaf := ids[(slices.Index(ids, leader.config.NodeID)+1)%3]
		term := leader.raft.CurrentTerm()
		links := []link{{from: raft.ServerAddress(leader.config.NodeID), to: raft.ServerAddress(deaf)}}
		w.net.cut(links, 1)
		time.Sleep(5 * time.Second)
		w.net.cut(links, -1)
		if w.leading() != leader || leader.raft.CurrentTerm() != term {
			t.Errorf("%s does not lead in term %d any more", leader.config.NodeID, term)
		}
	})
}

// A node that refused its vote to who stood before it does not wait for that one.
func TestRefused(t *testing.T) {
	trio(t, func(w *world, _ uint64, _ int64) {
		n := w.mustLead(t)
		if n.detector.refused() {
			t.Error("a leader has refused its vote")
		}
		if voted, err := n.data.Votes.Voted(); voted != n.raft.CurrentTerm() || err != nil {
			t.Errorf("the leader of term %d voted in %d, %v", n.raft.CurrentTerm(), voted, err)
		}
	})
}

// Of two that stand with equal logs the one with the lower id is promised the other's vote,
// and no more than that one.
func TestOneOfTwoEqualsGoesFirst(t *testing.T) {
	trio(t, func(w *world, _ uint64, _ int64) {
		leader := w.mustLead(t)
		ids := w.running()
		at := slices.Index(ids, leader.config.NodeID)
		n := w.node(ids[(at+1)%3])
		w.net.freeze(raft.ServerAddress(ids[at]), 2*time.Second)
		w.net.freeze(raft.ServerAddress(ids[(at+2)%3]), 2*time.Second)
		if !within(healMax, func() bool { return n.raft.State() == raft.Candidate }) {
			t.Fatal("it does not stand")
		}
		now := time.Now()
		n.detector.stood.Store(&now)
		last := n.raft.LastIndex()
		var entry raft.Log
		if err := n.data.Log.GetLog(last, &entry); err != nil {
			t.Fatal(err)
		}
		ask := func(id string, index uint64) bool {
			return n.detector.foretold(&raft.RequestPreVoteRequest{RPCHeader: raft.RPCHeader{ID: []byte(id)}, LastLogIndex: index, LastLogTerm: entry.Term})
		}
		if !ask("a", last) || ask("z", last) || !ask("z", last+1) {
			t.Errorf("a node with a lower id %v, with a higher %v, with a longer log %v", ask("a", last), ask("z", last), ask("z", last+1))
		}
		if time.Sleep(standMax + lookMax); n.raft.State() == raft.Candidate && !ask("z", last) {
			t.Error("refused by who was refused itself")
		}
		w.net.thawed(raft.ServerAddress(ids[at]), raft.ServerAddress(ids[(at+2)%3]))
	})
}
