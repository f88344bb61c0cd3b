package audit

import "onsale/sequencer"

// forgedSteps are steps of orders that their lives do not have.
var forgedSteps = []forgery{
	{name: "a cancel is about another order", finds: []check{checkStepOrder},
		batches: batches{at(0, sell(), buy("ann", 1), buy("bob", 1), cancel(2, "ann"))},
		forge:   func(f *forged) { f.show(4, sequencer.CodeOK, 3, sequencer.StateReserved, 1) }},
	{name: "a cancel is about an order that was never made", finds: []check{checkStepOrder, checkShownOrder},
		batches: batches{at(0, sell(), nobody())},
		forge:   func(f *forged) { f.show(2, sequencer.CodeOK, 99, sequencer.StateCancelled, 1) }},
	{name: "a stranger cancels", finds: []check{checkStepUser},
		batches: batches{at(0, sell(), buy("ann", 1), cancel(2, "bob"))},
		forge:   func(f *forged) { f.show(3, sequencer.CodeOK, 2, sequencer.StateCancelled, 1) }},
	{name: "a stranger pays", finds: []check{checkStepUser},
		batches: batches{at(0, sell(), buy("ann", 1), pay(2, "bob", 1))},
		forge:   func(f *forged) { f.show(3, sequencer.CodeOK, 2, sequencer.StatePaying, 1).Attempt = 1 }},

	{name: "a copy pays an order of before", finds: []check{checkStepForeign},
		batches: batches{at(0, birth(1, sequencer.BirthNew, 0)), at(0, sell(), buy("ann", 1)), at(0, birth(2, sequencer.BirthCopy, 0)),
			at(0, pay(3, "ann", 1))},
		forge: func(f *forged) { f.show(1<<31+1, sequencer.CodeOK, 3, sequencer.StatePaying, 1).Attempt = 1 }},

	{name: "an order in payment is cancelled", finds: []check{checkStep},
		batches: batches{at(0, sell(), buy("ann", 1), pay(2, "ann", 1), cancel(2, "ann"))},
		forge:   func(f *forged) { f.show(4, sequencer.CodeOK, 2, sequencer.StateCancelled, 1).Attempt = 1 }},
	{name: "a waiting order is paid", finds: []check{checkStep, checkCount},
		batches: batches{at(0, sell(waitlist(2)), buy("ann", 2), buy("bob", 1), pay(3, "bob", 1))},
		forge: func(f *forged) {
			r := f.show(4, sequencer.CodeOK, 3, sequencer.StatePaying, 1)
			r.Attempt, r.Deadline = 1, 0
		}},
	{name: "a reservation is refunded", finds: []check{checkStep},
		batches: batches{at(0, sell(), buy("ann", 1), refund(2))},
		forge:   func(f *forged) { f.show(3, sequencer.CodeOK, 2, sequencer.StateRefunded, 1).Ticket = 0 }},
	{name: "a cancelled order whose ticket is sold again is paid", finds: []check{checkStep, checkCount},
		batches: batches{at(0, sell(), buy("ann", 2), cancel(2, "ann"), buy("bob", 2), pay(2, "ann", 2))},
		forge:   func(f *forged) { f.show(5, sequencer.CodeOK, 2, sequencer.StatePaying, 2).Attempt = 1 }},
	{name: "a hold that is over is paid", finds: []check{checkOverheld},
		batches: batches{at(0, sell(), buy("ann", 1)), at(3, pay(2, "ann", 1))},
		forge: func(f *forged) {
			f.still()
			f.show(3, sequencer.CodeOK, 2, sequencer.StatePaying, 1).Attempt = 1
		}},
	{name: "a hold that is over is cancelled", finds: []check{checkOverheld},
		batches: batches{at(0, sell(), buy("ann", 1)), at(4, cancel(2, "ann"))},
		forge:   func(f *forged) { f.still(); f.show(3, sequencer.CodeOK, 2, sequencer.StateCancelled, 1) }},

	{name: "a payment for a cancelled sale is taken", finds: []check{checkPaidCancelled},
		batches: batches{at(0, sell(), buy("ann", 1), pay(2, "ann", 1), onSale(sequencer.KindSaleCancel, 0),
			outcome(2, sequencer.PayAccepted))},
		forge: func(f *forged) { f.show(5, sequencer.CodeOK, 2, sequencer.StatePaid, 1).Attempt = 1 }},
	{name: "a payment in time is late", finds: []check{checkPaidInTime},
		batches: batches{at(0, sell(), buy("ann", 1), pay(2, "ann", 1), outcome(2, sequencer.PayAccepted))},
		forge:   func(f *forged) { f.show(4, sequencer.CodeLateSuccess, 2, sequencer.StateCancelled, 1).Attempt = 1 }},
	{name: "captured money is back because it was cancelled", finds: []check{checkNotBack},
		batches: batches{at(0, sell(), buy("ann", 1), pay(2, "ann", 1), outcome(2, sequencer.PayAccepted), captured(2, 1), refund(2), voided(2, sequencer.PayCancelled))},
		forge:   func(f *forged) { f.result(7).Code = sequencer.CodeOK }},
	{name: "an attempt is charged under an account that nobody accepted", finds: []check{checkAccount},
		batches: batches{at(0, sell(), buy("ann", 1), buy("bob", 1), pay(2, "ann", 1), payUnder("b", 3, "bob", 1))},
		forge:   func(f *forged) { f.show(5, sequencer.CodeOK, 3, sequencer.StatePaying, 1).Attempt = 1 }},
	{name: "an operator gives up what the provider can be asked about", finds: []check{checkByHand},
		batches: batches{at(0, sell(), buy("ann", 1), pay(2, "ann", 1), byHand(2, sequencer.PayCancelled))},
		forge:   func(f *forged) { f.show(4, sequencer.CodeOK, 2, sequencer.StateReserved, 1).Attempt = 1 }},
	{name: "an operator says that money is back which the provider can be asked about", finds: []check{checkByHand},
		batches: batches{at(0, sell(), buy("ann", 1), pay(2, "ann", 1), outcome(2, sequencer.PayAccepted), refund(2), byHand(2, sequencer.PayRefunded))},
		forge:   func(f *forged) { f.result(6).Code = sequencer.CodeOK }},
	{name: "an operator says that money was captured, after it was", finds: []check{checkByHand},
		batches: batches{at(0, sell(), buy("ann", 2), pay(2, "ann", 2), outcome(2, sequencer.PayAccepted), captured(2, 2), accept("b"), byHand(2, sequencer.PayAccepted))},
		forge:   func(f *forged) { f.result(7).Code = sequencer.CodeOK }},
	{name: "an operator says that an earlier attempt was captured", finds: []check{checkByHand},
		batches: batches{at(0, append(append([]sequencer.Command{sell(), buy("ann", 1)}, declined(1)...), attempt(pay(2, "ann", 1), 2), accept("b"), byHand(2, sequencer.PayAccepted))...)},
		forge:   func(f *forged) { f.result(7).Code = sequencer.CodeOK }},
	{name: "an operator says that another amount is back", finds: []check{checkByHand},
		batches: batches{at(0, sell(), buy("ann", 2), pay(2, "ann", 2), outcome(2, sequencer.PayAccepted), refund(2), accept("b"), byHand(2, sequencer.PayRefunded))},
		forge:   func(f *forged) { f.result(7).Code = sequencer.CodeOK }},
	{name: "an operator says that a part is back which there is not", finds: []check{checkByHand},
		batches: batches{at(0, append(paidPart(), accept("b"), ofPart(2, byHand(2, sequencer.PayRefunded)))...)},
		forge:   func(f *forged) { f.result(8).Code = sequencer.CodeOK }},
	{name: "an operator says that what was taken was not", finds: []check{checkByHand},
		batches: batches{at(0, sell(), buy("ann", 1), pay(2, "ann", 1), outcome(2, sequencer.PayAccepted), accept("b"), byHand(2, sequencer.PayCancelled))},
		forge:   func(f *forged) { f.result(6).Code = sequencer.CodeOK }},
	{name: "a seller takes note of another part's refund", finds: []check{checkAcknowledged},
		batches: batches{at(0, append(paidPart(), ofPart(1, failed(1, sequencer.ReasonDisputed)), acknowledged())...)},
		forge:   func(f *forged) { f.result(8).Code = sequencer.CodeOK }},
	{name: "an attempt is called twice out of the line", finds: []check{checkCalled},
		batches: batches{at(0, sell(), buy("ann", 1), inLine(pay(2, "ann", 1)), called(2), called(2))},
		forge:   func(f *forged) { f.result(5).Code = sequencer.CodeOK }},
	{name: "an attempt is called that did not stand in the line", finds: []check{checkCalled},
		batches: batches{at(0, sell(), buy("ann", 1), pay(2, "ann", 1), called(2))},
		forge:   func(f *forged) { f.result(4).Code = sequencer.CodeOK }},
	{name: "an attempt is called when its time in the line is over", finds: []check{checkCalled, checkShownDeadline},
		batches: batches{at(0, sell(), buy("ann", 1), inLine(pay(2, "ann", 1))), at(9, called(2))},
		forge:   func(f *forged) { f.result(4).Code = sequencer.CodeOK }},
	{name: "an attempt is called of a cancelled sale", finds: []check{checkCalled},
		batches: batches{at(0, sell(), buy("ann", 1), inLine(pay(2, "ann", 1)), onSale(sequencer.KindSaleCancel, 0), called(2))},
		forge:   func(f *forged) { f.result(5).Code = sequencer.CodeOK }},
	{name: "a hold that was over when its attempt was called does not go on", finds: []check{checkShownDeadline},
		batches: batches{at(0, sell(), buy("ann", 1), inLine(pay(2, "ann", 1))), at(4, called(2))},
		forge:   func(f *forged) { f.result(4).Deadline = storyStart + forgedHold }},
	{name: "more is given back than the order has", finds: []check{checkPart},
		batches: batches{at(0, sell(), buy("ann", 1), partly(2, cancel(2, "ann")))},
		forge:   func(f *forged) { f.show(3, sequencer.CodeOK, 2, sequencer.StateReserved, 1) }},
	{name: "a part of an order in payment is given back", finds: []check{checkStep},
		batches: batches{at(0, sell(), buy("ann", 2), pay(2, "ann", 2), partly(1, cancel(2, "ann")))},
		forge:   func(f *forged) { f.show(4, sequencer.CodeOK, 2, sequencer.StatePaying, 1).Attempt = 1 }},
	{name: "one key gives two parts back", finds: []check{checkShown},
		batches: batches{at(0, sell(quantity(3)), buy("ann", 3), keyed(partly(1, cancel(2, "ann"))), keyed(partly(1, cancel(2, "ann"))))},
		forge:   func(f *forged) { f.result(4).Quantity = 1 }},
	{name: "another amount is captured", finds: []check{checkMoney},
		batches: batches{at(0, sell(), buy("ann", 2), pay(2, "ann", 2), outcome(2, sequencer.PayAccepted), partly(1, refund(2)), captured(2, 3))},
		forge:   func(f *forged) { f.result(6).Code = sequencer.CodeOK }},
	{name: "a part is refunded twice", finds: []check{checkMoney},
		batches: batches{at(0, append(paidPart(), ofPart(1, voided(2, sequencer.PayRefunded)), ofPart(1, voided(2, sequencer.PayRefunded)))...)},
		forge:   func(f *forged) { f.result(8).Code = sequencer.CodeOK }},
	{name: "the rest is refunded twice", finds: []check{checkMoney},
		batches: batches{at(0, append(paidPart(), refund(2), voided(2, sequencer.PayRefunded), voided(2, sequencer.PayRefunded))...)},
		forge:   func(f *forged) { f.result(9).Code = sequencer.CodeOK }},
	{name: "a part's captured money is back because it was cancelled", finds: []check{checkNotBack},
		batches: batches{at(0, append(paidPart(), ofPart(1, voided(2, sequencer.PayCancelled)))...)},
		forge:   func(f *forged) { f.result(7).Code = sequencer.CodeOK }},
	{name: "money is taken for an order that costs nothing", finds: []check{checkFreeMoney},
		batches: batches{at(0, sell(free), buy("ann", 1), pay(2, "ann", 0), outcome(2, sequencer.PayAccepted), captured(2, 0))},
		forge:   func(f *forged) { f.result(5).Code = sequencer.CodeOK }},
	{name: "money goes back that an order did not cost", finds: []check{checkFreeMoney},
		batches: batches{at(0, sell(free), buy("ann", 1), pay(2, "ann", 0), outcome(2, sequencer.PayAccepted), refund(2), voided(2, sequencer.PayRefunded))},
		forge:   func(f *forged) { f.result(6).Code = sequencer.CodeOK }},
	{name: "a refund fails of an order that costs nothing", finds: []check{checkFreeMoney},
		batches: batches{at(0, sell(free), buy("ann", 1), pay(2, "ann", 0), outcome(2, sequencer.PayAccepted), refund(2), bounced(2))},
		forge:   func(f *forged) { f.result(6).Code = sequencer.CodeOK }},
	{name: "a failed refund counts twice", finds: []check{checkBounced},
		batches: batches{at(0, append(refunded(), failed(1, sequencer.ReasonMethodGone), failed(1, sequencer.ReasonMethodGone))...)},
		forge:   func(f *forged) { f.result(9).Code = sequencer.CodeOK }},
	{name: "a refund is sent after its return has failed", finds: []check{checkBounced},
		batches: batches{at(0, append(refunded(), failed(1, sequencer.ReasonDisputed), failed(2, sequencer.ReasonDisputed))...)},
		forge:   func(f *forged) { f.result(9).Code = sequencer.CodeOK }},
	{name: "a seller takes note of what did not fail", finds: []check{checkAcknowledged},
		batches: batches{at(0, append(refunded(), failed(1, sequencer.ReasonMethodGone), acknowledged())...)},
		forge:   func(f *forged) { f.result(9).Code = sequencer.CodeOK }},
	{name: "a seller takes note of what came back", finds: []check{checkAcknowledged},
		batches: batches{at(0, append(refunded(), failed(1, sequencer.ReasonDisputed), voided(2, sequencer.PayRefunded), acknowledged())...)},
		forge:   func(f *forged) { f.result(10).Code = sequencer.CodeOK }},
	{name: "a dispute is of money that was not accepted", finds: []check{checkDisputed},
		batches: batches{at(0, sell(), buy("ann", 1), pay(2, "ann", 1), disputed())},
		forge:   func(f *forged) { f.result(4).Code = sequencer.CodeOK }},
	{name: "a dispute is told as it stood", finds: []check{checkDisputed},
		batches: batches{at(0, append(refunded(), disputed(), disputed())...)},
		forge:   func(f *forged) { f.result(9).Code = sequencer.CodeOK }},
	{name: "a declined payment ends a hold that goes on", finds: []check{checkPaymentEnd, checkShown},
		batches: batches{at(0, sell(), buy("ann", 1), pay(2, "ann", 1), outcome(2, sequencer.PayRejected))},
		forge:   func(f *forged) { f.show(4, sequencer.CodeOK, 2, sequencer.StateExpired, 1).Attempt = 1 }},
	{name: "an attempt begins beyond the bounds", finds: []check{checkAttempts},
		batches: batches{at(0, append([]sequencer.Command{sell(), buy("ann", 1)}, declined(9)...)...)},
		forge: func(f *forged) {
			f.show(19, sequencer.CodeOK, 2, sequencer.StatePaying, 1).Attempt = 9
			f.show(20, sequencer.CodeOK, 2, sequencer.StateReserved, 1).Attempt = 9
		}},
	{name: "a declined payment brings back a hold that is over", finds: []check{checkPaymentEnd, checkShown},
		batches: batches{at(0, sell(), buy("ann", 1), pay(2, "ann", 1)), at(3, outcome(2, sequencer.PayCancelled))},
		forge:   func(f *forged) { f.show(4, sequencer.CodeOK, 2, sequencer.StateReserved, 1).Attempt = 1 }},
	{name: "a declined payment keeps the hold of a cancelled sale", finds: []check{checkPaymentEnd, checkShown},
		batches: batches{at(0, sell(), buy("ann", 1), pay(2, "ann", 1), onSale(sequencer.KindSaleCancel, 0),
			outcome(2, sequencer.PayRejected))},
		forge: func(f *forged) { f.show(5, sequencer.CodeOK, 2, sequencer.StateReserved, 1).Attempt = 1 }},

	{name: "a refusal shows an order that was never made", finds: []check{checkShownOrder},
		batches: batches{at(0, sell(), nobody())},
		forge:   func(f *forged) { f.show(2, sequencer.CodeUnknownOrder, 99, sequencer.StateReserved, 1) }},
	{name: "an order is shown in another state", finds: []check{checkShown},
		batches: shownOrder,
		forge:   func(f *forged) { f.show(3, sequencer.CodeAmountMismatch, 2, sequencer.StateExpired, 1) }},
	{name: "an order is shown with another quantity", finds: []check{checkShown},
		batches: shownOrder,
		forge:   func(f *forged) { f.result(3).Quantity = 2 }},
	{name: "an order is shown in another sale", finds: []check{checkShown},
		batches: shownOrder,
		forge:   func(f *forged) { f.result(3).Sale = 2 }},
	{name: "an order is shown with another attempt", finds: []check{checkShown},
		batches: shownOrder,
		forge:   func(f *forged) { f.result(3).Attempt = 1 }},
	{name: "an order told again is shown otherwise", finds: []check{checkShown},
		batches: batches{at(0, sell(), keyed(buy("ann", 1)), cancel(2, "ann"), keyed(buy("ann", 1)))},
		forge:   func(f *forged) { f.result(4).State = sequencer.StateExpired }},
	{name: "a stale answer shows a payment as over", finds: []check{checkShown},
		batches: batches{at(0, sell(), buy("ann", 1), pay(2, "ann", 1), attempt(outcome(2, sequencer.PayRejected), 2))},
		forge:   func(f *forged) { f.show(4, sequencer.CodeOK, 2, sequencer.StateReserved, 1).Attempt = 1 }},
	{name: "a hold is shown with another end", finds: []check{checkShownDeadline},
		batches: shownOrder,
		forge:   func(f *forged) { f.result(3).Deadline++ }},
	{name: "a hold is shown as before all were extended", finds: []check{checkShownDeadline},
		batches: batches{at(0, sell(), buy("ann", 1), extend(), pay(2, "ann", 9))},
		forge:   func(f *forged) { f.result(4).Deadline = storyStart + forgedHold }},
}

