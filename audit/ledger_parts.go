package audit

import (
	"fmt"

	"onsale/sequencer"
)

// bookedPart is what was given back of an order.
type bookedPart struct {
	key      sequencer.KeyDigest
	tickets  int64
	attempts uint8 // that had begun
	paid     bool  // refunded; else it was given back before it was paid
	spared   bool  // its money was never captured
	back     bool  // its money went back
}

// bookedMoney is what an order's money was, in minor units: what was captured is always what
// the order's tickets cost, what went back, and what must go back.
type bookedMoney struct {
	taken, returned int64
	parts           []bookedPart
	rest            int64 // tickets whose money went back with the rest of the order; 0 before
}

// shared books a cancel or refund of a part; false when it is of all that the order has.
func (l *Ledger) shared(o *bookedOrder, c *sequencer.Command, from ...sequencer.OrderState) bool {
	if c.Quantity == 0 {
		return false
	}
	for i := range o.money.parts {
		if o.money.parts[i].key == c.Key && c.Key != (sequencer.KeyDigest{}) {
			return true // was booked; shown compares
		}
	}
	if c.Quantity == o.quantity || !o.state.Live() {
		return false
	}
	if c.Quantity > o.quantity {
		l.findings.report(checkPart, o.seq, fmt.Sprintf("at most %d tickets", o.quantity), fmt.Sprint(c.Quantity))
		return true
	}
	paid := c.Kind == sequencer.KindRefund
	o.money.parts = append(o.money.parts, bookedPart{key: c.Key, tickets: int64(c.Quantity), attempts: o.attempts, paid: paid})
	if paid {
		l.revokes(o, c)
		o.sale.withheld += int64(c.Quantity)
	} else {
		o.sale.refusedNeed = 0
	}
	l.become(o, o.state, o.quantity-c.Quantity, from...)
	if o.state == sequencer.StateWaitlisted {
		o.requested, o.min = o.quantity, min(o.min, o.quantity)
	}
	return true
}

// tookMoney books what was captured: the older parts may be left out.
func (l *Ledger) tookMoney(o *bookedOrder, amount int64) {
	o.captured, o.money.taken = true, amount
	price := o.sale.spec.Price
	less := price*o.owedTickets() - amount
	for i := range o.money.parts {
		if part := &o.money.parts[i]; part.paid && less > 0 {
			part.spared = true
			less -= price * part.tickets
		}
	}
	l.moneyAgrees(o)
}

// gaveMoney books that money of an order went back.
func (l *Ledger) gaveMoney(o *bookedOrder, c *sequencer.Command) {
	if !o.captured || c.Attempt != o.attempts {
		return
	}
	if c.Outcome != sequencer.PayRefunded {
		l.findings.report(checkNotBack, o.seq, sequencer.CodeNotCancellable.String(), sequencer.CodeOK.String())
		return
	}
	price := o.sale.spec.Price
	if part := o.part(c.Part); part != nil {
		part.back = true
		o.money.returned += price * part.tickets
	} else {
		if o.money.rest == 0 {
			o.money.rest = o.owedTickets()
		}
		o.money.returned += price * o.money.rest
	}
	l.moneyAgrees(o)
}

// lostRefund books that a refund failed: what went back did not.
func (l *Ledger) lostRefund(o *bookedOrder, c *sequencer.Command) {
	if !o.captured || c.Attempt != o.attempts {
		return
	}
	price := o.sale.spec.Price
	if part := o.part(c.Part); part == nil {
		o.money.returned -= price * o.money.rest
		o.money.rest = 0
	} else if part.back {
		part.back = false
		o.money.returned -= price * part.tickets
	}
	l.moneyAgrees(o)
}

// part returns a part by its number, nil for none.
func (o *bookedOrder) part(number uint8) *bookedPart {
	if number == 0 || int(number) > len(o.money.parts) {
		return nil
	}
	return &o.money.parts[number-1]
}

// owedTickets are those whose money is the seller's, or must go back.
func (o *bookedOrder) owedTickets() int64 {
	if o.money.rest > 0 {
		return 0
	}
	tickets := int64(o.quantity)
	for i := range o.money.parts {
		if part := &o.money.parts[i]; part.paid && !part.spared && !part.back {
			tickets += part.tickets
		}
	}
	return tickets
}

// moneyAgrees checks the sum of an order's money.
func (l *Ledger) moneyAgrees(o *bookedOrder) {
	if owed := o.sale.spec.Price * o.owedTickets(); o.money.taken != o.money.returned+owed {
		l.findings.report(checkMoney, o.seq, fmt.Sprintf("%d captured", o.money.returned+owed), fmt.Sprint(o.money.taken),
			o.money.returned, owed)
	}
}
