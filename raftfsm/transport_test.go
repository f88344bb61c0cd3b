package raftfsm

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"onsale/proof/testenv"
	"onsale/raftfsm/transport"
)

// A follower that refuses an append must not leave the sender of the next ones
// waiting: raft reads no answer after a refusal, and may send before it notices.
func TestPipelineEndsWithARefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newNetwork(1)
		leader, follower := net.open("a"), net.open("b")
		go func() {
			for {
				select {
				case rpc := <-follower.Consumer():
					rpc.Respond(&raft.AppendEntriesResponse{Success: false}, nil)
				case <-follower.closed:
					return
				}
			}
		}()
		guarded := transport.Guard(leader, transport.Installer{}, new(transport.Heard), new(transport.Peers))
		p, err := guarded.AppendEntriesPipeline("b", "b")
		if err != nil {
			t.Fatal(err)
		}
		send := func() error {
			_, err := p.AppendEntries(&raft.AppendEntriesRequest{Term: 1}, new(raft.AppendEntriesResponse))
			return err
		}
		if err := send(); err != nil {
			t.Fatal(err)
		}
		if f := <-p.Consumer(); f.Response().Success {
			t.Error("the refusal did not come through")
		}
		for range 10 * pipelineMax { // hangs where a pipeline does not end: the bubble tells
			if err := send(); err != nil {
				p.Close()
				guarded.Close()
				follower.Close()
				time.Sleep(time.Second) // for what is under way
				return
			}
		}
		t.Error("a pipeline went on after a refusal")
	})
}

// A deposed leader has entries behind those that an append compares, and nobody else has
// them: the leader's commit index does not commit them.
func TestAppendCommitsOnlyWhatItCompared(t *testing.T) {
	w := newWorld(t, 1, testenv.MemoryDir(t), plant{})
	synctest.Test(t, func(t *testing.T) {
		members := []Member{{ID: "n1", Address: "n1"}, {ID: "n2", Address: "n2"}, {ID: "n3", Address: "n3"}}
		w.start("n1", members)
		leader := w.net.open("n2")
		defer func() {
			leader.Close()
			w.crash("n1")
			time.Sleep(healMax) // for what is under way
		}()
		const own, others = 10, 11 // terms, later than those that n1 may have begun
		noop := func(term, index uint64) *raft.Log {
			return &raft.Log{Index: index, Term: term, Type: raft.LogNoop}
		}
		for _, step := range []struct {
			what              string
			term              uint64
			prev, prevTerm    uint64
			entries           []*raft.Log
			commit, committed uint64
		}{
			{"entries of a leader", own, 1, 1, []*raft.Log{noop(own, 2), noop(own, 3), noop(own, 4)}, 1, 1},
			{"no entry, before two that stay behind", others, 2, own, nil, 9, 2},
			{"one of them is replaced", others, 2, own, []*raft.Log{noop(others, 3)}, 9, 3},
			{"as the first, late", others, 2, own, nil, 2, 3},
			{"twice", others, 2, own, []*raft.Log{noop(others, 3)}, 9, 3},
			{"the rest", others, 3, others, []*raft.Log{noop(others, 4), noop(others, 5)}, 4, 4},
			{"and its commit", others, 5, others, nil, 5, 5},
		} {
			request := &raft.AppendEntriesRequest{RPCHeader: raft.RPCHeader{ProtocolVersion: raft.ProtocolVersionMax, ID: []byte("n2"), Addr: []byte("n2")},
				Term: step.term, PrevLogEntry: step.prev, PrevLogTerm: step.prevTerm, Entries: step.entries, LeaderCommitIndex: step.commit}
			var answer raft.AppendEntriesResponse
			if err := leader.AppendEntries("n1", "n1", request, &answer); err != nil || !answer.Success {
				t.Fatalf("%s: %+v, %v", step.what, answer, err)
			}
			if got := w.node("n1").raft.CommitIndex(); got != step.committed {
				t.Fatalf("%s: committed up to %d, not %d", step.what, got, step.committed)
			}
			if request.LeaderCommitIndex != step.commit {
				t.Errorf("%s: the sender's request was changed", step.what)
			}
		}
	})
	if len(w.violations) > 0 {
		t.Error(w.violations)
	}
}
