package naive

import "onsale/sequencer"

// part is what was given back of an order.
type part struct {
	sequencer.Part
	key sequencer.KeyDigest
}

// wanted says how many tickets a cancel, withdraw or refund takes from an order: all that it has, or
// fewer, or none because they were taken under the same key before.
func (o *order) wanted(c *sequencer.Command) (tickets uint8, code sequencer.Code) {
	if c.Quantity == 0 {
		return o.quantity, sequencer.CodeOK
	}
	for i := range o.parts {
		p := &o.parts[i]
		if p.key != c.Key || c.Key == (sequencer.KeyDigest{}) {
			continue
		}
		unpaid := p.State == sequencer.PartUnpaid
		if p.Quantity != c.Quantity || unpaid == (c.Kind == sequencer.KindRefund) || !o.isPart(uint8(i+1), c) {
			return 0, sequencer.CodeKeyReused
		}
		return 0, sequencer.CodeOK
	}
	if c.Quantity > o.quantity {
		return 0, sequencer.CodeInvalidQuantity
	}
	return c.Quantity, sequencer.CodeOK
}

// split takes a part off an order.
func (o *order) split(c *sequencer.Command, from, counted sequencer.OrderState, becomes sequencer.PartState) {
	n := int64(c.Quantity)
	switch from {
	case sequencer.StateReserved:
		o.sale.held -= n
	case sequencer.StatePaid:
		o.sale.sold -= n
		o.sale.withheld += n
	}
	o.quantity -= c.Quantity
	o.sale.counters.Tickets[counted] += uint64(n)
	o.parts = append(o.parts, part{sequencer.Part{Quantity: c.Quantity, State: becomes, Attempts: o.attempts}, c.Key})
}

// atLeast is how many tickets an order that waits takes at least.
func (o *order) atLeast() int64 {
	if o.min > o.quantity {
		return int64(o.quantity)
	}
	return int64(o.min)
}

// spare settles which parts a capture left out: the older ones, so that the rest costs what
// was captured.
func (o *order) spare(amount int64) bool {
	for out := len(o.parts); out >= 0; out-- {
		tickets := int64(o.quantity)
		for i := range o.parts[out:] {
			tickets += int64(o.parts[out+i].Quantity)
		}
		if out < len(o.parts) && o.parts[out].State != sequencer.PartDue {
			return false
		}
		if amount != tickets*o.sale.spec.Price {
			continue
		}
		for i := range o.parts[:out] {
			if o.parts[i].State == sequencer.PartDue {
				o.parts[i].State = sequencer.PartSpared
			}
		}
		return true
	}
	return false
}

// onPart decides what the provider says of a part's money.
func (m *Model) onPart(o *order, c *sequencer.Command) sequencer.Code {
	if int(c.Part) > len(o.parts) {
		return sequencer.CodeBadRequest
	}
	p := &o.parts[c.Part-1]
	if o.state != sequencer.StatePaid || o.uncaptured || c.Attempt < o.attempts {
		return sequencer.CodeStaleAttempt
	}
	due, back, failed := p.State == sequencer.PartDue, p.State == sequencer.PartReturned, p.hasFailed()
	if c.Kind == sequencer.KindPayVoided {
		switch {
		case !due && !failed:
			return sequencer.CodeStaleAttempt
		case c.Outcome != sequencer.PayRefunded:
			return sequencer.CodeNotCancellable
		}
		p.State = sequencer.PartReturned
		return sequencer.CodeOK
	}
	if !due && !back || int64(c.Count) != int64(min(p.Fails+1, 2)) {
		return sequencer.CodeStaleAttempt
	}
	over := p.Fails >= 1 || c.Reason >= 12
	p.Fails, p.Reason, p.State = min(p.Fails+1, 2), c.Reason, sequencer.PartDue
	if over {
		p.State = sequencer.PartFailed
	}
	return sequencer.CodeOK
}

// hasFailed reports whether nobody sends a part's money any more.
func (p *part) hasFailed() bool {
	return p.State == sequencer.PartFailed || p.State == sequencer.PartAcknowledged
}

// isPartDue reports whether a part's money must go back.
func (o *order) isPartDue() bool {
	for i := range o.parts {
		if o.parts[i].State == sequencer.PartDue {
			return true
		}
	}
	return false
}

// shownParts are an order's parts as a view shows them.
func (o *order) shownParts() (shown []sequencer.Part) {
	for i := range o.parts {
		shown = append(shown, o.parts[i].Part)
	}
	return shown
}
