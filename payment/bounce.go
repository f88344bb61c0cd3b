package payment

import (
	"context"

	"onsale/sequencer"
)

// A refund that was taken may fail days later. The provider tells (Notice), or a comparison of
// the books finds it: then the charge is asked about, and the failure is committed, by the
// number of the refund, so that it counts once. The state lets it be sent once more.

// refundOf returns which refund of an attempt is due, or was sent last, from 1.
func refundOf(v *sequencer.OrderView, number uint8) uint8 {
	if v.Bounced&(1<<(number-1)) != 0 {
		return sequencer.RefundsMax
	}
	return 1
}

// bounce commits that a refund failed.
func (d *Desk) bounce(order uint64, number, refund uint8, why sequencer.PayReason) {
	result, err := d.node.Decide(&sequencer.Command{Kind: sequencer.KindPayBounced, Order: order, Attempt: number, Count: uint32(refund), Reason: why})
	if err == nil && result.Code == sequencer.CodeOK {
		d.counters.bounced.Add(1)
		d.config.Logger.Error("a refund failed at the payment provider", "order", order, "attempt", number, "refund", refund, "reason", why.String())
		d.soon(order)
	}
}

// look asks about the money of an order that went back, and commits what has become of it; with
// disputed also about money that was accepted, and whether it is disputed. It returns at once when
// somebody works on the order, who asks anyway.
func (d *Desk) look(ctx context.Context, order uint64, disputed bool) {
	view, known := d.order(order)
	if !known || view.IsForeign() || view.Voided|view.Failed|moved(&view, disputed) == 0 && len(view.Parts) == 0 || !d.claim(order) {
		return
	}
	defer d.release(order)
	charge, shown := d.charge(&view, view.Attempts)
	if !shown || charge.Amount == 0 {
		return
	}
	if !d.isElsewhere(&charge) {
		d.lookAtParts(ctx, &view, charge)
	}
	for number := uint8(1); number <= view.Attempts; number++ {
		if (view.Voided|view.Failed|moved(&view, disputed))&(1<<(number-1)) == 0 {
			continue
		}
		of, _ := d.charge(&view, number)
		if d.isElsewhere(&of) {
			continue
		}
		status, err := d.calls.Find(ctx, of)
		if err != nil {
			d.config.Logger.Warn("the payment provider does not say what became of a charge", "order", order, "attempt", number, "error", err)
			continue
		}
		d.seen(&view, number, status)
	}
}

// moved has the bit of the attempt whose money was accepted, and so may have been captured, when it is asked for.
func moved(v *sequencer.OrderView, disputed bool) uint32 {
	if !disputed || !v.WasPaid() {
		return 0
	}
	return 1 << (v.Attempts - 1)
}

// seen commits what has become of an attempt's money, if that is news.
func (d *Desk) seen(v *sequencer.OrderView, number uint8, status Status) {
	bit := uint32(1) << (number - 1)
	if v.WasPaid() && number == v.Attempts {
		d.dispute(v, status.Dispute)
	}
	switch {
	case v.Failed&bit != 0 && status.Phase == Refunded:
		_, _ = d.node.Decide(&sequencer.Command{Kind: sequencer.KindPayVoided, Order: v.Seq, Attempt: number, Outcome: sequencer.PayRefunded}) // told again by the next look
	case v.Voided&bit != 0 && status.Phase == Captured && !status.Refunding:
		why := status.Refusal
		if why == sequencer.ReasonNone {
			why = sequencer.ReasonRefundLost
		}
		d.bounce(v.Seq, number, refundOf(v, number), why)
	}
}

// lookSoon is look beside the caller, unless as many orders are worked on as may be: then a
// comparison of the books finds what this does not.
func (d *Desk) lookSoon(order uint64, disputed bool) {
	select {
	case d.settlers <- struct{}{}:
	default:
		return
	}
	d.finished.Go(func() {
		defer func() { <-d.settlers }()
		d.look(context.Background(), order, disputed)
	})
}
