package raftfsm

import (
	"errors"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"onsale/sequencer"
)

// A disk is low below its reserve, and until an eighth more is free; since when is kept.
func TestDiskLow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		free, snapshot, broken := int64(0), int64(50), error(nil)
		c := testConfig(t, "n1")
		w := &diskWatch{reserve: 100, snapshot: func() int64 { return snapshot }, dirs: []string{"a", "b"}, logger: c.Logger,
			statfs: func(dir string) (int64, int64, error) {
				if dir == "a" {
					return 1 << 40, 1 << 41, broken
				}
				return free, 1000, broken
			}}
		w.seen.Store(new(Disk))
		began := time.Now().UTC()
		for i, step := range []struct {
			free, snapshot int64
			low            bool
		}{{200, 50, false}, {199, 50, true}, {224, 50, true}, {199, 50, true}, {225, 50, false}, {200, 50, false}, {201, 51, true}, {300, 51, false}} {
			free, snapshot = step.free, step.snapshot
			time.Sleep(time.Second)
			w.look()
			is := w.seen.Load()
			if (is.LowSince != nil) != step.low || (is.Err() != nil) != step.low || is.FreeBytes != free || is.SizeBytes != 1000 || is.ReserveBytes != 100+2*snapshot {
				t.Errorf("step %d: %+v, %v", i, is, is.Err())
			}
			if i == 3 && !is.LowSince.Equal(began.Add(2*time.Second)) {
				t.Errorf("low since %v, the first was at %v", is.LowSince, began.Add(2*time.Second))
			}
		}

		free, broken = 0, errors.New("the mount is gone")
		w.look()
		if is := w.seen.Load(); is.FreeBytes != 300 || !errors.Is(*w.err.Load(), broken) {
			t.Errorf("without a word of the file system: %+v, %v", is, *w.err.Load())
		}
	})
}

// A file system tells what is free and what there is; one that is not there does not.
func TestStatfs(t *testing.T) {
	dir := t.TempDir()
	if free, size, err := statfs(dir); err != nil || free <= 0 || size < free || size < 1<<20 {
		t.Errorf("%d of %d bytes are free, %v", free, size, err)
	}
	if is, err := roomOf(statfs, []string{dir, filepath.Join(dir, "gone")}); err == nil || is != (Disk{}) {
		t.Errorf("nowhere there is %+v", is)
	}
}

// A node whose disk is low warns, says so in its status, and goes on.
func TestNodeOnALowDisk(t *testing.T) {
	c := testConfig(t, "n1")
	c.seams.statfs = func(string) (int64, int64, error) { return 100 << 20, 1 << 30, nil }
	n := mustOpen(t, c)
	defer mustClose(t, n)
	is := n.Status()
	if is.FreeBytes != 100<<20 || is.SizeBytes != 1<<30 || is.ReserveBytes != 256<<20 || is.LowSince == nil || is.BuysHeldSince != nil {
		t.Errorf("%+v", is)
	}
	for _, check := range n.Ready() {
		if check.Name == "disk" && (!check.Warning || !errors.Is(check.Err, errStorageLow)) {
			t.Errorf("%+v", check)
		}
	}
}

// While buys are held, a batch with one is not taken, whole; what is no buy is decided, and
// a batch that was executed before is told what it came to.
func TestHeldBuys(t *testing.T) {
	n := mustOpen(t, testConfig(t, "n1"))
	defer mustClose(t, n)
	eventually(t, "a leader", leads(n))
	sale := createSale(t, n, concert(10))
	session, err := n.Decide(&sequencer.Command{Kind: sequencer.KindSessionOpen})
	if err != nil {
		t.Fatal(err)
	}
	buy := func(user string) sequencer.Command {
		return sequencer.Command{Kind: sequencer.KindBuy, Sale: sale, Quantity: 1, User: []byte(user)}
	}
	cancel := sequencer.Command{Kind: sequencer.KindCancel, Sale: sale, Order: 1 << 40, User: []byte("nobody")}
	send := func(number uint64, commands ...sequencer.Command) ([]sequencer.Result, error) {
		frames := make([]byte, sequencer.ForwardBytes)
		sequencer.PutForward(frames, session.Seq, number, len(commands))
		for i := range commands {
			frames = sequencer.AppendCommand(frames, &commands[i])
		}
		results := make([]sequencer.Result, len(commands)+1)
		return results, n.DecideMany(frames, len(commands)+1, results)
	}
	if results, err := send(1, buy("alice"), cancel); err != nil || results[1].State != sequencer.StateReserved {
		t.Fatalf("%+v, %v", results, err)
	}

	n.HoldBuys(sequencer.ErrStorageLow)
	before := n.AppliedSeq()
	one := buy("bob")
	if _, err := n.Decide(&one); !errors.Is(err, sequencer.ErrStorageLow) {
		t.Errorf("a buy: %v", err)
	}
	if _, err := send(2, cancel, buy("bob"), buy("carol")); !errors.Is(err, sequencer.ErrStorageLow) {
		t.Errorf("a batch with buys: %v", err)
	}
	if n.AppliedSeq() != before || n.hold.refused.Load() != 3 {
		t.Errorf("seq moved from %d to %d, %d buys were counted", before, n.AppliedSeq(), n.hold.refused.Load())
	}
	if results, err := send(1, buy("alice"), cancel); err != nil || results[0].Code != sequencer.CodeBatchRepeated {
		t.Errorf("a batch that was executed: %+v, %v", results, err)
	}
	if results, err := send(3, cancel); err != nil || results[1].Code != sequencer.CodeUnknownOrder {
		t.Errorf("a cancellation: %+v, %v", results, err)
	}
	if r, err := n.Decide(&sequencer.Command{Kind: sequencer.KindSalePause, Sale: sale, Actor: []byte("s")}); err != nil || r.Code != sequencer.CodeOK {
		t.Errorf("a pause: %+v, %v", r, err)
	}
	since, why := n.BuysHeld()
	n.HoldBuys(why)
	if again, _ := n.BuysHeld(); !again.Equal(since) || n.Status().BuysHeld == "" || n.Status().BuysHeldSince == nil {
		t.Errorf("held since %v, then %v: %+v", since, again, n.Status())
	}

	n.HoldBuys(nil)
	if r, err := n.Decide(&sequencer.Command{Kind: sequencer.KindSaleResume, Sale: sale, Actor: []byte("s")}); err != nil || r.Code != sequencer.CodeOK {
		t.Errorf("%+v, %v", r, err)
	}
	if results, err := send(4, buy("bob"), buy("carol")); err != nil || results[2].State != sequencer.StateReserved {
		t.Errorf("afterwards: %+v, %v", results, err)
	}
}
