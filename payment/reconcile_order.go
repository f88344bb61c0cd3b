package payment

import (
	"slices"
	"strconv"
	"strings"

	"onsale/internal/amount"
	"onsale/sequencer"
)

// order compares one order with the charges of its attempts.
func (c *comparison) order(v *sequencer.OrderView) {
	if v.IsForeign() {
		c.result.ForeignOrders++
		return
	}
	c.result.Orders++
	unsettled := v.State == sequencer.StatePaying || v.CaptureDue || v.VoidsDue != 0 || v.PartTickets(sequencer.PartDue) > 0
	var charge Charge
	holding := 0
	for number := uint8(1); number <= v.Attempts; number++ {
		var shown bool
		if charge, shown = c.desk.charge(v, number); !shown {
			unsettled, charge = true, Charge{Order: c.desk.uid(v)}.attempt(v.Birth, number)
		}
		e, booked := c.books[charge.Key]
		delete(c.books, charge.Key)
		if v.WasPaid() && number == v.Attempts && e.Dispute.Status != sequencer.DisputeNone && e.Dispute != v.Dispute {
			c.result.disputed = append(c.result.disputed, v.Seq)
		}
		if held := e.CapturedAmount - e.RefundedAmount; unsettled && held != 0 {
			c.takings(e.Currency).Unsettled += held
		}
		switch {
		case charge.Amount == 0 || !shown:
			continue
		case charge.Account != c.result.Account:
			c.elsewhere(v, number, &charge)
			if e.hasMoney() {
				c.differs(DifferenceUnknownOrder, &e.Charge, e.Amount, "the books have a charge of %s, and that attempt began under %s", e.Phase, charge.Account)
			}
			continue
		case unsettled:
			c.due(v, number, &charge, e, booked)
			continue
		}
		c.attempt(v, number, &charge, e, booked)
		if (e.Phase == Authorised || e.Phase == Captured) && !charge.isAnothers(&e.Charge) {
			holding++
		}
	}
	if unsettled {
		c.result.Unsettled++
	}
	if holding > 1 {
		c.differs(DifferenceTwice, &charge, charge.Amount, "%d attempts hold or took money", holding)
	}
}

// elsewhere counts an attempt under another account, and names what is due for it, which
// nobody asks or tells here.
func (c *comparison) elsewhere(v *sequencer.OrderView, number uint8, charge *Charge) {
	c.result.OtherAccount++
	if !isUnsettled(v, number) {
		return
	}
	what, minor := "must go back", charge.priceOf(v, number)*v.RestOf(number)
	switch newest := number == v.Attempts; {
	case newest && v.State == sequencer.StatePaying:
		what = "may be taken"
	case newest && v.CaptureDue:
		what, minor = "must be captured", charge.priceOf(v, number)*int64(v.Quantity)
	case newest && v.VoidsDue&(1<<(number-1)) == 0:
		what, minor = "of parts "+dueParts(v)+" must go back", charge.priceOf(v, number)*v.PartTickets(sequencer.PartDue)
	}
	c.differs(DifferenceAccount, charge, minor, "the money %s under %s, these are the books of %s: it waits for that account's key, or is settled by hand", what, charge.Account, c.result.Account)
}

// dueParts lists the numbers of an order's parts whose money must go back.
func dueParts(v *sequencer.OrderView) string {
	var numbers []string
	for i := range v.Parts {
		if v.Parts[i].State == sequencer.PartDue {
			numbers = append(numbers, strconv.Itoa(i+1))
		}
	}
	return strings.Join(numbers, ", ")
}

// due names what is due for an attempt of an order that is not settled, when the books deny
// it: settling will not end it.
func (c *comparison) due(v *sequencer.OrderView, number uint8, due *Charge, e Entry, booked bool) {
	over := e.Phase == Cancelled || e.Phase == Declined
	newest := number == v.Attempts
	switch {
	case booked && due.isAnothers(&e.Charge):
	case newest && v.CaptureDue && (!booked || over || e.Phase == Refunded):
		c.differs(DifferenceNotCaptured, due, due.priceOf(v, number)*int64(v.Quantity), "the order is paid, the charge is %s", phaseIn(e, booked))
	case newest && e.Phase == Captured && partBounced(v):
		c.differs(DifferenceNotReturned, due, due.priceOf(v, number)*v.PartTickets(sequencer.PartDue), "the refund of a part failed, and is sent once more")
	case v.VoidsDue&v.Bounced&(1<<(number-1)) != 0 && e.Phase == Captured:
		c.differs(DifferenceNotReturned, due, e.CapturedAmount-e.RefundedAmount, "a refund failed (%s), and is sent once more", v.RefundReason)
	case v.VoidsDue&(1<<(number-1)) != 0 && (!booked || over && newest && v.Captured):
		c.differs(DifferenceNotReturned, due, due.Amount, "the money must go back, the charge is %s", phaseIn(e, booked))
	}
}

