package raftfsm

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"onsale/proof/testenv"
	"onsale/sequencer"
	"onsale/wal/journal"
	"onsale/wal/waltest"
)

// entryAt is the raft entry that the storage tests have at an index.
func entryAt(index uint64) *raft.Log {
	b := sequencer.Batch{Time: time.Unix(1_800_000_000, 0).UnixNano() + int64(index)*int64(time.Second)}
	if index == 1 {
		spec := concert(1 << 20)
		b.Commands = []sequencer.Command{{Kind: sequencer.KindSaleCreate, Body: sequencer.AppendSaleSpec(nil, &spec)}}
	}
	for i := range index % 3 {
		user := fmt.Appendf(nil, "user-%d-%d", index, i)
		b.Commands = append(b.Commands, sequencer.Command{Kind: sequencer.KindBuy, Sale: 1, Quantity: 1, User: user, Key: sequencer.DigestKey(user, []byte("k"))})
	}
	return &raft.Log{Index: index, Term: 1, Type: raft.LogCommand, Data: sequencer.AppendBatch(nil, &b)}
}

// replica is a state machine with its journal on a disk, and the snapshots that
// count for it, as raft would drive them.
type replica struct {
	machine *machine
	failure error
	applied uint64
	newest  *savedSnapshot
	durable uint64 // height of the newest snapshot that was made here
}

// savedSnapshot is a snapshot that raft holds durable.
type savedSnapshot struct {
	data  []byte
	index uint64
	head  journal.Head
	own   uint64 // the first height whose block must be in the journal then
}

func openReplica(dir string, o journal.Options) (*replica, error) {
	o.SegmentBytes = 1 << 12
	j, err := journal.Open(filepath.Join(dir, "journal"), o)
	if err != nil {
		return nil, err
	}
	r := &replica{}
	r.machine = newMachine(j, 16, func(err error) { r.failure = errors.Join(r.failure, err) }, slog.New(slog.DiscardHandler))
	return r, nil
}

func (r *replica) apply(to uint64) error {
	for r.applied < to && r.failure == nil {
		r.machine.Apply(entryAt(r.applied + 1))
		r.applied++
	}
	return r.failure
}

// bufferSink is a snapshot that counts once it is closed.
type bufferSink struct {
	bytes.Buffer
	closed bool
}

func (s *bufferSink) ID() string    { return "snapshot" }
func (s *bufferSink) Cancel() error { return nil }
func (s *bufferSink) Close() error  { s.closed = true; return nil }

func (r *replica) snapshot(own uint64) error {
	frozen, err := r.machine.Snapshot()
	if err != nil {
		return err
	}
	sink := new(bufferSink)
	if err := frozen.Persist(sink); err != nil {
		return err
	}
	if sink.closed {
		r.newest = &savedSnapshot{sink.Bytes(), r.applied, r.machine.journal.Position(), own}
		r.durable = r.newest.head.Height
	}
	return nil
}

// install is what a follower does that lags: the snapshot is durable, then it is
// restored.
func (r *replica) install(s *savedSnapshot) error {
	s.own = s.head.Height + 1
	r.newest, r.applied = s, s.index
	return r.machine.Restore(io.NopCloser(bytes.NewReader(s.data)))
}

