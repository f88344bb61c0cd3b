package paymenttest

import (
	"context"
	"errors"
	"sync"
	"time"

	"onsale/payment"
)

// ErrLost is what a caller sees of a call that did not arrive, or whose answer did not.
var ErrLost = errors.New("the connection broke")

// CallName says which of a provider's methods is called.
type CallName string

// The calls that may be faulty.
const (
	CallAuthorise CallName = "authorise"
	CallFind      CallName = "find"
	CallCapture   CallName = "capture"
	CallCancel    CallName = "cancel"
	CallReturn    CallName = "return"
)

// Fault is what befalls one call. The zero Fault is none.
type Fault struct {
	Before time.Duration // on its way to the provider; it arrives although the caller gave up
	After  time.Duration // of the answer, on its way back
	Unsent bool          // it does not arrive
	Lost   bool          // its answer does not arrive
	NotNow bool          // the provider does nothing, and says where the charge stands
	// Throttled: calls come too fast, and the provider does nothing but say so.
	Throttled bool
}

// Faulty is a provider behind a bad line.
type Faulty struct {
	payment.Provider
	// Fault says what befalls a call. It is called on the caller's goroutine.
	Fault func(CallName, payment.Charge) Fault
	// Arrived is called when a call was done, in the order of the provider; nil for none.
	Arrived func(CallName, payment.Charge, payment.Status)

	mu sync.Mutex // the provider gives capture, cancel and lapse one order
}

// Authorise implements payment.Provider.
func (f *Faulty) Authorise(ctx context.Context, c payment.Charge, method string) (payment.Status, error) {
	return f.call(ctx, CallAuthorise, c, func(ctx context.Context) (payment.Status, error) {
		return f.Provider.Authorise(ctx, c, method)
	})
}

// Find implements payment.Provider.
func (f *Faulty) Find(ctx context.Context, c payment.Charge) (payment.Status, error) {
	return f.call(ctx, CallFind, c, func(ctx context.Context) (payment.Status, error) {
		return f.Provider.Find(ctx, c)
	})
}

// Capture implements payment.Provider.
func (f *Faulty) Capture(ctx context.Context, c payment.Charge, amount int64) (payment.Status, error) {
	return f.call(ctx, CallCapture, c, func(ctx context.Context) (payment.Status, error) {
		return f.Provider.Capture(ctx, c, amount)
	})
}

// Cancel implements payment.Provider.
func (f *Faulty) Cancel(ctx context.Context, c payment.Charge) (payment.Status, error) {
	return f.call(ctx, CallCancel, c, func(ctx context.Context) (payment.Status, error) {
		return f.Provider.Cancel(ctx, c)
	})
}

// Return implements payment.Provider.
func (f *Faulty) Return(ctx context.Context, c payment.Charge, refund uint8) (payment.Status, error) {
	return f.call(ctx, CallReturn, c, func(ctx context.Context) (payment.Status, error) {
		return f.Provider.Return(ctx, c, refund)
	})
}

// ReturnPart implements payment.Provider.
func (f *Faulty) ReturnPart(ctx context.Context, c payment.Charge, part payment.Part) (payment.Status, error) {
	fault := f.Fault(CallReturn, c)
	if fault.NotNow {
		part.Refund, fault.NotNow = 0, false // it says where the part stands
	}
	return f.travel(ctx, CallReturn, c, fault, func(ctx context.Context) (payment.Status, error) {
		return f.Provider.ReturnPart(ctx, c, part)
	})
}

// Lapse lets an authorisation end by itself, as it does when nobody captures it for
// long; false when the charge is not authorised.
func (f *Faulty) Lapse(ctx context.Context, c payment.Charge) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	status, err := f.Provider.Find(ctx, c)
	if err != nil || status.Phase != payment.Authorised {
		return false
	}
	_, err = f.Provider.Cancel(ctx, c)
	return err == nil
}

// lies are what comes with an error: it says nothing, so that nobody may believe it.
var lies = map[CallName]payment.Status{
	CallAuthorise: {Phase: payment.Authorised}, CallFind: {Phase: payment.Authorised},
	CallCapture: {Phase: payment.Captured}, CallCancel: {Phase: payment.Cancelled}, CallReturn: {Phase: payment.Refunded},
}

type reply struct {
	status payment.Status
	err    error
}

func (f *Faulty) call(ctx context.Context, name CallName, c payment.Charge,
	do func(context.Context) (payment.Status, error),
) (payment.Status, error) {
	return f.travel(ctx, name, c, f.Fault(name, c), do)
}

// travel lets a call travel on a goroutine of its own, so that it arrives although its
// caller waits no more.
func (f *Faulty) travel(ctx context.Context, name CallName, c payment.Charge, fault Fault,
	do func(context.Context) (payment.Status, error),
) (payment.Status, error) {
	replies := make(chan reply, 1)
	go func() {
		time.Sleep(fault.Before)
		if fault.Throttled {
			replies <- reply{lies[name], &payment.Throttled{After: throttlePause, Err: errTooFast}}
			return
		}
		if fault.Unsent {
			replies <- reply{lies[name], ErrLost}
			return
		}

		status, err := f.arrive(context.WithoutCancel(ctx), name, c, fault.NotNow, do)
		time.Sleep(fault.After)
		if fault.Lost {
			status, err = lies[name], ErrLost
		}
		replies <- reply{status, err}
	}()

	select {
	case r := <-replies:
		return r.status, r.err
	case <-ctx.Done():
		return lies[name], ctx.Err()
	}
}

func (f *Faulty) arrive(ctx context.Context, name CallName, c payment.Charge, notNow bool,
	do func(context.Context) (payment.Status, error),
) (status payment.Status, err error) {
	if name != CallAuthorise { // which may wait for its outcome
		f.mu.Lock()
		defer f.mu.Unlock()
	}
	if notNow {
		do = func(ctx context.Context) (payment.Status, error) { return f.Provider.Find(ctx, c) }
	}
	status, err = do(ctx)
	if err == nil && f.Arrived != nil {
		f.Arrived(name, c, status)
	}
	return status, err
}
