package naive

import "onsale/sequencer"

// payBounced notes that a refund failed: the money is due again, or its return is over.
func (m *Model) payBounced(c *sequencer.Command, r *sequencer.Result) {
	m.tried(c, r, c.Count >= 1 && c.Reason >= 9 && c.Reason <= 13, func(o *order) sequencer.Code {
		if c.Part > 0 {
			return m.onPart(o, c)
		}
		return o.bounce(c)
	})
}

func (o *order) bounce(c *sequencer.Command) sequencer.Code {
	bit, before := uint32(1)<<(c.Attempt-1), o.bounced[c.Attempt]
	if o.voidsDue&bit == 0 && o.voided&bit == 0 || int64(c.Count) != int64(min(before.times+1, 2)) {
		return sequencer.CodeStaleAttempt
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
	return sequencer.CodeOK
}

// acknowledge notes that a seller has seen what failed.
func (m *Model) acknowledge(c *sequencer.Command, r *sequencer.Result) {
	m.tried(c, r, isNote(c.Body), func(o *order) sequencer.Code {
		if c.Part > 0 {
			return o.acknowledgePart(c)
		}
		b := o.bounced[c.Attempt]
		if !b.over {
			return sequencer.CodeNotFailed
		}
		b.seen = true
		o.bounced[c.Attempt] = b
		return sequencer.CodeOK
	})
}

func (o *order) acknowledgePart(c *sequencer.Command) sequencer.Code {
	if int(c.Part) > len(o.parts) {
		return sequencer.CodeBadRequest
	}
	p := &o.parts[c.Part-1]
	if c.Attempt < o.attempts || !p.hasFailed() {
		return sequencer.CodeNotFailed
	}
	p.State = sequencer.PartAcknowledged
	return sequencer.CodeOK
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
