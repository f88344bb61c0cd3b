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
// New holds mostly end last, so a push seldom moves anything.
type timers []timer

func (h *timers) push(t timer) {
	*h = append(*h, t)
	heap := *h
	child := len(heap) - 1
	for child > 0 {
		parent := (child - 1) / 2
		if !t.before(heap[parent]) {
			break
		}
		heap[child] = heap[parent]
		child = parent
	}
	heap[child] = t
}

func (h *timers) pop() timer {
	heap := *h
	first, last := heap[0], heap[len(heap)-1]
	heap = heap[:len(heap)-1]
	*h = heap
	if len(heap) == 0 {
		return first
	}
	parent := 0
	for {
		child := 2*parent + 1
		if child >= len(heap) {
			break
		}
		if child+1 < len(heap) && heap[child+1].before(heap[child]) {
			child++
		}
		if !heap[child].before(last) {
			break
		}
		heap[parent] = heap[child]
		parent = child
	}
	heap[parent] = last
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
	for len(s.timers) > 0 {
		top := s.timers[0]
		if due, running := s.timerOf(s.orders.at(top.order)); running && due == top.due {
			return
		}
		s.timers.pop()
	}
}
