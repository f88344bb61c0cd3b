package raftfsm

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/hashicorp/raft"

	"onsale/sequencer"
	"onsale/wal"
	"onsale/wal/journal"
)

// A replica that failed decides nothing any more: it says once why, and no snapshot is
// taken of what it has.
func TestAFailedMachineStandsStill(t *testing.T) {
	for name, c := range map[string]struct {
		fail func(r *replica) *raft.Log
		want error
	}{
		"an entry that is no batch": {func(*replica) *raft.Log { return &raft.Log{Index: 3, Data: []byte{sequencer.BatchVersion, 'o', 'd'}} }, sequencer.ErrBatchCorrupt},
		"a journal that is closed": {func(r *replica) *raft.Log {
			if err := r.machine.journal.Close(); err != nil {
				t.Fatal(err)
			}
			return entryAt(3)
		}, wal.ErrClosed},
	} {
		r := mustOpenReplica(t)
		if err := r.apply(2); err != nil {
			t.Fatal(err)
		}
		entry := c.fail(r)
		first, is := r.machine.Apply(entry).(error)
		if !is || !errors.Is(first, c.want) || !errors.Is(r.failure, c.want) {
			t.Errorf("%s: %v, told %v", name, first, r.failure)
			continue
		}
		r.failure = nil
		seq := r.machine.published.Seq()
		if again, is := r.machine.Apply(entryAt(4)).(error); !is || !errors.Is(again, first) || r.failure != nil || r.machine.published.Seq() != seq {
			t.Errorf("%s, then: %v, told %v, at %d", name, again, r.failure, r.machine.published.Seq())
		}
		if s, err := r.machine.Snapshot(); s != nil || !errors.Is(err, first) {
			t.Errorf("%s, then a snapshot: %v", name, err)
		}
	}
}

// Decisions that somebody waits for are its own; others are made in one place.
func TestWhoseDecisionsAre(t *testing.T) {
	r := mustOpenReplica(t)
	apply := func(index uint64) *sequencer.Decisions {
		t.Helper()
		d, is := r.machine.Apply(entryAt(index)).(*sequencer.Decisions)
		if !is {
			t.Fatal(index, r.failure)
		}
		return d
	}
	if apply(1) != apply(2) {
		t.Error("decisions for nobody are kept apart")
	}
	r.machine.proposing.Add(1)
	third := apply(3)
	if fourth := apply(4); third == fourth || fourth == r.machine.scratch || len(fourth.Results) != 1 {
		t.Errorf("decisions that somebody waits for are made in the place of others: %+v", fourth)
	}
	r.machine.proposing.Add(-1)
	if apply(5) != r.machine.scratch {
		t.Error("decisions for nobody are kept apart")
	}
	if n := r.machine.counters.requests.Load(); n != 7 || r.machine.counters.events.Load() != 0 {
		t.Errorf("%d decisions are counted", n)
	}
}

// failingSink fails at one of its calls, counted from 1, and notes how it ended.
type failingSink struct {
	bytes.Buffer
	failAt, calls     int
	cancelled, closed bool
}

var errSink = errors.New("the sink is full")

func (s *failingSink) fails() error {
	if s.calls++; s.calls == s.failAt {
		return errSink
	}
	return nil
}

func (s *failingSink) Write(data []byte) (int, error) {
	if err := s.fails(); err != nil {
		return 0, err
	}
	return s.Buffer.Write(data)
}

func (s *failingSink) ID() string    { return "snapshot" }
func (s *failingSink) Cancel() error { s.cancelled = true; return nil }
func (s *failingSink) Close() error  { s.closed = true; return s.fails() }

