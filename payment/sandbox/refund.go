package sandbox

import (
	"context"

	"onsale/payment"
	"onsale/sequencer"
)

// refundRest gives back what is left of a charge.
func refundRest(e *payment.Entry) {
	e.Rest = e.CapturedAmount - e.RefundedAmount
	e.Phase, e.RefundedAmount = payment.Refunded, e.CapturedAmount
}

// Return implements payment.Provider.
func (b *Books) Return(_ context.Context, c payment.Charge, refund uint8) (payment.Status, error) {
	if err := b.admit(); err != nil {
		return payment.Status{}, err
	}
	return b.change(c, func(e *payment.Entry) {
		switch {
		case e.Phase == payment.Processing || e.Phase == payment.RequiresAction || e.Phase == payment.Authorised:
			e.Phase = payment.Cancelled
		case e.Phase == payment.Captured && e.Refunds < refund:
			b.refund(e, refund)
		}
	})
}

// refund sends a refund, which the charge's method may let fail. The caller holds the lock.
func (b *Books) refund(e *payment.Entry, refund uint8) {
	does := behaviourOf(e.Method)
	e.Refunds, e.Refusal = refund, refusalOf(e, does)
	if e.Refusal != sequencer.ReasonNone {
		return
	}
	refundRest(e)
	if key := e.Key; refund <= does.bounces {
		b.afterwards(does.bounceAfter, func() { b.FailRefund(key, sequencer.ReasonRefundDeclined) })
	}
}

// refusalOf returns why a refund of a charge is refused at once; ReasonNone when it is not.
func refusalOf(e *payment.Entry, does behaviour) sequencer.PayReason {
	if e.Dispute.Status != sequencer.DisputeNone && e.Dispute.Status != sequencer.DisputeWon {
		return sequencer.ReasonDisputed
	}
	return does.refusal
}

// FailRefund lets the newest refund of a charge fail, as banks do days later; false when there
// is none.
func (b *Books) FailRefund(key string, why sequencer.PayReason) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	known := b.byKey[key]
	if known == nil || known.Phase != payment.Refunded {
		return false
	}
	e := *known
	e.Phase, e.RefundedAmount, e.Refusal = payment.Captured, e.RefundedAmount-e.Rest, why
	e.Rest = 0
	if _, err := b.keep(e); err != nil {
		return false
	}
	b.notify(key, 1)
	return true
}

// RefundPart gives a part of a captured charge back, as somebody does on a provider's own page;
// all of it when that is what is left. It reports false when there is not as much.
func (b *Books) RefundPart(key string, amount int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	known := b.byKey[key]
	if known == nil || known.Phase != payment.Captured || amount < 1 || amount > known.CapturedAmount-known.RefundedAmount {
		return false
	}
	e := *known
	if e.RefundedAmount += amount; e.RefundedAmount == e.CapturedAmount {
		e.Phase, e.Rest = payment.Refunded, amount
	}
	if _, err := b.keep(e); err != nil {
		return false
	}
	b.notify(key, 1)
	return true
}
