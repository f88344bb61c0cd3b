package raftfsm

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"onsale/proof/testenv"
	"onsale/raftfsm/folder"
	"onsale/sequencer"
	"onsale/wal/journal"
)

// deadlineOf returns when an order's hold ends, as shown.
func deadlineOf(t *testing.T, n *Node, seq uint64) int64 {
	t.Helper()
	view, known := orderOf(n, seq)
	if !known || view.State != sequencer.StateReserved {
		t.Fatalf("order %d: %+v", seq, view)
	}
	return view.Deadline
}

// buyOne makes a sale and an order of it.
func buyOne(t *testing.T, n *Node) uint64 {
	t.Helper()
	r, err := buyAs(n, "ann", createSale(t, n, concert(5)))
	if err != nil || r.Code != sequencer.CodeOK {
		t.Fatalf("%+v, %v", r, err)
	}
	return r.Order
}

// outagesOf returns how many outages the log of a closed node took.
func outagesOf(t *testing.T, c *Config) (taken int) {
	t.Helper()
	var batch sequencer.Batch
	var d sequencer.Decisions
	if _, err := journal.Scan(folder.JournalDir(c.DataDir), func(b *journal.Block) error {
		if err := sequencer.DecodeBatch(b.Batch, &batch); err != nil {
			return err
		}
		if err := sequencer.DecodeDecisions(b.Decisions, batch.Commands, &d); err != nil {
			return err
		}
		for i := range batch.Commands {
			if batch.Commands[i].Kind == sequencer.KindOutage && d.Results[i].Code == sequencer.CodeOK {
				taken++
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return taken
}

// A leader that was suspended keeps its term. It gives holds the time back before it decides
// what came meanwhile, once.
func TestSuspendedLeaderGivesTimeBack(t *testing.T) {
	clock := &testClock{}
	c := testConfig(t, "n1")
	c.Clock, c.OutageGrace = clock, 5*time.Second
	n := mustOpen(t, c)
	eventually(t, "leadership", leads(n))
	order := buyOne(t, n)
	before := deadlineOf(t, n, order)

	const outage = 3 * time.Hour // the hold is of one
	clock.move(outage)
	for _, user := range []string{"bob", "cid"} {
		if _, err := buyAs(n, user, 1); err != nil {
			t.Fatal(err)
		}
	}
	if more := time.Duration(deadlineOf(t, n, order) - before); more < outage || more > outage+time.Minute {
		t.Errorf("after an outage of %v the hold ends %v later", outage, more)
	}
	mustClose(t, n)
	if taken := outagesOf(t, &c); taken != 1 {
		t.Errorf("%d outages were taken", taken)
	}
}

// A node that comes back after an outage gives holds the time back before it takes requests;
// one that comes back at once, and one without a hold, says nothing. More than OutageMax is
// not given back.
func TestNewLeaderGivesTimeBack(t *testing.T) {
	clock := &testClock{}
	c := testConfig(t, "n1")
	c.Clock, c.OutageGrace, c.OutageMax = clock, time.Minute, 5*time.Hour
	n := mustOpen(t, c)
	eventually(t, "leadership", leads(n))
	restart := func(away time.Duration) {
		mustClose(t, n)
		clock.move(away)
		n = mustOpen(t, c)
		eventually(t, "leadership", leads(n))
	}
	restart(time.Hour)
	order := buyOne(t, n)
	before := deadlineOf(t, n, order)
	restart(0)
	restart(4 * time.Hour)
	eventually(t, "the time is given back", func() bool { return deadlineOf(t, n, order) != before })
	restart(0)
	if more := time.Duration(deadlineOf(t, n, order) - before); more < 4*time.Hour || more > 4*time.Hour+time.Minute {
		t.Errorf("after an outage of 4h0m0s the hold ends %v later", more)
	}
	restart(4 * time.Hour)
	eventually(t, "an hour's hold ends after 8 hours of which 5 count", func() bool {
		view, _ := orderOf(n, order)
		return view.State == sequencer.StateExpired
	})
	mustClose(t, n)
	if taken := outagesOf(t, &c); taken != 2 {
		t.Errorf("%d outages were taken", taken)
	}
}

// While a hold lives the log's time goes on by itself, so that a quiet hour is none without a
// leader; without a hold nothing is written.
func TestQuietHourIsNoOutage(t *testing.T) {
	testenv.TakesLong(t, "two hours of a bubble")
	w := newWorld(t, 1, testenv.MemoryDir(t), plant{})
	synctest.Test(t, func(t *testing.T) {
		w.start("n1", []Member{{ID: "n1", Address: "n1"}})
		within(healMax, func() bool { return w.leading() != nil })
		n := w.node("n1")
		written := func(d time.Duration) uint64 {
			last := n.raft.LastIndex()
			time.Sleep(d)
			return n.raft.LastIndex() - last
		}
		if entries := written(time.Hour); entries > 1 {
			t.Errorf("%d entries in an hour without a hold", entries)
		}
		order := buyOne(t, n)
		before := deadlineOf(t, n, order)
		const half = 30 * time.Minute
		ticks := uint64(half / (n.config.OutageGrace / 2))
		if entries := written(half); entries < ticks-1 || entries > ticks+1 {
			t.Errorf("%d entries in half an hour with a hold, want %d", entries, ticks)
		}
		if after := deadlineOf(t, n, order); after != before {
			t.Errorf("the hold ends %v later", time.Duration(after-before))
		}
		time.Sleep(half + time.Second)
		if view, _ := orderOf(n, order); view.State != sequencer.StateExpired {
			t.Errorf("after its hour the hold lives: %+v", view)
		}
		w.crash("n1")
		time.Sleep(healMax)
	})
	if len(w.violations) > 0 {
		t.Error(w.violations)
	}
}

// A batch that waited in front of raft since an office before goes into the log with the stamp
// of then. Who leads next finds the outage behind it, and not from where the log was when the
// office began: that one would be refused, and the holds would run on.
func TestOutageBehindABatchOfAnOfficeBefore(t *testing.T) {
	waits := make(chan time.Duration, 1)
	p := plant{
		apply: func(n *Node, entry raft.Log) raft.ApplyFuture {
			select {
			case d := <-waits:
				time.Sleep(d)
			default:
			}
			return n.raft.ApplyLog(entry, 0)
		},
		machine: func(o *observer) raft.FSM { return slowMachine{o} },
	}
	w := newWorld(t, 1, testenv.MemoryDir(t), p)
	w.grace = 5 * time.Second
	synctest.Test(t, func(t *testing.T) {
		w.start("n1", []Member{{ID: "n1", Address: "n1"}})
		within(healMax, func() bool { return w.leading() != nil })
		n := w.node("n1")
		order := buyOne(t, n)
		_, reached, _ := n.machine.stateHash()
		before := deadlineOf(t, n, order)

		const outage = 20 * time.Second
		time.Sleep(time.Second)
		waits <- outage
		var buyers sync.WaitGroup
		for _, user := range []string{"bob", "cid"} {
			buyers.Go(func() {
				if _, err := buyAs(n, user, 1); err != nil {
					t.Error(err)
				}
			})
			time.Sleep(time.Second)
		}
		n.batcher.sent.Store(reached) // as an office begins that found nothing of bob's in the log
		buyers.Wait()
		if given := time.Duration(deadlineOf(t, n, order) - before); given < outage || given > outage+time.Second {
			t.Errorf("after an outage of %v the hold ends %v later", outage, given)
		}
		w.crash("n1")
		time.Sleep(healMax)
	})
	if len(w.violations) > 0 {
		t.Error(w.violations)
	}
}

// slowMachine applies each entry after a moment.
type slowMachine struct{ raft.FSM }

func (m slowMachine) Apply(l *raft.Log) any {
	time.Sleep(100 * time.Millisecond)
	return m.FSM.Apply(l)
}

// A leader of which raft takes nothing for long, because the office is being handed over and is
// not after all, gives that time back, though it sent batches all along.
func TestNothingIsTakenForLong(t *testing.T) {
	var refuses atomic.Bool
	w := newWorld(t, 1, testenv.MemoryDir(t), plant{apply: func(n *Node, entry raft.Log) raft.ApplyFuture {
		if refuses.Load() {
			return refusal{raft.ErrLeadershipTransferInProgress}
		}
		return n.raft.ApplyLog(entry, 0)
	}})
	w.grace = 5 * time.Second
	synctest.Test(t, func(t *testing.T) {
		w.start("n1", []Member{{ID: "n1", Address: "n1"}})
		within(healMax, func() bool { return w.leading() != nil })
		n := w.node("n1")
		order := buyOne(t, n)
		before := deadlineOf(t, n, order)

		const outage = 20 * time.Second
		refuses.Store(true)
		for range outage / time.Second {
			if _, err := buyAs(n, "bob", 1); !errors.Is(err, sequencer.ErrNoLeader) {
				t.Errorf("who buys meanwhile is told %v", err)
			}
			time.Sleep(time.Second)
		}
		refuses.Store(false)
		if _, err := buyAs(n, "bob", 1); err != nil {
			t.Error(err)
		}
		if given := time.Duration(deadlineOf(t, n, order) - before); given < outage-time.Second || given > outage+time.Second {
			t.Errorf("after %v the hold ends %v later", outage, given)
		}
		if outages := n.batcher.counters.outages.Load(); outages != 1 {
			t.Errorf("%d outages are counted", outages)
		}
		w.crash("n1")
		time.Sleep(healMax)
	})
	if len(w.violations) > 0 {
		t.Error(w.violations)
	}
}

// refusal is what raft says to an entry that it does not take.
type refusal struct{ err error }

func (r refusal) Error() error  { return r.err }
func (r refusal) Response() any { return nil }
func (r refusal) Index() uint64 { return 0 }
