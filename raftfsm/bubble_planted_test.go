package raftfsm

import (
	"errors"
	"io"
	"sync"
	"testing"

	"github.com/hashicorp/raft"

	"onsale/proof/testenv"
	"onsale/raftfsm/store"
	"onsale/sequencer"
)

// Bugs that the bubbles must catch. Each is planted through the seams.

// plantedWorlds bounds how long a planted bug may stay unseen.
const plantedWorlds = 12

// mustCatch runs worlds with a bug until one of them finds it.
func mustCatch(t *testing.T, p func() plant) {
	testenv.TakesLong(t, "looks for a planted bug in up to twelve worlds")
	for seed := range uint64(plantedWorlds) {
		w := runWorld(t, seed+1, failoversPerWorld, p())
		if len(w.violations) > 0 {
			t.Logf("caught in world %d after %d fail-overs: %s", seed+1, w.failovers, w.violations[0])
			return
		}
	}
	t.Errorf("%d worlds did not notice the bug", plantedWorlds)
}

// The raft log is not synced: what was answered is gone when the power is.
func TestPlantedAnswerBeforeFsync(t *testing.T) {
	mustCatch(t, func() plant { return plant{logNoSync: true} })
}

// The journal is not synced before a snapshot lets raft forget its log.
func TestPlantedSnapshotBeforeJournalSync(t *testing.T) {
	mustCatch(t, func() plant {
		return plant{machine: func(o *observer) raft.FSM { return unsyncedMachine{o} }}
	})
}

type unsyncedMachine struct{ *observer }

func (m unsyncedMachine) Snapshot() (raft.FSMSnapshot, error) {
	s, err := m.node.machine.Snapshot()
	if err != nil {
		return nil, err
	}
	f := s.(*frozen)
	return &observedSnapshot{unsynced{f}, m.observer, f.head.Height}, nil
}

type unsynced struct{ *frozen }

func (u unsynced) Persist(sink raft.SnapshotSink) error {
	_, err := sink.Write(store.AppendHeader(nil, u.head, u.seq))
	if err == nil {
		_, err = u.state.WriteTo(sink)
	}
	return errors.Join(err, sink.Close())
}

// A snapshot is read and verified, and the old state goes on.
func TestPlantedRestoreWithoutSwap(t *testing.T) {
	mustCatch(t, func() plant {
		return plant{machine: func(o *observer) raft.FSM { return unswappedMachine{o} }}
	})
}

type unswappedMachine struct{ *observer }

func (m unswappedMachine) Restore(in io.ReadCloser) error {
	defer in.Close()
	head, _, err := store.ReadSnapshot(in)
	if err == nil {
		_, err = m.node.data.Journal.Restore(head)
	}
	return err
}

// Every replica applies what it has stored, committed or not.
func TestPlantedApplyUncommitted(t *testing.T) {
	mustCatch(t, func() plant { return newHasty().plant(false) })
}

// The leader answers as soon as it has stored a batch itself.
func TestPlantedAnswerBeforeCommit(t *testing.T) {
	mustCatch(t, func() plant { return newHasty().plant(true) })
}

// hasty applies entries when they are stored.
type hasty struct {
	mu       sync.Mutex
	machines map[*Node]*hastyMachine
	waiting  map[*byte]chan *sequencer.Decisions // proposed here, by their first byte
}

func newHasty() *hasty {
	return &hasty{machines: map[*Node]*hastyMachine{}, waiting: map[*byte]chan *sequencer.Decisions{}}
}

// plant makes all replicas hasty, or only the leader, who answers then.
func (h *hasty) plant(leaderOnly bool) plant {
	p := plant{
		machine: func(o *observer) raft.FSM {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.machines[o.node] = &hastyMachine{observer: o, early: map[uint64]any{}}
			return h.machines[o.node]
		},
		stored: func(n *Node, logs []*raft.Log) { h.stored(n, logs, leaderOnly) },
	}
	if leaderOnly {
		p.apply = h.apply
	}
	return p
}

func (h *hasty) stored(n *Node, logs []*raft.Log, leaderOnly bool) {
	h.mu.Lock()
	m := h.machines[n]
	answer := chan *sequencer.Decisions(nil)
	for _, l := range logs {
		if l.Type == raft.LogCommand && h.waiting[&l.Data[0]] != nil {
			answer = h.waiting[&l.Data[0]]
		}
	}
	h.mu.Unlock()
	if m == nil || leaderOnly && answer == nil {
		return
	}
	if d, ok := m.applyUpTo(logs[len(logs)-1].Index).(*sequencer.Decisions); ok && answer != nil {
		answer <- d
	}
}

// apply proposes an entry and is done when it is stored.
func (h *hasty) apply(n *Node, entry raft.Log) raft.ApplyFuture {
	early := make(chan *sequencer.Decisions, 64)
	h.mu.Lock()
	h.waiting[&entry.Data[0]] = early
	h.mu.Unlock()
	return &hastyFuture{ApplyFuture: n.raft.ApplyLog(entry, 0), early: early}
}

type hastyFuture struct {
	raft.ApplyFuture
	early    chan *sequencer.Decisions
	response any
}

func (f *hastyFuture) Error() error {
	committed := make(chan error, 1)
	go func() { committed <- f.ApplyFuture.Error() }()
	select {
	case d := <-f.early:
		f.response = d
		return nil
	case err := <-committed:
		if err == nil {
			f.response = f.ApplyFuture.Response()
		}
		return err
	}
}

func (f *hastyFuture) Response() any { return f.response }

// hastyMachine has applied some entries before raft says so.
type hastyMachine struct {
	*observer
	mu    sync.Mutex
	early map[uint64]any
}

// applyUpTo applies the log up to an index and returns the last decisions.
func (m *hastyMachine) applyUpTo(index uint64) (last any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := m.node.data.Journal.Position().RaftIndex + 1; i <= index; i++ {
		var l raft.Log
		if m.node.data.Log.GetLog(i, &l) == nil && l.Type == raft.LogCommand {
			last = m.observer.Apply(&l)
			m.early[i] = last
		}
	}
	return last
}

func (m *hastyMachine) Apply(l *raft.Log) any {
	m.mu.Lock()
	defer m.mu.Unlock()
	if response, done := m.early[l.Index]; done {
		delete(m.early, l.Index)
		return response
	}
	if l.Index <= m.node.data.Journal.Position().RaftIndex {
		return new(sequencer.Decisions)
	}
	return m.observer.Apply(l)
}
