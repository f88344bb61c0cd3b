package simulation

import (
	"onsale/payment"
	"onsale/sequencer"
)

// chargeKey is what the provider knows an attempt by.
type chargeKey struct {
	account uint8 // number
	order   uint64
	attempt uint8
}

// charge is one attempt in an account's books.
type charge struct {
	payment.Status
	key                        chargeKey
	amount, captured, refunded int64
	rest                       int64 // of refunded: what no part was
	parts                      []payment.PartStatus
}

// part returns the newest refund of a part; nil for none.
func (c *charge) part(number uint8) *payment.PartStatus {
	for i := range c.parts {
		if c.parts[i].Number == number {
			return &c.parts[i]
		}
	}
	return nil
}

// isDisputed reports whether refunds are refused because the bank has the money.
func (c *charge) isDisputed() bool {
	return c.Dispute.Status != sequencer.DisputeNone && c.Dispute.Status != sequencer.DisputeWon
}

// provider is a payment provider whose calls take no time, and whose answers may be
// lost by whoever calls. It gives the calls of one key one order.
type provider struct {
	here    uint8 // the account whose key the desks have
	charges map[chargeKey]*charge
	of      map[uint64][]*charge // by order, in all accounts' books
	keys    []chargeKey          // in the order of their first call
	bug     *mutation
}

// account returns the name of the account whose key the desks have.
func (p *provider) account() string { return accountName(p.here) }

// charge returns the charge of a key, which begins as unknown.
func (p *provider) charge(key chargeKey, amount int64) *charge {
	c := p.charges[key]
	if c == nil {
		c = &charge{Status: payment.Status{Phase: payment.Unknown}, key: key, amount: amount}
		p.charges[key] = c
		p.of[key.order] = append(p.of[key.order], c)
		p.keys = append(p.keys, key)
	}
	return c
}

// authorise reserves the money, declines, or leaves it open; half of what is left open waits
// for its buyer to authenticate. A key that is known keeps its outcome.
func (p *provider) authorise(key chargeKey, amount int64, to payment.Phase) payment.Status {
	c := p.charge(key, amount)
	if c.Phase == payment.Unknown {
		if to == payment.Processing && key.order%2 == 0 {
			to = payment.RequiresAction
		}
		c.Phase = to
		if to == payment.Declined {
			c.Reason = sequencer.ReasonInsufficientFunds
		}
	}
	return c.Status
}

// settle gives a charge that was left open its outcome, late, and reports whether that came of
// its buyer's authentication. Every third buyer fails.
func (p *provider) settle(key chargeKey, to payment.Phase) (authenticated bool) {
	c := p.charges[key]
	if c == nil || c.Phase != payment.Processing && c.Phase != payment.RequiresAction {
		return false
	}
	authenticated = c.Phase == payment.RequiresAction
	if c.Phase = to; authenticated && key.order%3 == 0 {
		c.Phase, c.Reason = payment.Declined, sequencer.ReasonAuthenticationRequired
	}
	return authenticated
}

func (p *provider) find(key chargeKey) payment.Status {
	if c := p.charges[key]; c != nil {
		return c.Status
	}
	return payment.Status{Phase: payment.Unknown}
}

// capture takes authorised money, as much of it as is asked for first.
func (p *provider) capture(key chargeKey, amount int64) (payment.Phase, int64) {
	c := p.charge(key, 0)
	if c.Phase == payment.Authorised || p.bug != nil && p.bug.captureAgain && c.Phase == payment.Captured {
		c.Phase = payment.Captured
		c.captured += amount
	}
	return c.Phase, c.captured
}

// returnPart refunds a part of captured money. A refund that was sent is not sent again. It
// returns how the part stands; nil when nothing was captured.
func (p *provider) returnPart(key chargeKey, part payment.Part) *payment.PartStatus {
	c := p.charges[key]
	if c == nil || c.Phase != payment.Captured {
		return nil
	}
	is := c.part(part.Number)
	if is != nil && is.Refund >= part.Refund && (p.bug == nil || !p.bug.refundAgain) {
		return is
	}
	if is == nil {
		c.parts = append(c.parts, payment.PartStatus{})
		is = &c.parts[len(c.parts)-1]
	}
	*is = payment.PartStatus{Part: part, Back: !c.isDisputed()}
	if is.Back {
		c.refunded += part.Amount
	} else {
		is.Refusal = sequencer.ReasonDisputed
	}
	return is
}

// giveBack makes sure that no money is kept, of a charge that the provider must know. A refund
// that was sent is not sent again.
func (p *provider) giveBack(key chargeKey, refund uint8) payment.Status {
	c := p.charges[key]
	if c == nil {
		return payment.Status{Phase: payment.Unknown}
	}
	if c.Phase == payment.Captured && c.Refunds >= refund {
		return c.Status
	}
	if c.Phase == payment.Captured {
		c.Refunds = refund
		if c.isDisputed() {
			c.Refusal = sequencer.ReasonDisputed
			return c.Status
		}
	}
	return p.cancel(key, c.amount)
}

// bounce lets one of the refunds that were taken fail, also one of a part, as banks do days
// later, and returns of which order it is; 0 when there is none.
func (p *provider) bounce(which int, why sequencer.PayReason) (order uint64) {
	for i := range p.keys {
		key := p.keys[(which+i)%len(p.keys)]
		c := p.charges[key]
		if c.Phase == payment.Refunded && c.Refunds > 0 {
			c.Phase, c.refunded, c.Refusal = payment.Captured, c.refunded-c.rest, why
			return key.order
		}
		if c.bouncePart(why) {
			return key.order
		}
	}
	return 0
}

// bouncePart lets the first refund of a part fail that was taken; false when there is none.
func (c *charge) bouncePart(why sequencer.PayReason) bool {
	for i := range c.parts {
		if is := &c.parts[i]; c.Phase == payment.Captured && is.Back {
			is.Back, is.Refusal = false, why
			c.refunded -= is.Amount
			return true
		}
	}
	return false
}

// dispute opens a dispute of one of the charges that took money, or takes it on to a status, and
// returns of which order it is; 0 when there is none.
func (p *provider) dispute(which int, to sequencer.DisputeStatus) (order uint64) {
	for i := range p.keys {
		key := p.keys[(which+i)%len(p.keys)]
		if c := p.charges[key]; c.Phase == payment.Captured && c.captured > 0 {
			c.Dispute = sequencer.Dispute{Status: to, Amount: c.captured}
			return key.order
		}
	}
	return 0
}

// cancel makes sure that no money is kept, and that a key which is not known yet can
// never be authorised.
func (p *provider) cancel(key chargeKey, amount int64) payment.Status {
	switch c := p.charge(key, amount); c.Phase {
	case payment.Unknown, payment.Processing, payment.RequiresAction, payment.Authorised:
		c.Phase = payment.Cancelled
	case payment.Captured:
		c.Phase, c.rest = payment.Refunded, c.captured-c.refunded
		c.refunded = c.captured
	}
	return p.charges[key].Status
}
