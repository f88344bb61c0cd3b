package sequencer

// timer says when an order is to be looked at, by the holds' clock.
type timer struct {
	due   int64
	order uint32
}

func (t timer) before(u timer) bool {
	return t.due < u.due || t.due == u.due && t.order < u.order
}

// run is the timers of orders that follow each other and are due at one time, as
// those are that one batch reserves.
type run struct {
	due          int64
	order, count uint32 // the first order; how many
}

// timers are all timers by (due, order). New holds mostly end last: those are runs in
// a queue, which cost next to nothing; what is due before the queue's end goes into a
// binary heap. Entries are never removed early: one that no longer says the truth
// about its order is dropped when it comes up. Both lie in pages, because doubling an
// array of ten million timers would stall a decision.
type timers struct {
	runs paged[run] // from head on, in order
	head uint32
	heap paged[timer]
}

func (h *timers) empty() bool { return h.head == h.runs.length && h.heap.length == 0 }

// first returns the earliest timer; there must be one.
func (h *timers) first() timer {
	if t, queued := h.queued(); queued && (h.heap.length == 0 || t.before(*h.heap.at(0))) {
		return t
	}
	return *h.heap.at(0)
}

// queued returns the queue's earliest timer; false when the queue is empty.
func (h *timers) queued() (timer, bool) {
	if h.head == h.runs.length {
		return timer{}, false
	}
	r := h.runs.at(h.head)
	return timer{r.due, r.order}, true
}

func (h *timers) push(t timer) {
	if h.head < h.runs.length {
		last := h.runs.at(h.runs.length - 1)
		if last.due == t.due && last.order+last.count == t.order {
			last.count++
			return
		}
		if !(timer{last.due, last.order + last.count - 1}).before(t) {
			h.pushHeap(t)
			return
		}
	}
	h.runs.push(run{t.due, t.order, 1})
}

// pop removes and returns the earliest timer; there must be one.
func (h *timers) pop() timer {
	t, queued := h.queued()
	if !queued || h.heap.length > 0 && h.heap.at(0).before(t) {
		return h.popHeap()
	}
	r := h.runs.at(h.head)
	r.order++
	r.count--
	if r.count == 0 {
		h.leave()
	}
	return t
}

// leave moves the head behind its run, and gives back the pages that are behind it.
func (h *timers) leave() {
	h.head++
	page := h.head / pageLength
	if h.head == h.runs.length { // empty: it begins anew in its last page
		h.runs.pages[0] = h.runs.pages[len(h.runs.pages)-1]
		h.runs.pages, h.runs.shared = h.runs.pages[:1], h.runs.shared[:1]
		h.runs.length, h.head = 0, 0
	} else if h.head%pageLength == 0 {
		h.runs.pages[page-1] = nil
	}
}

func (h *timers) pushHeap(t timer) {
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

func (h *timers) popHeap() timer {
	first, last := *h.heap.at(0), h.heap.pop()
	if h.heap.length == 0 {
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
func (s *State) timerOf(number uint32, o *order) (due int64, running bool) {
	switch {
	case o.state == StateReserved:
		return o.deadline, true
	case o.state == StatePaying && !o.has(isOverdue):
		if end := s.triesOf(number).lineEnd; end != 0 {
			return end, true
		}
		return later(o.deadline, s.sales[o.sale-1].spec.Grace), true
	}
	return 0, false
}

// startTimer sets the order's timer.
func (s *State) startTimer(number uint32, o *order) {
	if due, running := s.timerOf(number, o); running {
		s.timers.push(timer{due, number})
	}
}

// dropStale removes the entries at the top that no longer say the truth.
func (s *State) dropStale() {
	for !s.timers.empty() {
		top := s.timers.first()
		if due, running := s.timerOf(top.order, s.orders.at(top.order)); running && due == top.due {
			return
		}
		s.timers.pop()
	}
}
