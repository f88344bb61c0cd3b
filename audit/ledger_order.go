package audit

import (
	"fmt"

	"onsale/sequencer"
)

// step books what a command did to an order.
func (l *Ledger) step(c *sequencer.Command, r *sequencer.Result) {
	o := l.orders[r.Order]
	if o == nil || r.Order != c.Order {
		l.findings.report(checkStepOrder, r.Order, fmt.Sprintf("order %d", c.Order), fmt.Sprintf("order %d", r.Order))
		return
	}
	if (c.Kind == sequencer.KindCancel || c.Kind == sequencer.KindPayBegin) && o.user != string(c.User) {
		l.findings.report(checkStepUser, o.seq, fmt.Sprintf("user %q", o.user), fmt.Sprintf("user %q", c.User))
	}
	switch c.Kind {
	case sequencer.KindCancel, sequencer.KindWithdraw:
		if !l.shared(o, c, sequencer.StateWaitlisted, sequencer.StateReserved) {
			l.leave(o, sequencer.StateCancelled, sequencer.StateWaitlisted, sequencer.StateReserved, sequencer.StateCancelled)
		}
	case sequencer.KindPayBegin:
		l.foreign(o)
		l.tried(o)
		l.leave(o, sequencer.StatePaying, sequencer.StateReserved)
		o.attempts++
		l.charged(o, c)
		o.sale.begun = true
		o.overdue = false
		l.lined(o, c)
	case sequencer.KindPayCalled:
		l.called(o, c)
	case sequencer.KindPayResult:
		l.settle(o, c, r)
	case sequencer.KindPayCaptured:
		l.free(o, r)
		l.tookMoney(o, c.Amount)
	case sequencer.KindPayBounced:
		l.free(o, r)
		l.bounced(o, c)
		l.lostRefund(o, c)
		if c.Part == 0 {
			o.gone &^= 1 << (c.Attempt - 1)
		}
	case sequencer.KindPayVoided:
		l.free(o, r)
		l.gaveMoney(o, c)
		o.gaveBack(c)
		o.returned(c)
	case sequencer.KindPayDisputed:
		l.free(o, r)
		l.disputed(o, c)
	case sequencer.KindSettle:
		l.byHand(o, c, r)
	case sequencer.KindAcknowledge:
		l.acknowledged(o, c)
	case sequencer.KindRefund:
		if !l.shared(o, c, sequencer.StatePaid) {
			if c.Quantity > 0 && o.state == sequencer.StatePaid {
				l.revokes(o, c)
			}
			l.leave(o, sequencer.StateRefunded, sequencer.StatePaid, sequencer.StateRefunded)
		}
	}
}

// free reports money that moves for an order that costs nothing.
func (l *Ledger) free(o *bookedOrder, r *sequencer.Result) {
	if o.sale.spec.Price == 0 {
		l.findings.report(checkFreeMoney, o.seq, sequencer.CodeStaleAttempt.String(), r.Code.String())
	}
}

// foreign reports a payment for an order that was made before the copy was: its cluster's
// provider knows it, this one's does not. Births before those that were read may be missing.
func (l *Ledger) foreign(o *bookedOrder) {
	if len(l.births) > 0 && l.births[0].Cause == sequencer.BirthCopy && o.seq < l.births[0].FirstSeq {
		l.findings.report(checkStepForeign, o.seq, sequencer.CodeNotPayable.String(), sequencer.CodeOK.String())
	}
}

// settle books the outcome of a payment attempt.
func (l *Ledger) settle(o *bookedOrder, c *sequencer.Command, r *sequencer.Result) {
	if o.state != sequencer.StatePaying || c.Attempt != o.attempts {
		return // nothing may change; shown compares
	}
	if c.Outcome != sequencer.PayUnknown {
		defer o.leaveLine()
	}
	switch c.Outcome {
	case sequencer.PayAccepted:
		if o.sale.cancelled {
			l.findings.report(checkPaidCancelled, o.seq, sequencer.CodeLateSuccess.String(), r.Code.String())
		}
		l.leave(o, sequencer.StatePaid, sequencer.StatePaying)
		l.minted(o, r)
	case sequencer.PayRejected, sequencer.PayCancelled:
		if c.Outcome == sequencer.PayRejected {
			l.declined(o)
		}
		l.leewayOf(o, c)
		to := sequencer.StateExpired
		switch {
		case o.sale.cancelled:
			to = sequencer.StateCancelled
		case o.deadline > l.own():
			to = sequencer.StateReserved
		}
		if r.State != to {
			l.findings.report(checkPaymentEnd, o.seq, to.String(), r.State.String(), c.Outcome, clock(l.end(o)), clock(l.now))
		}
		l.leave(o, to, sequencer.StatePaying)
	}
}

