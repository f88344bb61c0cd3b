package simulation

import (
	"onsale/payment"
	"onsale/sequencer"
)

// The desks' part of package payment's protocol, one call to the provider at a time: a
// desk works from what its replica has applied, and what it learns goes through the
// log. Those of leaders that do not know yet that they lead no more work on.

// amountOf returns what an order costs, in minor units.
func (w *world) amountOf(v *sequencer.OrderView) int64 {
	return w.sales[v.Sale-1].price * int64(v.Quantity)
}

// authorise is the call for an attempt that began. The desk may be dead by the time
// that the call arrives; then nobody hears the answer.
func (w *world) authorise(q *request, to payment.Phase, lost bool) {
	if q == nil || q.begun == 0 {
		return
	}
	r := w.replicas[q.node]
	if q.command.Count > 0 && !q.called && !w.mayCall(r, q) {
		return
	}
	lost = lost || !r.leading || r.incarnation != q.started
	status := payment.Status{Phase: payment.Authorised} // what costs nothing
	if key, costs := attemptKey(string(q.command.Reference), q.command.Order, q.begun); costs {
		switch {
		case key.account != w.provider.here && !lost:
			w.seen.Stranded++
			return
		case key.account != w.provider.here: // it was sent before the key changed
			w.seen.LateArrivals++
		}
		status = w.provider.authorise(key, q.command.Amount, to)
	}
	if lost {
		w.seen.LostPayments++
		return
	}
	r.tell(q.command.Order, q.begun, status)
}

// mayCall reports whether the provider may be called for an attempt that stands in the line: once
// that is committed, which the desk sees to first. Nobody else has its means of payment.
func (w *world) mayCall(r *replica, q *request) bool {
	key := chargeKey{order: q.command.Order, attempt: q.begun}
	if !r.leading || r.incarnation != q.started || !r.line[key] {
		return false
	}
	v, _ := r.machine.Order(key.order)
	early := w.bug != nil && w.bug.callFirst
	if v.Lined && v.Attempts == key.attempt && !early {
		r.queue(sequencer.Command{Kind: sequencer.KindPayCalled, Order: key.order, Attempt: key.attempt})
		return false
	}

	delete(r.line, key)
	if q.called = early || v.State == sequencer.StatePaying && v.Attempts == key.attempt; q.called {
		w.seen.CallsCommitted++
	}
	return q.called
}

// endInLine ends an attempt that stands in the line, and not in that of a leader who knows
// all that was committed before: nobody was called for it, and nobody will be. One in the leader's
// line has its time, unless its sale is cancelled.
func (w *world) endInLine(r *replica, v *sequencer.OrderView, lost bool) {
	key := chargeKey{order: v.Seq, attempt: v.Attempts}
	sale, _ := r.machine.Sale(v.Sale)
	if !r.inOffice() || r.line[key] && !v.Overdue && !sale.Cancelled {
		return
	}
	delete(r.line, key)
	if !lost {
		w.seen.EndedInLine++
		r.tell(v.Seq, v.Attempts, payment.Status{Phase: payment.Cancelled, Reason: sequencer.ReasonUnavailable})
	}
}

// tell queues a provider's word for the log; nothing while there is none.
func (r *replica) tell(order uint64, attempt uint8, status payment.Status) {
	if outcome := status.Outcome(); outcome != sequencer.PayUnknown {
		r.queue(sequencer.Command{Kind: sequencer.KindPayResult, Order: order, Attempt: attempt, Outcome: outcome, Reason: status.Reason})
	}
}

func (r *replica) queue(c sequencer.Command) { r.inbox = append(r.inbox, queued{command: c}) }

// settle lets a leader's desk do one thing that is due for one unsettled order. lost
// says that the provider's answer does not arrive; abandon that an attempt without an
// outcome is given up.
func (w *world) settle(r *replica, which int, lost, abandon bool) error {
	if !r.leading {
		return nil
	}
	views := r.machine.Unsettled(0, unsettledPage)
	if len(views) == 0 {
		return nil
	}
	return w.settleOrder(r, &views[which%len(views)], lost, abandon)
}

