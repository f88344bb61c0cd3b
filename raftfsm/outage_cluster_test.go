package raftfsm

import (
	"testing"
	"testing/synctest"
	"time"

	"onsale/proof/testenv"
	"onsale/sequencer"
)

// outageGrace is the grace of these clusters, and outageSlack what may be given back beside the
// outage itself: since the last batch before it, and until a leader was elected after it. By so
// much less the wall clocks of two leaders may say that it was.
const (
	outageGrace = 5 * time.Second
	outageSlack = outageGrace/2 + time.Second
	clocksApart = 600 * time.Millisecond // newNode
)

// trio plays with three nodes in a bubble, of which one has taken an order. They end with it.
func trio(t *testing.T, play func(w *world, order uint64, ends int64)) {
	t.Helper()
	trioOf(t, worldTimeout, play)
}

// trioOf is trio with another heartbeat time-out.
func trioOf(t *testing.T, timeout time.Duration, play func(w *world, order uint64, ends int64)) {
	t.Helper()
	w := newWorld(t, 1, testenv.MemoryDir(t), plant{})
	w.grace, w.timeout = outageGrace, timeout
	synctest.Test(t, func(t *testing.T) {
		var members []Member
		for range 3 {
			id := w.newNode()
			members = append(members, Member{ID: id, Address: id})
		}
		for _, m := range members {
			w.start(m.ID, members)
		}
		n := w.mustLead(t)
		order := buyOne(t, n)
		play(w, order, deadlineOf(t, n, order))
		for _, id := range w.running() {
			w.crash(id)
		}
		time.Sleep(healMax)
	})
	if len(w.violations) > 0 {
		t.Error(w.violations)
	}
}

func (w *world) mustLead(t *testing.T) *Node {
	t.Helper()
	if !within(healMax, func() bool { return w.leading() != nil }) {
		t.Fatal("nobody leads")
	}
	return w.leading()
}

// away crashes all nodes, and starts them again after a time.
func (w *world) away(d time.Duration) {
	all := w.running()
	for _, id := range all {
		w.crash(id)
	}
	time.Sleep(d)
	for _, id := range all {
		w.start(id, nil)
	}
}

// mustGive waits until an order's hold ends as much later as an outage lasted, everywhere.
func (w *world) mustGive(t *testing.T, order uint64, ends int64, outage time.Duration) {
	t.Helper()
	for _, id := range w.running() {
		given := time.Duration(0)
		if !within(healMax, func() bool {
			view, known := orderOf(w.node(id), order)
			given = time.Duration(view.Deadline - ends)
			return known && given >= outage-clocksApart
		}) || given > outage+outageSlack {
			t.Errorf("%s: after an outage of %v the hold ends %v later", id, outage, given)
		}
	}
}

// A quiet half hour is no outage, and neither is a fail-over of a second or less after it.
func TestFailOverAfterAQuietHalfHour(t *testing.T) {
	testenv.TakesLong(t, "three nodes write for half an hour of a bubble's time")
	trio(t, func(w *world, order uint64, ends int64) {
		time.Sleep(30 * time.Minute)
		w.crash(w.leading().config.NodeID)
		n := w.mustLead(t)
		if _, err := buyAs(n, "bob", 1); err != nil {
			t.Error(err)
		}
		time.Sleep(2 * outageGrace)
		if given := deadlineOf(t, n, order) - ends; given != 0 {
			t.Errorf("the hold ends %v later", time.Duration(given))
		}
	})
}

// Three leaders within a second each find the outage before them, or the one before had not
// said it to a majority; holds get it back once.
func TestThreeLeadersGiveTimeBackOnce(t *testing.T) {
	trio(t, func(w *world, order uint64, ends int64) {
		const outage = 40 * time.Second
		w.away(outage)
		first := w.mustLead(t)
		began := time.Now()
		for _, id := range w.running() {
			if id == first.config.NodeID {
				continue
			}
			if !within(healMax, func() bool { // not before it has caught up
				n := w.leading()
				return n != nil && n.config.NodeID == id || n != nil && n.Membership().Transfer(id) == nil
			}) {
				t.Fatalf("%s does not lead", id)
			}
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("it took %v until each had led", took)
		}
		w.mustGive(t, order, ends, outage)
	})
}

// A leader that dies when its outage is committed, and before anybody else says so, leaves it
// to its successor, which does not say it again.
func TestLeaderDiesAfterItsOutage(t *testing.T) {
	trio(t, func(w *world, order uint64, ends int64) {
		const outage = time.Minute
		w.away(outage)
		n := w.mustLead(t)
		for deadlineOf(t, n, order) == ends {
			time.Sleep(time.Millisecond)
		}
		w.crash(n.config.NodeID)
		w.mustLead(t)
		w.mustGive(t, order, ends, outage)
	})
}

// A week's stop gives back what one hold gets at most, a day, and no more: the hold has ended
// then, and the sale goes on.
func TestWeekWithoutALeader(t *testing.T) {
	trio(t, func(w *world, order uint64, _ int64) {
		w.away(7 * 24 * time.Hour)
		n := w.mustLead(t)
		if r, err := buyAs(n, "bob", 1); err != nil || r.Code != sequencer.CodeOK {
			t.Errorf("%+v, %v", r, err)
		}
		if view, _ := orderOf(n, order); view.State != sequencer.StateExpired {
			t.Errorf("after a week the hold is %+v", view)
		}
	})
}
