package paymenttest

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"onsale/payment"
)

var errTooFast = errors.New("calls come too fast")

const (
	// throttleEvery is which calls are refused, throttlesMax how many, and throttlePause the time
	// that each names.
	throttleEvery, throttlesMax = 3, 12
	throttlePause               = 5 * time.Millisecond
	// throttledRate is what a desk takes for the provider's rate, calls a second: a quarter of it
	// is left when all were refused, so that the line stays short.
	throttledRate = 1000
)

// throttling is a provider that refuses every third call with a 429, the first one too.
type throttling struct {
	payment.Provider
	calls atomic.Int64
}

func (p *throttling) guarded(do func() (payment.Status, error)) (payment.Status, error) {
	if nth := p.calls.Add(1); nth%throttleEvery == 1 && nth < throttleEvery*throttlesMax {
		return payment.Status{}, &payment.Throttled{After: throttlePause, Err: errTooFast}
	}
	return do()
}

// Authorise implements payment.Provider.
func (p *throttling) Authorise(ctx context.Context, c payment.Charge, method string) (payment.Status, error) {
	return p.guarded(func() (payment.Status, error) { return p.Provider.Authorise(ctx, c, method) })
}

// Find implements payment.Provider.
func (p *throttling) Find(ctx context.Context, c payment.Charge) (payment.Status, error) {
	return p.guarded(func() (payment.Status, error) { return p.Provider.Find(ctx, c) })
}

// Capture implements payment.Provider.
func (p *throttling) Capture(ctx context.Context, c payment.Charge, amount int64) (payment.Status, error) {
	return p.guarded(func() (payment.Status, error) { return p.Provider.Capture(ctx, c, amount) })
}

// Cancel implements payment.Provider.
func (p *throttling) Cancel(ctx context.Context, c payment.Charge) (payment.Status, error) {
	return p.guarded(func() (payment.Status, error) { return p.Provider.Cancel(ctx, c) })
}

// Return implements payment.Provider.
func (p *throttling) Return(ctx context.Context, c payment.Charge, refund uint8) (payment.Status, error) {
	return p.guarded(func() (payment.Status, error) { return p.Provider.Return(ctx, c, refund) })
}

// ReturnPart implements payment.Provider.
func (p *throttling) ReturnPart(ctx context.Context, c payment.Charge, part payment.Part) (payment.Status, error) {
	return p.guarded(func() (payment.Status, error) { return p.Provider.ReturnPart(ctx, c, part) })
}
