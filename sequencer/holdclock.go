package sequencer

import "encoding/binary"

const second = 1_000_000_000 // nanoseconds

// Holds run by a clock of their own, the log's time without what was stopped: nobody's hour
// runs while nobody can pay. The ends of holds are kept by that clock, so that a stop costs
// an addition, and walks no orders. What is shown is the log's time at which a hold ends if
// the clock does not stop again.
//
// A stop is an outage, of which the next leader finds the two ends (KindOutage), or lasts
// from one command to another (KindHoldStop, KindHoldGo). All stops of one hold together are
// at most what the command says: they are counted in windows, each at least as long as the
// longest hold with its grace, so that a hold lies in two of them at most.

// holdClock is by how much holds lag behind the log. Times are nanoseconds.
type holdClock struct {
	stopped int64 // all stops that have ended
	halted  bool  // a stop goes on
	since   int64 // log time at which it began
	left    int64 // how long it may last at most
	window  int64 // its own time at which the current window began
	before  int64 // stops of the window before
	within  int64 // stops of the current window
}

// at returns the clock's time at a time of the log, not before the stop that goes on began.
func (h *holdClock) at(now int64) int64 {
	if h.halted {
		return now - h.stopped - min(now-h.since, h.left)
	}
	return now - h.stopped
}

// reached returns the log's time at which the clock will have reached a time of its own that
// lies ahead, if it does not stop again; a stop that goes on goes on as long as it may.
func (h *holdClock) reached(own int64) int64 {
	if h.halted {
		return later(own, h.stopped+h.left)
	}
	return later(own, h.stopped)
}

// allowance returns how long a stop that begins at a time of the clock's own may last, and
// begins a new window when one is due. longest is how long the longest hold may last, with
// its grace.
func (h *holdClock) allowance(own, longest, most int64) int64 {
	switch age := own - h.window; {
	case age >= 2*longest:
		h.window, h.before, h.within = own, 0, 0
	case age >= longest:
		h.window, h.before, h.within = own, h.within, 0
	}
	return max(0, most-h.before-h.within)
}

// add counts a stop that has ended.
func (h *holdClock) add(stop int64) {
	h.stopped += stop
	h.within += stop
}

// holdNow returns the clock's time of now.
func (s *State) holdNow() int64 { return s.holds.at(s.now) }

// shown returns the log's time at which a hold ends, of which end is its end by the clock:
// as if a stop that goes on ended now.
func (s *State) shown(end int64) int64 {
	if end == 0 {
		return 0
	}
	return later(end, s.now-s.holdNow())
}

// HoldsStopped reports whether the holds' clock is stopped: what is shown as the end of a hold
// moves on with the time, until the stop has lasted as long as it may.
func (s *State) HoldsStopped() bool { return s.holds.halted }

// HoldsStoppedSince returns the log's time at which the stop that goes on began, and whether
// one does.
func (s *State) HoldsStoppedSince() (at int64, stopped bool) { return s.holds.since, s.holds.halted }

// stopAllowance returns how long a stop that begins now may last.
func (s *State) stopAllowance(c *Command) int64 {
	longest := int64(0)
	for _, sale := range s.sales {
		longest = max(longest, max(sale.spec.Hold, sale.spec.PromotedHold)+sale.spec.Grace)
	}
	return s.holds.allowance(s.holdNow(), longest, int64(c.Count)*second)
}

// outage decides that nobody led from one time of the log to another, which is its time from
// now on. It is taken once: the state's time must be where the outage begins.
func (s *State) outage(c *Command, r *Result) {
	from, to := int64(c.Order), c.Amount
	if len(s.out.Results) != 1 || from != s.now || to <= from || to > TimeMax {
		r.Code = CodeBadRequest
		return
	}
	if !s.holds.halted {
		s.holds.add(min(to-from, s.stopAllowance(c)))
	}
	s.now = to
	s.advance() // when the stop was shorter than the outage
}

// holdStop stops the holds' clock. One that is stopped already stays so.
func (s *State) holdStop(c *Command) {
	if s.holds.halted {
		return
	}
	left := s.stopAllowance(c)
	s.holds.halted, s.holds.since, s.holds.left = true, s.now, left
}

// holdGo lets the holds' clock go on. One that runs already goes on.
func (s *State) holdGo() {
	if !s.holds.halted {
		return
	}
	s.holds.add(min(s.now-s.holds.since, s.holds.left))
	s.holds.halted, s.holds.since, s.holds.left = false, 0, 0
}

// holdClockBytes is the length of the clock in a snapshot.
const holdClockBytes = 56

func (h *holdClock) append(dst []byte) []byte {
	le := binary.LittleEndian
	for _, v := range [...]int64{h.stopped, h.since, h.left, h.window, h.before, h.within} {
		dst = le.AppendUint64(dst, uint64(v))
	}
	return le.AppendUint64(dst, flagBits(h.halted))
}

// fingerprint covers the clock for the state's hash; 0 while it never stopped.
func (h *holdClock) fingerprint() uint64 {
	if *h == (holdClock{}) {
		return 0
	}
	return mixBytes(holdClockBytes, h.append(make([]byte, 0, holdClockBytes)))
}

// holdClock reads the section of the clock.
func (r *snapshotReader) holdClock(s *State, length uint64) uint64 {
	if length != holdClockBytes {
		r.fail("hold clock of %d bytes", length)
		return 0
	}
	le, f := binary.LittleEndian, r.bytes(holdClockBytes)
	h, flags := &s.holds, le.Uint64(f[48:])
	for i, v := range [...]*int64{&h.stopped, &h.since, &h.left, &h.window, &h.before, &h.within} {
		if *v = int64(le.Uint64(f[8*i:])); *v < 0 || *v > TimeMax {
			flags = 2
		}
	}
	h.halted = flags&1 != 0
	if flags > 1 || *h == (holdClock{}) || h.since > s.now || !h.halted && (h.since != 0 || h.left != 0) || h.stopped > s.now {
		r.fail("hold clock %+v is out of bounds", *h)
	}
	return h.fingerprint()
}
