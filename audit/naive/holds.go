package naive

import "onsale/sequencer"

// HoldClock is by how much holds lag behind the log, as the rules have it. Unlike the state
// it goes through all time that passes: while a stop goes on, each bit of it is added as it
// comes. The zero value has never stopped. The ledger of package audit has one too.
type HoldClock struct {
	lag    int64 // all that was stopped
	halted bool
	left   int64 // of the stop that goes on

	// The stops of the current window, and of the one before it.
	windowAt        int64 // by the clock's own time
	earlier, latest int64
}

// Own returns the clock's own time at the time to which Pass came.
func (h *HoldClock) Own(now int64) int64 { return now - h.lag }

// Shown returns when a hold ends by the log's time, if nothing stops any more; 0 for none.
func (h *HoldClock) Shown(end int64) int64 {
	if end == 0 {
		return 0
	}
	return after(end, h.lag)
}

// Pass lets time pass.
func (h *HoldClock) Pass(from, to int64) {
	if h.halted && to > from {
		stop := min(to-from, h.left)
		h.lose(stop)
		h.left -= stop
	}
}

func (h *HoldClock) lose(stop int64) {
	h.lag += stop
	h.latest += stop
}

// mayLose returns how long a stop that begins now may be, when those of one hold are at most
// some seconds together.
func (h *HoldClock) mayLose(now, longest int64, seconds uint32) int64 {
	switch old := h.Own(now) - h.windowAt; {
	case old >= longest+longest:
		h.earlier, h.latest, h.windowAt = 0, 0, h.Own(now)
	case old >= longest:
		h.earlier, h.latest, h.windowAt = h.latest, 0, h.Own(now)
	}
	return max(int64(seconds)*1_000_000_000-h.earlier-h.latest, 0)
}

// Outage takes the time without a leader from all holds. longest is how long the longest
// hold with its grace is, of any sale.
func (h *HoldClock) Outage(from, to, longest int64, seconds uint32) {
	if h.halted {
		h.Pass(from, to)
		return
	}
	h.lose(min(to-from, h.mayLose(from, longest, seconds)))
}

// Stop stops the clock, unless it is stopped.
func (h *HoldClock) Stop(now, longest int64, seconds uint32) {
	if !h.halted {
		h.left = h.mayLose(now, longest, seconds)
		h.halted = true
	}
}

// Go lets the clock go on.
func (h *HoldClock) Go() { h.halted, h.left = false, 0 }

// own is the time by which holds run.
func (m *Model) own() int64 { return m.holds.Own(m.now) }

// pass lets time pass.
func (m *Model) pass(to int64) {
	m.holds.Pass(m.now, to)
	m.now = max(m.now, to)
}

func (m *Model) longest() (longest int64) {
	for _, s := range m.sales {
		longest = max(longest, s.spec.Hold+s.spec.Grace, s.spec.PromotedHold+s.spec.Grace)
	}
	return longest
}

// outage takes the time without a leader from all holds, and is there where it ended.
func (m *Model) outage(c *sequencer.Command, alone bool) sequencer.Code {
	to := c.Amount
	if !alone || uint64(m.now) != c.Order || to <= m.now || to > sequencer.TimeMax {
		return sequencer.CodeBadRequest
	}
	m.holds.Outage(m.now, to, m.longest(), c.Count)
	m.now = to
	m.fireTimers()
	return sequencer.CodeOK
}
