package payment

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"onsale/internal/metric"
)

// The calls to a provider that go over the network.
const (
	callAuthorise = iota
	callFind
	callCapture
	callCancel
	callLedger
	callLookup
	callReturn
	callAccount
	callCount
)

var callNames = [callCount]string{"authorise", "find", "capture", "cancel", "ledger", "lookup", "return", "account"}

// meteredProvider counts a provider's answers, and how long they took.
type meteredProvider struct {
	Provider
	answered, failed [callCount]atomic.Uint64
	throttled        [callCount]atomic.Uint64 // neither: nothing happened, and the provider is there
	conflicts        [callCount]atomic.Uint64 // of the answered ones: the charge is another's
	times            [callCount]metric.Times
	failing          atomic.Int64 // calls that failed since the last answer
	reach            reach
	accountKnown
}

// failingMin is after how many calls without an answer a provider counts as failing.
const failingMin = 3

// errFailing is what a node says of a provider that does not answer.
var errFailing = errors.New("the payment provider does not answer")

// ProviderErr returns an error while the provider has not answered the last calls of
// this desk; a desk whose node does not lead calls nobody.
func (d *Desk) ProviderErr() error {
	if failing := d.metered.failing.Load(); failing >= failingMin {
		return fmt.Errorf("%w: %d calls failed since the last answer", errFailing, failing)
	}
	return nil
}

// note counts one call, for an order or for none. A conflict is an answer: the provider is
// well, and we are not.
func (m *meteredProvider) note(call int, order string, began time.Time, err error) {
	m.times[call].Observe(time.Since(began))
	m.reach.note(order, began, err)
	if errors.Is(err, ErrConflict) {
		m.conflicts[call].Add(1)
	}
	switch {
	case errors.Is(err, ErrThrottled):
		m.throttled[call].Add(1)
		m.failing.Store(0)
	case isAnswer(err):
		m.answered[call].Add(1)
		m.failing.Store(0)
	default:
		m.failed[call].Add(1)
		m.failing.Add(1)
	}
}

// ask makes a call about a charge, which must be of the provider's own account, and counts it.
func (m *meteredProvider) ask(ctx context.Context, call int, c Charge, do func() (Status, error)) (Status, error) {
	if err := m.ours(ctx, &c); err != nil {
		return Status{}, err
	}
	began := time.Now()
	status, err := do()
	m.note(call, c.Order, began, err)
	return status, err
}

func (m *meteredProvider) Authorise(ctx context.Context, c Charge, method string) (Status, error) {
	return m.ask(ctx, callAuthorise, c, func() (Status, error) { return m.Provider.Authorise(ctx, c, method) })
}

func (m *meteredProvider) Find(ctx context.Context, c Charge) (Status, error) {
	return m.ask(ctx, callFind, c, func() (Status, error) { return m.Provider.Find(ctx, c) })
}

func (m *meteredProvider) Capture(ctx context.Context, c Charge, amount int64) (Status, error) {
	return m.ask(ctx, callCapture, c, func() (Status, error) { return m.Provider.Capture(ctx, c, amount) })
}

func (m *meteredProvider) Cancel(ctx context.Context, c Charge) (Status, error) {
	return m.ask(ctx, callCancel, c, func() (Status, error) { return m.Provider.Cancel(ctx, c) })
}

func (m *meteredProvider) Return(ctx context.Context, c Charge, refund uint8) (Status, error) {
	return m.ask(ctx, callReturn, c, func() (Status, error) { return m.Provider.Return(ctx, c, refund) })
}

func (m *meteredProvider) ReturnPart(ctx context.Context, c Charge, part Part) (Status, error) {
	return m.ask(ctx, callReturn, c, func() (Status, error) { return m.Provider.ReturnPart(ctx, c, part) })
}

func (m *meteredProvider) Lookup(ctx context.Context, key string) (*Entry, error) {
	began := time.Now()
	entry, err := m.Provider.Lookup(ctx, key)
	m.note(callLookup, "", began, err)
	return entry, err
}

func (m *meteredProvider) Ledger(ctx context.Context, cursor string, limit int) ([]Entry, string, error) {
	began := time.Now()
	entries, next, err := m.Provider.Ledger(ctx, cursor, limit)
	m.note(callLedger, "", began, err)
	return entries, next, err
}