// A snapshot that cannot be written is cancelled and counted as failed; none is written
// over a journal that could not be made durable.
func TestSnapshotThatFails(t *testing.T) {
	r := mustOpenReplica(t)
	if err := r.apply(10); err != nil {
		t.Fatal(err)
	}
	failed, taken := uint64(0), uint64(0)
	persist := func(sink *failingSink) error {
		t.Helper()
		s, err := r.machine.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		if err = s.Persist(sink); err != nil {
			failed++
		} else {
			taken++
		}
		s.Release()
		if n := &r.machine.counters; n.snapshotsFailed.Load() != failed || n.snapshots.Load() != taken {
			t.Errorf("%d are counted as taken and %d as failed, want %d and %d", n.snapshots.Load(), n.snapshotsFailed.Load(), taken, failed)
		}
		return err
	}
	whole := &failingSink{}
	if err := persist(whole); err != nil || !whole.closed || whole.cancelled || whole.calls < 3 {
		t.Fatalf("%+v, %v", whole, err)
	}
	for failAt := 1; failAt <= whole.calls; failAt++ {
		sink := &failingSink{failAt: failAt}
		if err := persist(sink); !errors.Is(err, errSink) || sink.cancelled == sink.closed || sink.closed != (failAt == whole.calls) {
			t.Errorf("call %d fails: cancelled %t, closed %t, %v", failAt, sink.cancelled, sink.closed, err)
		}
	}
	if err := r.machine.journal.Close(); err != nil {
		t.Fatal(err)
	}
	sink := &failingSink{}
	if err := persist(sink); !errors.Is(err, wal.ErrClosed) || !sink.cancelled || sink.closed || sink.Len() > 0 {
		t.Errorf("over a journal that is closed: %+v, %v", sink, err)
	}
}

// A snapshot that is none changes nothing, and one of another history neither.
func TestRestoreThatFails(t *testing.T) {
	leader, follower := mustOpenReplica(t), mustOpenReplica(t)
	if err := errors.Join(leader.apply(20), leader.snapshot(1), follower.apply(30)); err != nil {
		t.Fatal(err)
	}
	odd := bytes.Clone(leader.newest.data)
	odd[len(odd)-1] ^= 1
	seq, at, hash := follower.machine.stateHash()
	position := follower.machine.journal.Position()
	closed := &closing{Reader: bytes.NewReader(odd)}
	if err := follower.machine.Restore(closed); !errors.Is(err, sequencer.ErrSnapshotCorrupt) || !closed.closed {
		t.Errorf("a damaged one: %v, closed %t", err, closed.closed)
	}

	other := mustOpenReplica(t)
	for index := range uint64(20) {
		entry := entryAt(index + 1)
		entry.Term = 9
		if err, is := other.machine.Apply(entry).(error); is {
			t.Fatal(err)
		}
	}
	other.applied = 20
	if err := other.snapshot(1); err != nil {
		t.Fatal(err)
	}
	if err := follower.machine.Restore(io.NopCloser(bytes.NewReader(other.newest.data))); !errors.Is(err, journal.ErrDiverged) {
		t.Errorf("another history's: %v", err)
	}
	if s, a, h := follower.machine.stateHash(); s != seq || a != at || h != hash || follower.machine.journal.Position() != position {
		t.Errorf("the state is at %d, it was at %d", s, seq)
	}
}

type closing struct {
	io.Reader
	closed bool
}

func (c *closing) Close() error {
	c.closed = true
	return nil
}

// A replica that applies a check of which it is on the wrong side stops there.
func TestACheckStopsAReplicaThatDiffers(t *testing.T) {
	for name, hash := range map[string]journal.Hash{"alike": {}, "otherwise": {1}} {
		r := mustOpenReplica(t)
		if err := r.apply(16); err != nil {
			t.Fatal(err)
		}
		own := r.machine.checkpoints.list()[0]
		if hash == (journal.Hash{}) {
			hash = own.Hash
		}
		entry := entryAt(17)
		entry.Extensions = (&check{height: own.Height, voters: 1, claims: []claim{{"n1", true, 7, hash}}}).append(nil)
		err, stopped := r.machine.Apply(entry).(error)
		if differs := name == "otherwise"; stopped != differs || differs && (!errors.Is(err, ErrDiverged) || r.machine.journal.Position().Height != 16) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
