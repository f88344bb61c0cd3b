package naive

import "onsale/sequencer"

// queueUp lets an attempt that begins stand in the line for so many seconds, 0 for not at all.
func (m *Model) queueUp(o *order, seconds uint32) {
	o.lined = seconds > 0
	o.linedTo = after(m.own(), int64(seconds)*1_000_000_000)
}

// payCalled lets the provider be called for an attempt in the line.
func (m *Model) payCalled(c *sequencer.Command, r *sequencer.Result) {
	o := m.orderOf(c.Order)
	if o == nil {
		r.Code = sequencer.CodeUnknownOrder
		return
	}
	switch {
	case c.Attempt < 1 || c.Attempt > o.attempts:
		r.Code = sequencer.CodeBadRequest
	case !o.lined || c.Attempt < o.attempts:
		r.Code = sequencer.CodeStaleAttempt
	case o.sale.cancelled:
		r.Code = sequencer.CodeNotPayable
	case o.overdue:
		r.Code = sequencer.CodeSessionExpired
	default:
		m.call(o)
	}
	m.show(o, r)
}

// call takes an attempt out of the line. From now on its buyer has the grace at least.
func (m *Model) call(o *order) {
	o.lined = false
	if o.deadline <= m.own() {
		o.deadline = after(m.own(), 1)
	}
	m.timers.set(o)
}