// shownOrder is a decision that changes nothing and shows a reservation.
var shownOrder = batches{at(0, sell(), buy("ann", 1), pay(2, "ann", 9))}

// refunded is the life of ann's order until its money went back: 7 commands.
func refunded() []sequencer.Command {
	return []sequencer.Command{sell(), buy("ann", 1), pay(2, "ann", 1), outcome(2, sequencer.PayAccepted), captured(2, 1), refund(2), voided(2, sequencer.PayRefunded)}
}

// failed says that a refund of ann's order failed.
func failed(refund uint32, why sequencer.PayReason) sequencer.Command {
	return sequencer.Command{Kind: sequencer.KindPayBounced, Order: 2, Attempt: 1, Count: refund, Reason: why}
}

// disputed says that ann has her bank take the money back.
func disputed() sequencer.Command {
	return sequencer.Command{Kind: sequencer.KindPayDisputed, Order: 2, Attempt: 1, Dispute: sequencer.DisputeLost, Amount: 1}
}

// acknowledged says that a seller has seen it.
func acknowledged() sequencer.Command {
	return sequencer.Command{Kind: sequencer.KindAcknowledge, Order: 2, Attempt: 1, Body: []byte("in cash")}
}

// declined are so many attempts to pay ann's order, each of which is declined.
func declined(attempts int) (commands []sequencer.Command) {
	for number := range uint8(attempts) {
		commands = append(commands, pay(2, "ann", 1), attempt(outcome(2, sequencer.PayRejected), number+1))
	}
	return commands
}