// tooLate books money that came for an order that is gone: of a sale that was cancelled while it
// was paid, or of another attempt.
func (l *Ledger) tooLate(c *sequencer.Command, r *sequencer.Result) {
	o := l.orders[r.Order]
	if o == nil || c.Attempt == 0 {
		return
	}
	o.came |= 1 << (c.Attempt - 1)
	if o.state != sequencer.StatePaying || c.Attempt != o.attempts {
		return
	}
	if c.Kind == sequencer.KindSettle {
		l.mayByHand(o, c, o.accountOf(c.Attempt) != l.account && c.Amount == o.sale.spec.Price*int64(o.quantity))
	}
	if !o.sale.cancelled {
		l.findings.report(checkPaidInTime, o.seq, "paid", r.State.String())
	}
	l.leave(o, sequencer.StateCancelled, sequencer.StatePaying)
	o.leaveLine()
}

// leave moves an order that must be in one of some states to another one. A
// reservation must not outlive its hold to do so.
func (l *Ledger) leave(o *bookedOrder, to sequencer.OrderState, from ...sequencer.OrderState) {
	l.become(o, to, o.quantity, from...)
}

// become is leave for an order that has another quantity then.
func (l *Ledger) become(o *bookedOrder, to sequencer.OrderState, quantity uint8, from ...sequencer.OrderState) {
	possible := false
	for _, state := range from {
		possible = possible || o.state == state
	}
	if !possible {
		l.findings.report(checkStep, o.seq, fmt.Sprintf("one of %v", from), o.state.String(), to)
	}
	if o.state == sequencer.StateReserved && o.deadline <= l.own() && to != sequencer.StateExpired {
		l.findings.report(checkOverheld, o.seq, "expired "+clock(l.end(o)), to.String()+" "+clock(l.now))
	}
	if frees(o.state, to) {
		o.sale.refusedNeed = 0
	}
	l.move(o, to, quantity)
	l.counted(o.sale, o.seq)
}

// frees reports whether tickets come free, or a place before those who wait.
func frees(from, to sequencer.OrderState) bool {
	return from == sequencer.StateWaitlisted || from.Holds() && !to.Live()
}

// event books an event.
func (l *Ledger) event(e *sequencer.Event) {
	o := l.orders[e.Order]
	if o == nil || o.sale.number != e.Sale {
		l.findings.report(checkEventOrder, e.Order, "an order of the sale", "none", e.Kind)
		return
	}
	switch e.Kind {
	case sequencer.EventExpired:
		l.expired(o)
	case sequencer.EventPromoted:
		l.promoted(o, e)
	case sequencer.EventOverdue:
		if due := o.hardLimit(); o.state != sequencer.StatePaying || due > l.own() {
			l.findings.report(checkOverdue, o.seq, "paying, overdue after "+clock(l.holds.Shown(due)), o.state.String()+" "+clock(l.now))
		}
		o.overdue = true
	case sequencer.EventCancelled:
		if !o.sale.cancelled {
			l.findings.report(checkCancelledWithSale, o.seq, "a cancelled sale", "one that is not")
		}
		l.leave(o, sequencer.StateCancelled, sequencer.StateReserved)
	case sequencer.EventRefunded:
		if !o.sale.cancelled {
			l.findings.report(checkRefundedWithSale, o.seq, "a cancelled sale", "one that is not")
		}
		l.leave(o, sequencer.StateRefunded, sequencer.StatePaid)
	default:
		l.findings.report(checkEventKind, o.seq, "a known kind", fmt.Sprint(uint8(e.Kind)))
	}
}

// expired books the end of a hold: not before its time, and in the first batch
// whose time has come to it.
func (l *Ledger) expired(o *bookedOrder) {
	switch {
	case o.deadline > l.own():
		l.findings.report(checkExpiredEarly, o.seq, "not before "+clock(l.end(o)), clock(l.now))
	case o.deadline <= l.heldTo:
		l.findings.report(checkExpiredLate, o.seq, "at the latest "+clock(l.before), clock(l.now), clock(l.end(o)))
	}
	l.leave(o, sequencer.StateExpired, sequencer.StateReserved)
}

// promoted books a waiting order's reservation, and who it passed over.
func (l *Ledger) promoted(o *bookedOrder, e *sequencer.Event) {
	s := o.sale
	if o.state != sequencer.StateWaitlisted {
		l.findings.report(checkPromotedState, o.seq, "waitlisted", o.state.String())
	}
	l.passedOver(o)
	l.asked(o, e.Quantity)
	if want := after(l.now, s.promotedHold()); e.Deadline != want {
		l.findings.report(checkPromotedHold, o.seq, clock(want), clock(e.Deadline))
	}
	o.deadline = l.holds.Own(e.Deadline)
	l.move(o, sequencer.StateReserved, e.Quantity)
	l.counted(s, o.seq)
}

// passedOver reports the first that waits longer than a promoted order and
// should have been served: the head, or with skip unfit whoever fits.
func (l *Ledger) passedOver(o *bookedOrder) {
	s := o.sale
	s.head()
	for _, other := range s.queue {
		if other.seq >= o.seq {
			return
		}
		fits := int64(other.min) <= s.available()
		if other.state == sequencer.StateWaitlisted && (fits || !s.spec.SkipUnfit) {
			l.findings.report(checkPassedOver, o.seq, fmt.Sprintf("order %d", other.seq), fmt.Sprintf("order %d", o.seq),
				other.min)
			return
		}
	}
}