// settleOrder does the first thing that is due for an order, of what is under the account whose
// key the desk has.
func (w *world) settleOrder(r *replica, v *sequencer.OrderView, lost, abandon bool) error {
	if lost {
		w.seen.LostPayments++
	}
	newest, here, _ := w.chargeOf(r, v.Seq, v.Attempts)
	switch {
	case v.Lined:
		w.endInLine(r, v, lost)
		return nil
	case !here:
		w.seen.Stranded++
	case v.State == sequencer.StatePaying:
		w.resolve(r, v, newest, lost, abandon)
		return nil
	case v.CaptureDue:
		return w.capture(r, v, newest, lost)
	}
	for attempt := uint8(1); attempt <= v.Attempts; attempt++ {
		if v.VoidsDue&(1<<(attempt-1)) == 0 {
			continue
		}
		key, mine, _ := w.chargeOf(r, v.Seq, attempt)
		if !mine {
			continue
		}
		refund := refundOf(v, attempt)
		status := w.provider.giveBack(key, refund)
		if !lost && status.Phase == payment.Captured {
			r.bounced(v.Seq, attempt, refund, status.Refusal)
		}
		if outcome := status.Returned(); !lost && outcome != sequencer.PayUnknown {
			w.seen.Voids++
			r.queue(sequencer.Command{Kind: sequencer.KindPayVoided, Order: v.Seq, Attempt: attempt, Outcome: outcome})
		}
		return nil
	}
	if !here {
		return nil
	}
	return w.returnPart(r, v, newest, lost)
}

// returnPart refunds the first part of a paid order whose money must go back.
func (w *world) returnPart(r *replica, v *sequencer.OrderView, key chargeKey, lost bool) error {
	for i, part := range v.Parts {
		if part.State != sequencer.PartDue {
			continue
		}
		asked := payment.Part{Number: uint8(i + 1), Refund: min(part.Fails+1, sequencer.RefundsMax), Amount: w.sales[v.Sale-1].price * int64(part.Quantity)}
		is := w.provider.returnPart(key, asked)
		w.seen.PartsReturned++
		switch {
		case is == nil || lost:
		case is.Back:
			r.queue(sequencer.Command{Kind: sequencer.KindPayVoided, Order: v.Seq, Attempt: v.Attempts, Outcome: sequencer.PayRefunded, Part: asked.Number})
		case is.Refund >= asked.Refund:
			w.partBounced(r, v, asked.Number, is.Refusal)
		}
		if asked.Refund > 1 {
			w.seen.PartsSentAgain++
		}
		break
	}
	return w.checkCaptured(v.Seq)
}

// partBounced tells that the newest refund of a part failed.
func (w *world) partBounced(r *replica, v *sequencer.OrderView, number uint8, why sequencer.PayReason) {
	w.seen.PartsBounced++
	refund := min(v.Parts[number-1].Fails+1, sequencer.RefundsMax)
	r.queue(sequencer.Command{Kind: sequencer.KindPayBounced, Order: v.Seq, Attempt: v.Attempts, Count: uint32(refund), Reason: why, Part: number})
}

// refundOf returns which refund of an attempt is due, or was sent last.
func refundOf(v *sequencer.OrderView, attempt uint8) uint8 {
	if v.Bounced&(1<<(attempt-1)) != 0 {
		return sequencer.RefundsMax
	}
	return 1
}

func (r *replica) bounced(order uint64, attempt, refund uint8, why sequencer.PayReason) {
	r.queue(sequencer.Command{Kind: sequencer.KindPayBounced, Order: order, Attempt: attempt, Count: uint32(refund), Reason: why})
}

// bounce lets one of the refunds fail, and the leader's desk hear of it, perhaps.
func (w *world) bounce(which int, final, lost bool) {
	why := sequencer.ReasonMethodGone
	if final {
		why = sequencer.ReasonDisputed
	}
	if order := w.provider.bounce(which, why); order != 0 && !lost && w.leader != nil {
		w.look(w.leader, order)
	}
}

