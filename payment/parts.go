package payment

import (
	"context"

	"onsale/sequencer"
)

// Of an order of several tickets some may be refunded. Before the capture less is captured
// (capture). After it each part goes back by itself, under its number: whoever dies, and
// whichever leader goes on, a refund of a part that was sent is not sent again. Once the rest
// of the order is refunded too, Return gives back what is left of the charge, parts and all.

// partOf returns a part of an order as the provider is asked for it. c is the charge of the
// attempt that paid.
func partOf(v *sequencer.OrderView, number uint8, c Charge) Part {
	is := v.Parts[number-1]
	price := c.priceOf(v, v.Attempts)
	return Part{Number: number, Refund: min(is.Fails+1, sequencer.RefundsMax), Amount: price * int64(is.Quantity)}
}

// returnParts gives the parts of a paid and captured order back whose money is due.
func (d *Desk) returnParts(v *sequencer.OrderView, c Charge) {
	if v.State != sequencer.StatePaid || !v.Captured {
		return
	}
	for number := uint8(1); int(number) <= len(v.Parts); number++ {
		if v.Parts[number-1].State == sequencer.PartDue {
			d.returnPart(v, c, partOf(v, number, c))
		}
	}
}

// returnPart gives one of them back, and commits that it went, or that it failed.
func (d *Desk) returnPart(v *sequencer.OrderView, c Charge, part Part) {
	status, err := d.calls.ReturnPart(context.Background(), c, part)
	switch {
	case err == nil && status.Phase == Refunded:
		d.config.Reached(StepCancelled)
		d.partBack(v, part)
	case err == nil && status.Phase == Captured && status.Refunds >= part.Refund && status.Refusal != sequencer.ReasonNone:
		d.bouncePart(v, part.Number, status.Refusal)
	case err == nil && status.Phase != Captured:
		d.setDenied(v.Seq, v.Attempts)
		d.config.Logger.Error("a part of captured money must go back that the payment provider says it never took; it stays due", "payment", c.Key, "part", part.Number, "phase", status.Phase)
	default:
		d.config.Logger.Warn("a part that must go back has not gone yet; it is tried again", "payment", c.Key, "part", part.Number, "error", err)
	}
}

// partBack commits that the money of a part is back.
func (d *Desk) partBack(v *sequencer.OrderView, part Part) {
	result, err := d.node.Decide(&sequencer.Command{Kind: sequencer.KindPayVoided, Order: v.Seq, Attempt: v.Attempts, Outcome: sequencer.PayRefunded, Part: part.Number})
	if err == nil && result.Code == sequencer.CodeOK {
		d.counters.voided.Add(1)
		d.config.Reached(StepVoided)
	}
}

// bouncePart commits that the refund of a part failed that was sent last.
func (d *Desk) bouncePart(v *sequencer.OrderView, number uint8, why sequencer.PayReason) {
	refund := min(v.Parts[number-1].Fails+1, sequencer.RefundsMax)
	result, err := d.node.Decide(&sequencer.Command{Kind: sequencer.KindPayBounced, Order: v.Seq, Attempt: v.Attempts, Count: uint32(refund), Reason: why, Part: number})
	if err == nil && result.Code == sequencer.CodeOK {
		d.counters.bounced.Add(1)
		d.config.Logger.Error("the refund of a part failed at the payment provider", "order", v.Seq, "part", number, "refund", refund, "reason", why.String())
		d.soon(v.Seq)
	}
}

// lookAtParts asks about the parts of a paid order whose money went back, or could not, and
// commits what has become of it.
func (d *Desk) lookAtParts(ctx context.Context, v *sequencer.OrderView, c Charge) {
	if v.State != sequencer.StatePaid || !v.Captured {
		return
	}
	for i, is := range v.Parts {
		number := uint8(i + 1)
		returned := is.State == sequencer.PartReturned
		if !returned && is.State != sequencer.PartFailed && is.State != sequencer.PartAcknowledged {
			continue
		}
		part := partOf(v, number, c)
		part.Refund = 0 // it asks alone
		status, err := d.calls.ReturnPart(ctx, c, part)
		switch {
		case err != nil:
			d.config.Logger.Warn("the payment provider does not say what became of a refund", "payment", c.Key, "part", number, "error", err)
		case !returned && status.Phase == Refunded:
			d.partBack(v, part)
		case returned && status.Phase == Captured && !status.Refunding:
			why := status.Refusal
			if why == sequencer.ReasonNone {
				why = sequencer.ReasonRefundLost
			}
			d.bouncePart(v, number, why)
		}
	}
}
