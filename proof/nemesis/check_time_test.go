package main

import (
	"strings"
	"testing"
	"time"

	"onsale/api/contract"
	"onsale/internal/failpoint"
	"onsale/sequencer"
)

const s = int64(time.Second)

// The log's time may be a second ahead of true time, and some behind.
func TestStamps(t *testing.T) {
	h := historyOf(bought("ann", "a", 10*s, 11*s, 1, "A"), repeated("ann", "a", 90*s, 91*s, 1, "A"))
	for name, c := range map[string]struct {
		at   int64 // after the history began
		good bool
	}{
		"meanwhile":     {10*s + 1, true},
		"an alarm's":    {12 * s, true},
		"ahead":         {12*s + 1, false},
		"an hour ahead": {3610 * s, false},
		"late":          {10*s - int64(clockOffMax), true},
		"too late":      {10*s - int64(clockOffMax) - 1, false},
	} {
		var v verdict
		found := h.checkStamps(map[uint64]decided{1: {at: h.at(c.at)}}, &v)
		if (v.Count == 0) != c.good || found.Ahead < 0 || found.Behind < 0 {
			t.Errorf("%s: %v, %+v", name, v.Violations, found)
		}
	}
}

// A sale opens at its instant: nobody has a ticket more than a second before it, and nobody
// is told long after it that it has not started.
func TestStarts(t *testing.T) {
	limit := int64(clockOffMax)
	for name, c := range map[string]struct {
		o     operation
		good  bool
		asked int
	}{
		"sold":               {bought("ann", "a", 20*s, 21*s, 1, "A"), true, 0},
		"a second before":    {bought("ann", "a", 18*s, 19*s, 1, "A"), true, 0},
		"too early":          {bought("ann", "a", 18*s, 19*s-1, 1, "A"), false, 0},
		"refused before":     {refused("ann", "a", 18*s, 19*s, 1, "not_started"), true, 1},
		"refused a bit late": {refused("ann", "a", 20*s+limit, 30*s, 1, "not_started"), true, 1},
		"refused too late":   {refused("ann", "a", 20*s+limit+1, 30*s, 1, "not_started"), false, 0},
		"sold out before":    {refused("ann", "a", 18*s, 19*s, 1, "sold_out"), true, 0},
	} {
		h, v := historyOf(c.o), verdict{}
		h.starting("window-1", h.began.Add(20*time.Second))
		if asked := h.checkStarts(&v); (v.Count == 0) != c.good || asked != c.asked {
			t.Errorf("%s: %v, %d asked", name, v.Violations, asked)
		}
	}
}

// Nothing is decided for long while holds run, without an outage that gives it back.
func TestSilence(t *testing.T) {
	buy := sequencer.Command{Kind: sequencer.KindBuy}
	outage := func(from, to int64) sequencer.Command {
		return sequencer.Command{Kind: sequencer.KindOutage, Order: uint64(from), Amount: to}
	}
	type batch struct {
		at int64
		c  sequencer.Command
		r  sequencer.Result
	}
	held := batch{10 * s, buy, sequencer.Result{Order: 1}}
	for name, c := range map[string]struct {
		batches []batch
		good    bool
		outages int
	}{
		"a quiet hour without a hold": {[]batch{{10 * s, buy, sequencer.Result{}}, {3610 * s, buy, sequencer.Result{}}}, true, 0},
		"ticks":                       {[]batch{held, {10*s + int64(silenceMax), buy, sequencer.Result{}}}, true, 0},
		"a silence":                   {[]batch{held, {11*s + int64(silenceMax), buy, sequencer.Result{}}}, false, 0},
		"given back":                  {[]batch{held, {10 * s, outage(10*s, 3610*s), sequencer.Result{}}, {3610 * s, buy, sequencer.Result{}}}, true, 1},
		"refused":                     {[]batch{held, {10 * s, outage(9*s, 3610*s), sequencer.Result{Code: sequencer.CodeBadRequest}}, {3610 * s, buy, sequencer.Result{}}}, false, 0},
		"given back by half":          {[]batch{held, {10 * s, outage(10*s, 1810*s), sequencer.Result{}}, {3610 * s, buy, sequencer.Result{}}}, false, 1},
	} {
		var q silence
		var v verdict
		for _, b := range c.batches {
			q.see(&sequencer.Batch{Time: b.at, Commands: []sequencer.Command{b.c}}, &sequencer.Decisions{Results: []sequencer.Result{b.r}})
		}
		if q.check(&v); (v.Count == 0) != c.good || q.found.Outages != c.outages {
			t.Errorf("%s: %v, %+v", name, v.Violations, q.found)
		}
	}
}

// A hold ends when its buyer was told, and neither a second before nor long after that.
func TestHeldOrder(t *testing.T) {
	ends := time.Unix(1_800_000_000, 0)
	o := heldOrder{uid: "A", first: ends, told: ends, fresh: ends}
	for name, c := range map[string]struct {
		state string
		at    time.Duration
		wrong string
	}{
		"held":         {"reserved", -time.Second, ""},
		"ended":        {"expired", time.Second, ""},
		"a bit early":  {"expired", -clockAheadMax, ""},
		"early":        {"expired", -clockAheadMax - 1, "before its hold ends"},
		"held still":   {"reserved", heldLateMax, ""},
		"for too long": {"reserved", heldLateMax + 1, "held still"},
		"paid":         {"paid", 0, "which nobody paid"},
	} {
		at := ends.Add(c.at)
		if why := o.wrong(&contract.Order{State: c.state}, at, at); !strings.Contains(why, c.wrong) || (why == "") != (c.wrong == "") {
			t.Errorf("%s: %q", name, why)
		}
	}
	o.fresh = time.Time{}
	if why := o.wrong(&contract.Order{State: "reserved"}, ends.Add(time.Hour), ends.Add(time.Hour)); why != "" {
		t.Errorf("a door that may be cut off: %q", why)
	}
}

// Every place at which a disk or the decisions hang is one of the nemesis'.
func TestHangsAreAll(t *testing.T) {
	places := map[failpoint.Name]bool{}
	for _, of := range hangs {
		for _, place := range of {
			places[place] = true
		}
	}
	for _, place := range failpoint.HangNames() {
		if !places[place] {
			t.Errorf("nothing hangs at %s", place)
		}
		delete(places, place)
	}
	if len(places) > 0 {
		t.Errorf("%v", places)
	}
}
