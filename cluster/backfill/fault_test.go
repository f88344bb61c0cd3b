package backfill

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"onsale/proof/testenv"
	"onsale/wal/journal"
	"onsale/wal/waltest"
)

// faulty is a replica with a gap whose filler writes on a disk that fails or is cut off.
type faulty struct {
	replica  *replica
	snapshot journal.Head
	peer     *replica
	disk     *waltest.Disk
	filler   *Filler
}

func newFaulty(t *testing.T, peer *replica) *faulty {
	t.Helper()
	w := &faulty{peer: peer}
	w.replica, w.snapshot = restored(t, peer)
	var err error
	if w.disk, err = waltest.New(w.replica.data); err != nil {
		t.Fatal(err)
	}
	w.filler, _ = newFiller(t, w.replica, w.honest(), func(c *Config) { c.Files = w.disk })
	return w
}

// honest answers seven blocks at a time, so that there is something to die between.
func (w *faulty) honest() *members {
	return among(map[string]*member{"n1": {history: w.peer.history, blocks: 7}})
}

// recover starts on what a crash left, and fills what is missing then. The journal
// never misses a block that it had, and never has one that is not the chain's.
func (w *faulty) recover(t *testing.T, data string) error {
	r := &replica{data: data}
	var err error
	if r.journal, err = journal.Open(r.dir(), journal.Options{SegmentBytes: 1 << 12}); err != nil {
		return err
	}
	defer r.close()
	if _, err := r.journal.Restore(w.snapshot); err != nil {
		return err
	}
	for height := uint64(snapshotAt + 1); height <= chainBlocks; height++ { // what raft replays
		if err := r.journal.Put(blockAt(height, 0)); err != nil {
			return err
		}
	}
	r.history = journal.NewHistory(r.journal)
	f, _ := newFiller(t, r, w.honest(), nil)
	if err := f.round(context.Background()); err != nil {
		return err
	}
	if n := f.counters.wrong.Load(); n != 0 {
		return fmt.Errorf("%d wrong answers of an honest peer", n)
	}
	return complete(data, w.peer)
}

func (w *faulty) recoverFromImages(t *testing.T, when string) (images int) {
	t.Helper()
	for i, image := range w.disk.Images() {
		dir := testenv.MemoryDir(t)
		if err := image.Lay(dir); err != nil {
			t.Fatal(err)
		}
		if err := w.recover(t, dir); err != nil {
			t.Fatalf("%s, image %d: %v", when, i, err)
		}
		os.RemoveAll(dir)
		images++
	}
	return images
}

// A power cut after any call: the next start goes on with what is left, and the chain is
// whole in the end.
func TestPowerCutAfterEveryCall(t *testing.T) {
	w := newFaulty(t, whole(t, 91))
	if err := w.replica.journal.Close(); err != nil { // its end is on the disk; only what the filler does is cut off
		t.Fatal(err)
	}
	w = newFaultyOn(t, w)
	images := 0
	w.disk.After = func(int, string) { images += w.recoverFromImages(t, w.disk.Last()) }
	mustRound(t, w.filler)
	w.disk.After = nil
	images += w.recoverFromImages(t, "the end")
	if images < 100 {
		t.Fatalf("only %d images", images)
	}
	t.Logf("%d calls, %d images", w.disk.Calls(), images)
}

// newFaultyOn opens a replica again whose journal was closed: it is all durable.
func newFaultyOn(t *testing.T, old *faulty) *faulty {
	t.Helper()
	w := &faulty{peer: old.peer, snapshot: old.snapshot}
	w.replica = openReplica(t, old.replica.data, old.snapshot).put(t, snapshotAt+1, chainBlocks, 0)
	var err error
	if w.disk, err = waltest.New(w.replica.data); err != nil {
		t.Fatal(err)
	}
	w.filler, _ = newFiller(t, w.replica, w.honest(), func(c *Config) { c.Files = w.disk })
	return w
}

// An error at any call, in every way: the node is not touched by it, and the filler
// tries again, in this process, at the next start, or after a power cut.
func TestErrorAtEveryCall(t *testing.T) {
	peer := whole(t, 91)
	reference := newFaulty(t, peer)
	mustRound(t, reference.filler)
	images := 0
	every := testenv.Pick(1, 7)
	for call := 1; call <= reference.disk.Calls(); call += every {
		for _, kind := range waltest.Kinds() {
			w := newFaulty(t, peer)
			w.disk.FailAt, w.disk.FailKind = call, kind
			err := w.filler.round(context.Background())
			what := fmt.Sprintf("call %d fails in way %d: %s", call, kind, w.disk.Last())
			if err != nil && !errors.Is(err, waltest.ErrInjected) {
				t.Fatalf("%s: %v", what, err)
			}
			if err == nil && w.filler.counters.discarded.Load() == 0 {
				t.Fatalf("%s, and nobody noticed", what)
			}
			if err != nil && w.filler.counters.failures.Load() == 0 {
				t.Fatalf("%s, and it was not counted", what)
			}
			images += w.recoverFromImages(t, what)
			if err := w.filler.round(context.Background()); err != nil {
				t.Fatalf("%s, then: %v", what, err)
			}
			mustBeComplete(t, w.replica, peer)
			w.replica.close()
			os.RemoveAll(w.replica.data)
		}
	}
	t.Logf("%d calls in %d ways, %d images", reference.disk.Calls(), len(waltest.Kinds()), images)
}

// A filling that is being thrown away when the power is cut is thrown away, or was not
// touched; it is never taken for a log with a hole.
func TestPowerCutWhileThrowingAway(t *testing.T) {
	peer := whole(t, 91)
	first := newFaulty(t, peer)
	for at := 0; at < 2; at++ { // one page, then the peer is gone
		first.filler.peers.(*members).named["n1"].spoil = func(q journal.PageQuestion, page []byte) ([]byte, error) {
			if q.Height > 40 && q.Height < snapshotAt {
				return nil, errors.New("gone")
			}
			return page, nil
		}
		if err := first.filler.round(context.Background()); err == nil {
			t.Fatal("filled by nobody")
		}
	}
	if err := first.replica.journal.Close(); err != nil {
		t.Fatal(err)
	}
	w := newFaultyOn(t, first)
	images := 0
	w.disk.After = func(int, string) { images += w.recoverFromImages(t, w.disk.Last()) }
	if err := w.filler.discard(fillingDir(w.replica.dir(), 1)); err != nil {
		t.Fatal(err)
	}
	if images < 10 {
		t.Fatalf("only %d images", images)
	}
	t.Logf("%d calls, %d images", w.disk.Calls(), images)
}
