package raftfsm

import (
	"fmt"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"onsale/proof/testenv"
)

// slowBuilder takes long to build a state, as one of millions of orders does.
type slowBuilder struct {
	raft.FSM
	takes time.Duration
}

func (m slowBuilder) Restore(in io.ReadCloser) error {
	time.Sleep(m.takes)
	return m.FSM.Restore(in)
}

// sellOn buys at the leader, one entry of the log after the other, until done is closed.
func (w *world) sellOn(done <-chan struct{}, every time.Duration) {
	for i := 0; ; i++ {
		select {
		case <-done:
			return
		case <-time.After(every):
		}
		if n := w.leading(); n != nil {
			_, _ = buyAs(n, fmt.Sprint("on", i%50), 1) // whatever the answer is, it is an entry
		}
	}
}

// buildTime is how long a snapshot is built in these tests: several times as long as it takes
// until the next one is due.
const buildTime = 600 * time.Millisecond

// rejoin cuts a follower off from a leader that sells, until the log that it needs is gone or
// for a time, and returns by how many snapshots it comes back, and after how long.
func rejoin(t *testing.T, away time.Duration, adjust func(*Config)) (installs uint64, took time.Duration) {
	testenv.TakesLong(t, "thousands of batches are decided")
	w := newWorld(t, 1, testenv.MemoryDir(t), plant{machine: func(o *observer) raft.FSM { return slowBuilder{o, buildTime} }})
	w.adjust = adjust
	synctest.Test(t, func(t *testing.T) {
		w.found(3)
		var selling sync.WaitGroup
		done := make(chan struct{})
		selling.Go(func() { w.sellOn(done, 200*time.Microsecond) })
		time.Sleep(time.Second)
		behind := w.node(w.victim(false))
		before := behind.machine.counters.installed.Load()
		_, heal := w.cutOff(behind.config.NodeID, true, true)
		time.Sleep(away)
		heal()
		healed := time.Now()
		ready := func() bool { return appliedCheck(behind) == nil && behind.Ready()[0].Err == nil }
		if !within(20*time.Second, ready) {
			t.Errorf("it is not ready: %v, after %d installs", appliedCheck(behind), behind.machine.counters.installed.Load()-before)
		}
		took = time.Since(healed)
		installs = behind.machine.counters.installed.Load() - before
		close(done)
		selling.Wait()
		w.end()
	})
	if len(w.violations) > 0 {
		t.Error(w.violations)
	}
	return installs, took
}

// A node that was away for long is sent one snapshot, though the leader takes many while that
// one is built: it keeps the log behind it. And raft does not wait with it for ten seconds.
func TestRejoinByOneSnapshot(t *testing.T) {
	installs, took := rejoin(t, 12*time.Second, nil)
	if installs != 1 || took > 5*time.Second {
		t.Errorf("%d snapshots were installed, it came back after %v", installs, took)
	}
}

// A node that was away for a moment is brought back by the log.
func TestRejoinByTheLog(t *testing.T) {
	installs, took := rejoin(t, 3*time.Second, func(c *Config) { c.PeerAwayMax = 10 * time.Second })
	if installs != 0 || took > 5*time.Second {
		t.Errorf("%d snapshots were installed, it came back after %v", installs, took)
	}
}
