package sandbox

import (
	"context"
	"slices"
	"time"

	"onsale/payment"
	"onsale/sequencer"
)

// ReturnPart implements payment.Provider.
func (b *Books) ReturnPart(_ context.Context, c payment.Charge, part payment.Part) (payment.Status, error) {
	if err := b.admit(); err != nil {
		return payment.Status{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	known, err := b.entryOf(c)
	if err != nil || known == nil {
		return payment.Status{Phase: payment.Unknown}, err
	}
	e, left := *known, known.CapturedAmount-known.RefundedAmount
	if was := statusOfPart(&e, part.Number); e.Phase != payment.Captured || was.Refunds >= part.Refund || part.Amount < 1 || part.Amount > left {
		return was, nil
	}
	b.refundPart(&e, part)
	if _, err := b.keep(e); err != nil {
		return payment.Status{}, err
	}
	b.notify(c.Key, 1)
	return statusOfPart(&e, part.Number), nil
}

// statusOfPart returns how a part of a charge stands.
func statusOfPart(e *payment.Entry, number uint8) payment.Status {
	status := payment.Status{Phase: e.Phase}
	i := slices.IndexFunc(e.Parts, func(p payment.PartStatus) bool { return p.Number == number })
	if e.Phase != payment.Captured || i < 0 {
		return status
	}
	if status.Refunds, status.Refusal = e.Parts[i].Refund, e.Parts[i].Refusal; e.Parts[i].Back {
		status.Phase = payment.Refunded
	}
	return status
}

// refundPart sends a refund of a part, which the charge's method may let fail. The caller
// holds the lock.
func (b *Books) refundPart(e *payment.Entry, part payment.Part) {
	does := behaviourOf(e.Method)
	e.Parts = slices.DeleteFunc(slices.Clone(e.Parts), func(p payment.PartStatus) bool { return p.Number == part.Number })
	refusal := refusalOf(e, does)
	e.Parts = append(e.Parts, payment.PartStatus{Part: part, Refusal: refusal, Back: refusal == sequencer.ReasonNone})
	if refusal != sequencer.ReasonNone {
		return
	}
	if e.RefundedAmount += part.Amount; e.RefundedAmount == e.CapturedAmount {
		e.Phase = payment.Refunded
	}
	if part.Refund <= does.bounces {
		b.afterwards(does.bounceAfter, func() { b.FailPart(e.Key, part.Number, sequencer.ReasonRefundDeclined) })
	}
}

// afterwards does something later, unless the books are closed before.
func (b *Books) afterwards(later time.Duration, do func()) {
	b.finished.Go(func() {
		timer := time.NewTimer(later)
		defer timer.Stop()
		select {
		case <-timer.C:
			do()
		case <-b.stop:
		}
	})
}

// FailPart lets the newest refund of a part fail, as banks do days later; false when there is
// none.
func (b *Books) FailPart(key string, number uint8, why sequencer.PayReason) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	known := b.byKey[key]
	if known == nil {
		return false
	}
	e := *known
	e.Parts = slices.Clone(e.Parts)
	i := slices.IndexFunc(e.Parts, func(p payment.PartStatus) bool { return p.Number == number && p.Back })
	if i < 0 {
		return false
	}
	e.Parts[i].Back, e.Parts[i].Refusal = false, why
	e.Phase, e.RefundedAmount = payment.Captured, e.RefundedAmount-e.Parts[i].Amount
	if _, err := b.keep(e); err != nil {
		return false
	}
	b.notify(key, 1)
	return true
}
