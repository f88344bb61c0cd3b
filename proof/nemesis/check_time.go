package main

import (
	"time"

	"onsale/sequencer"
)

// True time is the clock of this process: it writes down when somebody asked and was told, and
// nothing moves it. The log's time is held against it at every purchase that was answered.

// clockAheadMax is how far the log's time may be ahead: so much may a clock disagree before it
// is an alarm. More would open a sale early, or end a hold.
const clockAheadMax = time.Second

// logTime is what the log's time did in a run.
type logTime struct {
	Ahead     float64 `json:"ahead_seconds"`  // of true time, at most
	Behind    float64 `json:"behind_seconds"` // the same
	Outages   int     `json:"outages"`
	Outage    float64 `json:"outage_seconds"`          // in all
	Unclaimed float64 `json:"longest_silence_seconds"` // between two batches, with holds and no outage
}

// at returns the true time of a moment of the history.
func (h *history) at(moment int64) int64 { return h.began.UnixNano() + moment }

// checkStamps: a purchase is decided between its call and its answer, by the log's time too (P7).
func (h *history) checkStamps(log map[uint64]decided, v *verdict) (found logTime) {
	ahead, behind := time.Duration(0), time.Duration(0)
	for i := range h.operations {
		o := &h.operations[i]
		d, there := log[o.seq]
		if o.kind != "buy" || !o.known || o.replayed || !there {
			continue
		}
		early, late := time.Duration(d.at-h.at(o.finish)), time.Duration(h.at(o.call)-d.at)
		ahead, behind = max(ahead, early), max(behind, late)
		if early > clockAheadMax || late > clockOffMax {
			v.wrong("P7", "%s was answered at %d ns; seq %d was decided %v after that, and %v before it was asked, by the log's time", o.user, o.finish, o.seq, early, late)
		}
	}
	found.Ahead, found.Behind = ahead.Seconds(), behind.Seconds()
	return found
}

// checkStarts: a sale opens at its instant and not before, whoever leads. asked is how many were
// refused because they came before it.
func (h *history) checkStarts(v *verdict) (asked int) {
	for i := range h.operations {
		o := &h.operations[i]
		start, timed := h.starts[o.sale]
		if o.kind != "buy" || !o.known || !timed {
			continue
		}
		tooSoon := o.reason == sequencer.CodeNotStarted.String()
		switch until := time.Duration(start - h.at(o.finish)); {
		case o.order != "" && until > clockAheadMax:
			v.wrong("start", "%s has order %s of sale %s %v before that starts", o.user, o.order, o.sale, until)
		case tooSoon && time.Duration(h.at(o.call)-start) > clockOffMax:
			v.wrong("start", "%s was told that sale %s has not started, %v after it did", o.user, o.sale, time.Duration(h.at(o.call)-start))
		case tooSoon:
			asked++
		}
	}
	return asked
}

// silence follows a journal's batches: how long nobody said anything while holds ran, and what
// was given back.
type silence struct {
	found  logTime
	holds  bool // somebody holds something: the main sale's holds outlast the run
	before int64
}

// see takes in a batch.
func (s *silence) see(b *sequencer.Batch, d *sequencer.Decisions) {
	given := false
	for i := range b.Commands {
		c, r := &b.Commands[i], &d.Results[i]
		if c.Kind == sequencer.KindOutage && r.Code == sequencer.CodeOK {
			given = true
			s.found.Outages++
			s.found.Outage += time.Duration(c.Amount - int64(c.Order)).Seconds()
			s.before = c.Amount
		}
		s.holds = s.holds || c.Kind == sequencer.KindBuy && r.Order != 0
	}
	if !given && s.holds && s.before != 0 {
		s.found.Unclaimed = max(s.found.Unclaimed, time.Duration(b.Time-s.before).Seconds())
	}
	s.before = max(s.before, b.Time)
}

// silenceMax is how long nothing may be decided while holds run, without an outage.
const silenceMax = outageGrace + time.Second

func (s *silence) check(v *verdict) {
	if s.found.Unclaimed > silenceMax.Seconds() {
		v.wrong("P7", "for %.1f s nothing was decided, and holds ran on", s.found.Unclaimed)
	}
}