// paidPart is ann's order of two tickets, which was captured, and of which one is refunded.
func paidPart() []sequencer.Command {
	return []sequencer.Command{sell(), buy("ann", 2), pay(2, "ann", 2), outcome(2, sequencer.PayAccepted), captured(2, 2), partly(1, refund(2))}
}

func attempt(c sequencer.Command, number uint8) sequencer.Command {
	c.Attempt = number
	return c
}

// extend moves every hold by an hour.
func extend() sequencer.Command {
	return sequencer.Command{Kind: sequencer.KindSaleExtend, Sale: 1, Amount: 3600 * 1_000_000_000}
}

// inLine lets an attempt stand in the line for five seconds at most.
func inLine(c sequencer.Command) sequencer.Command {
	c.Count = 5
	return c
}

// called says that the provider is called for an order's attempt in the line.
func called(order uint64) sequencer.Command {
	return sequencer.Command{Kind: sequencer.KindPayCalled, Order: order, Attempt: 1}
}

func payUnder(account string, order uint64, user string, tickets int64) sequencer.Command {
	c := pay(order, user, tickets)
	c.Reference = []byte(account)
	return c
}

func accept(account string) sequencer.Command {
	return sequencer.Command{Kind: sequencer.KindAccept, Reference: []byte(account), Body: []byte("sold")}
}

func byHand(order uint64, outcome sequencer.PayOutcome) sequencer.Command {
	c := sequencer.Command{Kind: sequencer.KindSettle, Order: order, Attempt: 1, Outcome: outcome, Body: []byte("on their statement")}
	if outcome != sequencer.PayCancelled {
		c.Amount = 1
	}
	return c
}
