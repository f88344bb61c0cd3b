package wal_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"onsale/proof/testenv"
	"onsale/wal"
	"onsale/wal/waltest"
)

// promise is what a log has promised: the records that were acknowledged, and what
// the operation under way may change.
type promise struct {
	opened      bool
	first, next uint64            // acknowledged
	synced      uint64            // the lowest NextIndex that may be found again
	content     map[uint64]string // of every index that may be found
	writes      int
	// Of the operation under way.
	flying         string
	most           uint64 // the highest NextIndex it may lead to
	least, emptyAt uint64 // the lowest; where a reset leads to
	firstMost      uint64
	noSync         bool
}

// workload does the same operations each time. It stops at the first error and
// returns it.
type workload struct {
	promise
	dir     string
	options wal.Options
	log     *wal.Log
}

func newWorkload(dir string, noSync bool, files wal.Files) *workload {
	o := wal.DefaultOptions()
	o.SegmentBytes, o.NoSync, o.Files, o.CheckAll = 1<<10, noSync, files, !noSync
	return &workload{dir: dir, options: o, promise: promise{first: 1, next: 1, synced: 1, content: map[uint64]string{}, noSync: noSync}}
}

// fly begins an operation; land ends it.
func (w *workload) fly(what string) {
	w.flying, w.most, w.least, w.emptyAt, w.firstMost = what, w.next, w.synced, 0, w.first
}

func (w *workload) land() {
	w.flying, w.most, w.least, w.emptyAt, w.firstMost = "", w.next, w.synced, 0, w.first
}

func (w *workload) open() (err error) {
	w.fly("open")
	w.options.DurableIndex = w.synced - 1
	if w.log, err = wal.Open(filepath.Join(w.dir, "log"), w.options); err == nil {
		w.opened = true
		w.land()
	}
	return err
}

func (w *workload) append(count uint64) error {
	w.fly("append")
	var records [][]byte
	for i := w.next; i < w.next+count; i++ {
		w.writes++
		w.content[i] = fmt.Sprintf("record %d, write %d, %0*d", i, w.writes, int(i*13%90), 7)
		records = append(records, []byte(w.content[i]))
	}
	w.most = w.next + count
	err := w.log.Append(w.next, records)
	if err == nil {
		w.next += count
		if !w.noSync {
			w.synced = w.next
		}
		w.land()
	}
	return err
}

func (w *workload) sync() error {
	w.fly("sync")
	err := w.log.Sync()
	if err == nil {
		w.synced = w.next
		w.land()
	}
	return err
}

func (w *workload) truncateFront(first uint64) error {
	w.fly("truncate front")
	w.firstMost = first
	err := w.log.TruncateFront(first)
	if err == nil {
		w.first = first
		w.land()
	}
	return err
}

func (w *workload) truncateBack(last uint64) error {
	w.fly("truncate back")
	w.least = min(w.least, last+1)
	err := w.log.TruncateBack(last)
	if err == nil {
		w.next, w.synced = last+1, last+1
		w.land()
	}
	return err
}

func (w *workload) reset(next uint64) error {
	w.fly("reset")
	w.emptyAt = next
	err := w.log.Reset(next)
	if err == nil {
		w.first, w.next, w.synced = next, next, next
		clear(w.content)
		w.land()
	}
	return err
}

func (w *workload) close() error {
	w.fly("close")
	err := w.log.Close()
	if err == nil {
		w.synced, w.log = w.next, nil
		w.land()
	}
	return err
}