// partBounced reports whether a part must go back whose refund failed once.
func partBounced(v *sequencer.OrderView) bool {
	return slices.ContainsFunc(v.Parts, func(p sequencer.Part) bool { return p.State == sequencer.PartDue && p.Fails > 0 })
}

// priceOf returns what a ticket of an order costs, of which c is the charge of an attempt.
func (c *Charge) priceOf(v *sequencer.OrderView, attempt uint8) int64 {
	return c.Amount / v.TicketsOf(attempt)
}

// phaseIn returns where a charge stands in the books.
func phaseIn(e Entry, booked bool) string {
	if !booked {
		return "not in the books"
	}
	return string(e.Phase)
}

// attempt compares one settled attempt with what should have been charged. Only the
// newest one of a paid order may have taken money.
func (c *comparison) attempt(v *sequencer.OrderView, number uint8, due *Charge, e Entry, booked bool) {
	paid := v.State == sequencer.StatePaid && number == v.Attempts
	returned := v.Voided&(1<<(number-1)) != 0
	price := due.priceOf(v, number)
	cost := price * int64(v.Quantity) // of the tickets that are still paid
	taken, back := price*v.TakenTickets(), price*v.PartTickets(sequencer.PartReturned)
	failed := price * (v.PartTickets(sequencer.PartFailed) + v.PartTickets(sequencer.PartAcknowledged))
	if paid {
		c.takings(due.Currency).Orders += cost
	}
	switch {
	case booked && due.isAnothers(&e.Charge):
		c.differs(DifferenceBuyer, due, e.Amount,
			"the charge is of order %q, birth %q, buyer %q", e.Order, e.Birth, e.Buyer)
	case booked && (e.Amount != due.Amount || e.Currency != due.Currency):
		c.differs(DifferenceAmount, &e.Charge, e.Amount, "charged %s, the order costs %s", amount.Money(e.Amount, e.Currency), amount.Money(due.Amount, due.Currency))
	case paid && !booked:
		c.differs(DifferenceNoCharge, due, cost, "the order is paid")
	case paid && e.Phase != Captured:
		c.differs(DifferenceNotCaptured, due, cost, "the order is paid, the charge is %s", e.Phase)
	case paid && e.RefundedAmount > back:
		c.result.look = append(c.result.look, v.Seq) // a part that had failed may be back by another way
		c.differs(DifferencePart, due, e.RefundedAmount-back, "the order is paid, %s of %s went back at the provider",
			amount.Money(e.RefundedAmount-back, e.Currency), amount.Money(e.CapturedAmount-back, e.Currency))
	case paid && e.CapturedAmount != taken:
		c.differs(DifferenceAmount, due, e.CapturedAmount, "%s were captured, the order costs %s", amount.Money(e.CapturedAmount, e.Currency), amount.Money(taken, due.Currency))
	case paid && e.RefundedAmount < back && !e.Refunding:
		c.result.look = append(c.result.look, v.Seq)
		c.differs(DifferenceNotReturned, due, back-e.RefundedAmount, "of the parts that went back, this did not")
	case paid && failed > 0:
		c.result.look = append(c.result.look, v.Seq)
		c.differs(DifferenceNotReturned, due, failed, "the refund of a part failed, and is not sent again")
	case v.Failed&(1<<(number-1)) != 0:
		c.result.look = append(c.result.look, v.Seq) // it may be back by another way
		c.differs(DifferenceNotReturned, due, e.CapturedAmount-e.RefundedAmount, "its refund failed (%s), and is not sent again", v.RefundReason)
	case returned && !booked:
		c.differs(DifferenceNoCharge, due, due.Amount, "its money went back")
	case returned && e.Phase == Captured && !e.Refunding:
		c.result.look = append(c.result.look, v.Seq)
		c.differs(DifferenceNotReturned, due, e.CapturedAmount-e.RefundedAmount, "the charge is %s", e.Phase)
	case returned && e.RefundedAmount != taken && number == v.Attempts && v.Captured:
		c.differs(DifferenceNotReturned, due, taken-e.RefundedAmount, "the charge is %s", e.Phase)
	case returned && e.CapturedAmount != e.RefundedAmount, returned && e.Phase == Authorised:
		c.differs(DifferenceNotReturned, due, e.CapturedAmount-e.RefundedAmount, "the charge is %s", e.Phase)
	case !paid && (e.Phase == Authorised || e.Phase == Captured):
		c.differs(DifferenceNotPaid, due, e.Amount, "the order is %s, the charge is %s", v.State, e.Phase)
	}
}
