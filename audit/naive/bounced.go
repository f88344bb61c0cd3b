package naive

import "onsale/sequencer"

// payBounced notes that a refund failed: the money is due again, or its return is over.
func (m *Model) payBounced(c *sequencer.Command, r *sequencer.Result) {
	if c.Count < 1 || c.Reason < 9 || c.Reason > 13 {
		r.Code = sequencer.CodeBadRequest
		return
	}
	o := m.orderOf(c.Order)
	if o == nil {
		r.Code = sequencer.CodeUnknownOrder
		return
	}
	if c.Part > 0 {
		r.Code = m.onPart(o, c)
		m.show(o, r)
		return
	}
	if c.Attempt < 1 || c.Attempt > o.attempts {
		r.Code = sequencer.CodeBadRequest
		m.show(o, r)
		return
	}
	bit, before := uint32(1)<<(c.Attempt-1), o.bounced[c.Attempt]
	if o.voidsDue&bit == 0 && o.voided&bit == 0 || int64(c.Count) != int64(min(before.times+1, 2)) {
		r.Code = sequencer.CodeStaleAttempt
		m.show(o, r)
		return
	}
	now := bounced{times: min(before.times+1, 2), reason: c.Reason, over: before.times >= 1 || c.Reason >= 12}
	if o.bounced == nil {
		o.bounced = map[uint8]bounced{}
	}
	o.bounced[c.Attempt] = now
	o.voided &^= bit
	o.voidsDue |= bit
	if now.over {
		o.voidsDue &^= bit
	}
	m.show(o, r)
}

// acknowledge notes that a seller has seen what failed.
func (m *Model) acknowledge(c *sequencer.Command, r *sequencer.Result) {
	if !isNote(c.Body) {
		r.Code = sequencer.CodeBadRequest
		return
	}
	o := m.orderOf(c.Order)
	if o == nil {
		r.Code = sequencer.CodeUnknownOrder
		return
	}
	failed := 0
	for attempt, b := range o.bounced {
		if b.over {
			failed++
			b.seen = true
			o.bounced[attempt] = b
		}
	}
	for i := range o.parts {
		if p := &o.parts[i]; p.hasFailed() {
			failed++
			p.State = sequencer.PartAcknowledged
		}
	}
	if failed == 0 {
		r.Code = sequencer.CodeNotFailed
	}
	m.show(o, r)
}

// showBounced fills in what a view shows of them.
func (o *order) showBounced(v *sequencer.OrderView) {
	for attempt := uint8(1); attempt <= o.attempts; attempt++ {
		b, any := o.bounced[attempt]
		if !any {
			continue
		}
		v.Bounced += 1 << (attempt - 1)
		v.RefundReason = b.reason
		if b.over {
			v.Failed += 1 << (attempt - 1)
		}
		if b.seen {
			v.Acknowledged += 1 << (attempt - 1)
		}
	}
}