// run is every kind of operation, over several segments.
func (w *workload) run() error {
	appends := func(counts ...uint64) func() error {
		return func() error {
			for _, count := range counts {
				if err := w.append(count); err != nil {
					return err
				}
			}
			return nil
		}
	}
	steps := []func() error{w.open, appends(1, 3, 1, 8, 9, 9, 1), w.sync, appends(7, 10), w.close, w.open, appends(9, 9)}
	if !w.noSync { // a journal is never truncated
		steps = append(steps,
			func() error { return w.truncateFront(30) }, appends(9, 9, 9),
			func() error { return w.truncateBack(61) }, appends(2),
			func() error { return w.truncateBack(60) }, appends(9, 9, 9))
	}
	steps = append(steps, func() error { return w.reset(500) }, appends(3, 9, 9), w.sync, appends(2), w.close)
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// check opens what a crash left: everything that was acknowledged must be there,
// nothing else but what was under way, and the log must go on.
func (p *promise) check(dir string, options wal.Options) error {
	options.Files, options.DurableIndex = nil, p.least-1
	l, err := wal.Open(filepath.Join(dir, "log"), options)
	if err != nil {
		return err
	}
	first, next := l.FirstIndex(), l.NextIndex()
	reset := p.emptyAt != 0 && first == 0 && next == p.emptyAt
	if !reset && (next < p.least || next > p.most || first > p.firstMost) {
		return errors.Join(fmt.Errorf("holds %d up to before %d, want up to before %d to %d", first, next, p.least, p.most), l.Close())
	}
	if first == 0 {
		first = next
	}
	for i := first; i < next; i++ {
		if got, err := l.Read(i); err != nil || string(got) != p.content[i] {
			return errors.Join(fmt.Errorf("record %d is %q, want %q: %w", i, got, p.content[i], err), l.Close())
		}
	}
	if err := errors.Join(l.Append(next, [][]byte{[]byte("goes on")}), l.Close()); err != nil {
		return fmt.Errorf("does not go on: %w", err)
	}
	options.DurableIndex = 0
	if l, err = wal.Open(filepath.Join(dir, "log"), options); err != nil {
		return fmt.Errorf("second start: %w", err)
	}
	if l.LastIndex() != next {
		err = fmt.Errorf("second start: ends at %d, want %d", l.LastIndex(), next)
	}
	return errors.Join(err, l.Close())
}

// checkImages checks every folder that a power cut could leave now.
func (w *workload) checkImages(t *testing.T, d *waltest.Disk, when string) int {
	t.Helper()
	images := d.Images()
	for i, image := range images {
		dir := testenv.MemoryDir(t)
		if err := image.Lay(dir); err != nil {
			t.Fatal(err)
		}
		if err := w.check(dir, w.options); err != nil {
			t.Fatalf("%s, during %q, image %d of %d: %v", when, w.flying, i, len(images), err)
		}
		os.RemoveAll(dir)
	}
	return len(images)
}

func newDisk(t *testing.T) (*waltest.Disk, string) {
	dir := testenv.MemoryDir(t)
	d, err := waltest.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	return d, dir
}

func modes(t *testing.T, test func(t *testing.T, noSync bool)) {
	t.Run("durable", func(t *testing.T) { test(t, false) })
	t.Run("synced later", func(t *testing.T) { test(t, true) })
}

// A power cut after every call: un-fsynced bytes lost, kept or half written, names
// lost or kept.
func TestPowerCutAfterEveryCall(t *testing.T) {
	modes(t, func(t *testing.T, noSync bool) {
		d, dir := newDisk(t)
		w, images := newWorkload(dir, noSync, d), 0
		d.After = func(int, string) { images += w.checkImages(t, d, d.Last()) }
		if err := w.run(); err != nil {
			t.Fatal(err)
		}
		t.Logf("%d calls, %d images", d.Calls(), images)
		if d.Calls() < 100 || images < d.Calls() {
			t.Fatalf("%d calls, %d images: too few to mean anything", d.Calls(), images)
		}
	})
}

// An error at every call, in every way: the operation fails, the log takes nothing
// more, and what was acknowledged is found at the next start, with or without a
// power cut in between.
func TestErrorAtEveryCall(t *testing.T) {
	modes(t, func(t *testing.T, noSync bool) {
		d, dir := newDisk(t)
		if err := newWorkload(dir, noSync, d).run(); err != nil {
			t.Fatal(err)
		}
		images := 0
		every := testenv.Pick(1, 11)
		for call := 1; call <= d.Calls(); call += every {
			for _, kind := range waltest.Kinds() {
				images += failAt(t, call, kind, noSync)
			}
		}
		t.Logf("%d calls in %d ways, %d images", d.Calls(), len(waltest.Kinds()), images)
	})
}

func failAt(t *testing.T, call int, kind waltest.Kind, noSync bool) (images int) {
	t.Helper()
	d, dir := newDisk(t)
	d.FailAt, d.FailKind = call, kind
	w := newWorkload(dir, noSync, d)
	what := ""
	d.After = func(at int, name string) {
		if at == call {
			what = fmt.Sprintf("call %d (%s) fails in way %d", call, name, kind)
		}
	}
	err := w.run()
	if !errors.Is(err, waltest.ErrInjected) {
		t.Fatalf("%s, and %q says %v", what, w.flying, err)
	}
	d.After = nil
	if w.log != nil {
		if w.flying != "close" {
			if again := w.log.Append(w.log.NextIndex(), [][]byte{{1}}); !errors.Is(again, wal.ErrFailed) {
				t.Fatalf("%s during %q, and then an append says %v", what, w.flying, again)
			}
		}
		w.log.Close() // a log that failed says so again
	}
	images = w.checkImages(t, d, what)
	if err := w.check(dir, w.options); err != nil { // the process ends, the machine goes on
		t.Fatalf("%s, during %q, without a power cut: %v", what, w.flying, err)
	}
	os.RemoveAll(dir)
	return images
}
