package raftfsm

import (
	"context"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"onsale/proof/testenv"
	"onsale/raftfsm/view"
	"onsale/wal/journal"
)

func mustOpenReplica(t *testing.T) *replica {
	t.Helper()
	r, err := openReplica(filepath.Join(testenv.MemoryDir(t), "r"), journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.machine.journal.Close() })
	return r
}

// An installed snapshot is all that a restart would have to replay: what was applied in
// front of it does not count for the next snapshot, and what comes behind it does.
func TestRestoreBeginsTheCountForTheNextSnapshot(t *testing.T) {
	leader, follower := mustOpenReplica(t), mustOpenReplica(t)
	since := func(r *replica, wantEntries uint64, wantBytes bool) {
		t.Helper()
		if entries, bytes := r.machine.sinceSnapshot(); entries != wantEntries || bytes > 0 != wantBytes {
			t.Errorf("%d entries of %d bytes since the snapshot, want %d", entries, bytes, wantEntries)
		}
	}
	for _, step := range []struct {
		do      func() error
		on      *replica
		entries uint64
	}{
		{func() error { return leader.apply(100) }, leader, 100},
		{func() error { return leader.snapshot(1) }, leader, 0},
		{func() error { return leader.apply(103) }, leader, 3},
		{func() error { return follower.apply(60) }, follower, 60},
		{func() error { return follower.install(leader.newest) }, follower, 0},
		{func() error { return follower.apply(103) }, follower, 3},
	} {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		since(step.on, step.entries, step.entries > 0)
	}
	if a, b := leader.machine.journal.Position(), follower.machine.journal.Position(); a != b {
		t.Errorf("the leader is at %+v, the follower at %+v", a, b)
	}
}

// Who waits on a follower hears of an installed snapshot at once, and is told that any
// order may have changed: the blocks that it stands for were never applied here. Sales
// and the position are the snapshot's.
func TestRestoreIsToldToWhoWaits(t *testing.T) {
	leader, follower := mustOpenReplica(t), mustOpenReplica(t)
	for _, do := range []func() error{
		func() error { return leader.apply(100) },
		func() error { return leader.snapshot(1) },
		func() error { return follower.apply(60) },
	} {
		if err := do(); err != nil {
			t.Fatal(err)
		}
	}
	m, height := follower.machine, follower.machine.journal.Position().Height
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		m.changes, m.published = view.NewChanges(), view.NewSales() // with channels of the bubble
		m.changes.Reset(height)
		heard, shown := make(chan error, 1), make(chan error, 1)
		go func() { m.changes.Wait(ctx, height); heard <- ctx.Err() }()
		go func() { shown <- m.published.Wait(ctx, leader.machine.state.Seq()) }()
		synctest.Wait()

		if err := follower.install(leader.newest); err != nil {
			t.Fatal(err)
		}
		if err := <-heard; err != nil {
			t.Error("who waits for changes heard of nothing")
		}
		if err := <-shown; err != nil {
			t.Error(err)
		}
	})
	orders, upTo, complete := m.changes.After(height)
	if complete || len(orders) > 0 || upTo != leader.newest.head.Height {
		t.Errorf("orders %v changed up to %d, complete %t", orders, upTo, complete)
	}
	if orders, upTo, complete := m.changes.After(upTo); !complete || len(orders) > 0 || upTo != leader.newest.head.Height {
		t.Errorf("behind the snapshot orders %v changed up to %d, complete %t", orders, upTo, complete)
	}
	sale, known := m.published.ByID("concert")
	if want, _ := leader.machine.published.ByID("concert"); !known || *sale != *want {
		t.Errorf("the sale is shown as %+v, want %+v", sale, want)
	}
	if kept := m.checkpoints.list(); len(kept) > 0 {
		t.Errorf("checkpoints of the state before are remembered: %v", kept)
	}
}
