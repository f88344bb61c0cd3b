package naive

import "onsale/sequencer"

// queueUp lets an attempt that begins stand in the line for so many seconds, 0 for not at all.
func (m *Model) queueUp(o *order, seconds uint32) {
	o.lined = seconds > 0
	o.linedTo = after(m.own(), int64(seconds)*1_000_000_000)
}

// payCalled lets the provider be called for an attempt in the line.
func (m *Model) payCalled(c *sequencer.Command, r *sequencer.Result) {
	m.tried(c, r, true, func(o *order) sequencer.Code {
		switch {
		case !o.lined || c.Attempt < o.attempts:
			return sequencer.CodeStaleAttempt
		case o.sale.cancelled:
			return sequencer.CodeNotPayable
		case o.overdue:
			return sequencer.CodeSessionExpired
		}
		m.call(o)
		return sequencer.CodeOK
	})
}

// call takes an attempt out of the line. From now on its buyer has the grace at least.
func (m *Model) call(o *order) {
	o.lined = false
	if o.deadline <= m.own() {
		o.deadline = after(m.own(), 1)
	}
	m.timers.set(o)
}