// dispute lets a buyer have the bank take money back, and the leader's desk hear of it, perhaps.
func (w *world) dispute(which int, to sequencer.DisputeStatus, lost bool) {
	if order := w.provider.dispute(which, to); order != 0 && !lost && w.leader != nil {
		w.look(w.leader, order)
	}
}

// look compares an order's money with the books, as a comparison of all of them does, and
// reports whether some did not stay where it went.
func (w *world) look(r *replica, order uint64) (moved bool) {
	v, known := r.machine.Order(order)
	for attempt := uint8(1); known && attempt <= v.Attempts; attempt++ {
		key, here, free := w.chargeOf(r, order, attempt)
		if !here || free {
			continue
		}
		c := w.provider.charges[key]
		if c != nil && v.WasPaid() && attempt == v.Attempts && c.Dispute != v.Dispute {
			moved = true
			w.seen.Disputes++
			r.queue(sequencer.Command{Kind: sequencer.KindPayDisputed, Order: order, Attempt: attempt, Dispute: c.Dispute.Status, Amount: c.Dispute.Amount})
		}
		if c != nil && v.State == sequencer.StatePaid && v.Captured && attempt == v.Attempts {
			moved = w.lookAtParts(r, &v, c) || moved
		}
		if v.Voided&(1<<(attempt-1)) == 0 || c == nil || c.Phase != payment.Captured {
			continue
		}
		moved = true
		w.seen.Bounces++
		r.bounced(order, attempt, refundOf(&v, attempt), c.Refusal)
	}
	return moved
}

// lookAtParts compares the parts of a paid order whose money went back with the books.
func (w *world) lookAtParts(r *replica, v *sequencer.OrderView, c *charge) (moved bool) {
	for i, part := range v.Parts {
		if is := c.part(uint8(i + 1)); part.State == sequencer.PartReturned && is != nil && !is.Back {
			moved = true
			w.partBounced(r, v, uint8(i+1), is.Refusal)
		}
	}
	return moved
}

// unsettledPage bounds how many unsettled orders a desk looks at.
const unsettledPage = 64

// resolve asks for an outcome, and cancels an attempt that stays without one: after a while, or
// when its buyer, who is asked to authenticate, comes with another card.
func (w *world) resolve(r *replica, v *sequencer.OrderView, key chargeKey, lost, abandon bool) {
	if w.bug != nil && w.bug.chargeAgain {
		w.provider.authorise(chargeKey{key.account, v.Seq, v.Attempts + 100}, w.amountOf(v), payment.Authorised)
	}
	status := w.provider.find(key)
	if w.amountOf(v) == 0 {
		status.Phase = payment.Authorised
		w.seen.FreeResolved++
	}
	asked := status.Phase == payment.RequiresAction
	if status.Outcome() == sequencer.PayUnknown && (abandon || v.Overdue) {
		if w.bug != nil && w.bug.freeFirst {
			status.Phase = payment.Cancelled
		} else {
			status = w.provider.cancel(key, w.amountOf(v))
		}
	}
	switch {
	case asked && status.Phase == payment.RequiresAction:
		w.seen.KeptOpen++
	case asked:
		w.seen.OpenCancelled++
	}
	if !lost {
		r.tell(v.Seq, v.Attempts, status)
	}
}

// capture takes the money of an order that is paid, less that of parts which were refunded
// already. What the provider says that it took may be of before.
func (w *world) capture(r *replica, v *sequencer.OrderView, key chargeKey, lost bool) error {
	amount := w.amountOf(v)
	phase, taken := w.provider.capture(key, amount)
	if w.seen.Captures++; len(v.Parts) > 0 && taken == amount {
		w.seen.PartsSpared++
	}
	if !lost && phase == payment.Captured {
		r.queue(sequencer.Command{Kind: sequencer.KindPayCaptured, Order: v.Seq, Attempt: v.Attempts, Amount: taken})
	}
	return w.checkCaptured(v.Seq)
}
