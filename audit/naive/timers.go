package naive

import (
	"container/heap"

	"onsale/sequencer"
)

// timer is when something may be due for an order, by the holds' own time. It is stale
// when the order's due time is another one by now.
type timer struct {
	due   int64
	order *order
}

// timers is a heap by (due, order seq).
type timers []timer

func (t timers) Len() int { return len(t) }
func (t timers) Less(i, j int) bool {
	return t[i].due < t[j].due || t[i].due == t[j].due && t[i].order.seq < t[j].order.seq
}
func (t timers) Swap(i, j int) { t[i], t[j] = t[j], t[i] }
func (t *timers) Push(x any)   { *t = append(*t, x.(timer)) }
func (t *timers) Pop() any {
	last := (*t)[len(*t)-1]
	*t = (*t)[:len(*t)-1]
	return last
}

// set notes when the order is due as it stands now.
func (t *timers) set(o *order) {
	if at, any := due(o); any {
		heap.Push(t, timer{at, o})
	}
}

// after is a time some duration later, but never beyond the end of time.
func after(time, duration int64) int64 { return min(time+duration, sequencer.TimeMax) }

// due returns when time will do something to the order, by the holds' own time.
func due(o *order) (at int64, any bool) {
	switch {
	case o.state == sequencer.StateReserved:
		return o.deadline, true
	case o.state == sequencer.StatePaying && !o.overdue && o.lined:
		return o.linedTo, true
	case o.state == sequencer.StatePaying && !o.overdue:
		return after(o.deadline, o.sale.spec.Grace), true
	}
	return 0, false
}

// fireTimers does what is due.
func (m *Model) fireTimers() {
	for len(m.timers) > 0 && m.timers[0].due <= m.own() {
		next := heap.Pop(&m.timers).(timer)
		o := next.order
		if at, any := due(o); !any || at != next.due {
			continue
		}
		if o.state == sequencer.StatePaying {
			o.overdue = true
			m.tell(sequencer.EventOverdue, o, o.quantity, 0)
			continue
		}
		m.giveBack(o, sequencer.StateExpired)
		m.tell(sequencer.EventExpired, o, o.quantity, 0)
		m.promote(o.sale)
	}
}

// saleExtend gives every live hold of a sale more time.
func (m *Model) saleExtend(s *sale, more int64) sequencer.Code {
	if more < 1 || more > sequencer.DurationMax {
		return sequencer.CodeBadRequest
	}
	for _, o := range m.orders {
		if o.sale == s && o.state.Holds() {
			o.deadline = after(o.deadline, more)
			m.timers.set(o)
		}
	}
	return sequencer.CodeOK
}

// giveBack returns a holding order's tickets to the count; promote is the caller's.
func (m *Model) giveBack(o *order, state sequencer.OrderState) {
	o.sale.held -= int64(o.quantity)
	m.enter(o, state)
}