// life is what the replica of the tests goes through.
func (r *replica) life(foreign *savedSnapshot) error {
	for _, step := range []func() error{
		func() error { return r.apply(23) },
		func() error { return r.snapshot(1) },
		func() error { return r.apply(60) },
		func() error { return r.install(foreign) },
		func() error { return r.apply(foreign.index + 41) },
		func() error { return r.snapshot(foreign.head.Height + 1) },
		func() error { return r.apply(foreign.index + 60) },
		r.machine.journal.Close,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// recoverFrom starts on what a crash left, as a node does, replays what raft has,
// and compares the chain with the one that never crashed.
func recoverFrom(dir string, newest *savedSnapshot, durable, applied uint64, heads map[uint64]journal.Head) error {
	r, err := openReplica(dir, journal.Options{DurableHeight: durable})
	if err != nil {
		return err
	}
	defer r.machine.journal.Close()
	if newest != nil {
		for height := newest.own; height <= newest.head.Height; height++ {
			if _, err := r.machine.journal.Read(height); err != nil {
				return fmt.Errorf("block %d is before the snapshot, and raft has dropped its entry: %w", height, err)
			}
		}
		if err := r.machine.Restore(io.NopCloser(bytes.NewReader(newest.data))); err != nil {
			return err
		}
		r.applied = newest.index
	}
	if err := r.apply(applied); err != nil {
		return err
	}
	if got, want := r.machine.journal.Position(), heads[r.applied]; got != want {
		return fmt.Errorf("replayed to %+v, want %+v", got, want)
	}
	return nil
}

// reference returns the chain's heads by index, and a snapshot of another node.
func reference(t *testing.T) (heads map[uint64]journal.Head, foreign *savedSnapshot) {
	r, err := openReplica(testenv.MemoryDir(t), journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	heads = map[uint64]journal.Head{}
	for index := uint64(1); index <= 200; index++ {
		if err := r.apply(index); err != nil {
			t.Fatal(err)
		}
		heads[index] = r.machine.journal.Position()
		if index == 100 {
			if err := r.snapshot(1); err != nil {
				t.Fatal(err)
			}
			foreign = r.newest
		}
	}
	if err := r.machine.journal.Close(); err != nil {
		t.Fatal(err)
	}
	return heads, foreign
}

func faultyReplica(t *testing.T) (*replica, *waltest.Disk, string, error) {
	dir := testenv.MemoryDir(t)
	d, err := waltest.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	r, err := openReplica(dir, journal.Options{Files: d})
	return r, d, dir, err
}

func recoverFromImages(t *testing.T, r *replica, d *waltest.Disk, heads map[uint64]journal.Head, when string) (images int) {
	t.Helper()
	for i, image := range d.Images() {
		dir := testenv.MemoryDir(t)
		if err := image.Lay(dir); err != nil {
			t.Fatal(err)
		}
		if err := recoverFrom(dir, r.newest, r.durable, r.applied, heads); err != nil {
			t.Fatalf("%s, image %d: %v", when, i, err)
		}
		os.RemoveAll(dir)
		images++
	}
	return images
}

// A power cut after any call: the journal has every block that raft may have
// dropped, and the replay brings the rest, with the same hashes.
func TestJournalAfterAPowerCut(t *testing.T) {
	heads, foreign := reference(t)
	r, d, _, err := faultyReplica(t)
	if err != nil {
		t.Fatal(err)
	}
	images, every := 0, testenv.Pick(1, 7)
	d.After = func(call int, _ string) {
		if call%every == 0 {
			images += recoverFromImages(t, r, d, heads, d.Last())
		}
	}
	if err := r.life(foreign); err != nil {
		t.Fatal(err)
	}
	if images < 200/every {
		t.Fatalf("only %d images", images)
	}
	t.Logf("%d calls, %d images", d.Calls(), images)
}

// An error at any call, in every way: the replica stops, and the next start has it
// all, with or without a power cut.
func TestJournalAfterAnError(t *testing.T) {
	heads, foreign := reference(t)
	r, whole, _, err := faultyReplica(t)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.life(foreign); err != nil {
		t.Fatal(err)
	}
	images := 0
	opened := whole.Calls()
	for call := 1; call <= opened; call += testenv.Pick(1, 11) {
		for _, kind := range waltest.Kinds() {
			dir := testenv.MemoryDir(t)
			d, err := waltest.New(dir)
			if err != nil {
				t.Fatal(err)
			}
			d.FailAt, d.FailKind = call, kind
			r, err := openReplica(dir, journal.Options{Files: d})
			if err != nil {
				r = &replica{}
			} else if err = r.life(foreign); err != nil {
				r.machine.journal.Close() // it says again what failed
			}
			what := fmt.Sprintf("call %d fails in way %d", call, kind)
			if !errors.Is(err, waltest.ErrInjected) {
				t.Fatalf("%s, and the replica says %v", what, err)
			}
			images += recoverFromImages(t, r, d, heads, what)
			if err := recoverFrom(dir, r.newest, r.durable, r.applied, heads); err != nil {
				t.Fatalf("%s, without a power cut: %v", what, err)
			}
			os.RemoveAll(dir)
		}
	}
	t.Logf("%d calls in %d ways, %d images", opened, len(waltest.Kinds()), images)
}
