package sequencer

// timer says when an order is to be looked at.
type timer struct {
	due   int64
	order uint32
}

func (t timer) before(u timer) bool {
	return t.due < u.due || t.due == u.due && t.order < u.order
}

// timers is a binary heap by (due, order). Entries are never removed early: one
// that no longer says the truth about its order is dropped when it comes up.
// New holds mostly end last, so a push seldom moves anything. It lies in pages,
// because doubling an array of ten million timers would stall a decision.
type timers struct {
	heap paged[timer]
}

func (h *timers) empty() bool { return h.heap.length == 0 }

// first returns the earliest timer; the heap is not empty.
func (h *timers) first() timer { return *h.heap.at(0) }

func (h *timers) push(t timer) {
	child := h.heap.length
	h.heap.push(t)
	for child > 0 {
		parent := (child - 1) / 2
		if !t.before(*h.heap.at(parent)) {
			break
		}
		*h.heap.at(child) = *h.heap.at(parent)
		child = parent
	}
	*h.heap.at(child) = t
}

func (h *timers) pop() timer {
	first, last := h.first(), h.heap.pop()
	if h.empty() {
		return first
	}
	parent, length := uint32(0), h.heap.length
	for {
		child := 2*parent + 1
		if child >= length {
			break
		}
		if child+1 < length && h.heap.at(child+1).before(*h.heap.at(child)) {
			child++
		}
		if !h.heap.at(child).before(last) {
			break
		}
		*h.heap.at(parent) = *h.heap.at(child)
		parent = child
	}
	*h.heap.at(parent) = last
	return first
}

// later adds a duration to a time and stops at the end of time.
func later(time, duration int64) int64 {
	if time > TimeMax-duration {
		return TimeMax
	}
	return time + duration
}

// timerOf returns when an order is to be looked at next; false when never.
func (s *State) timerOf(o *order) (due int64, running bool) {
	switch {
	case o.state == StateReserved:
		return o.deadline, true
	case o.state == StatePaying && !o.overdue:
		return later(o.deadline, s.sales[o.sale-1].spec.Grace), true
	}
	return 0, false
}

// startTimer sets the order's timer.
func (s *State) startTimer(number uint32, o *order) {
	if due, running := s.timerOf(o); running {
		s.timers.push(timer{due, number})
	}
}

// dropStale removes the entries at the top that no longer say the truth.
func (s *State) dropStale() {
	for !s.timers.empty() {
		top := s.timers.first()
		if due, running := s.timerOf(s.orders.at(top.order)); running && due == top.due {
			return
		}
		s.timers.pop()
	}
}
