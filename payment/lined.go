package payment

import (
	"context"
	"time"
)

// linedProvider calls the provider when it is a call's turn. Waiting for it costs a call none
// of its time. What was begun is not cut off when the desk ends: its outcome would be lost for
// no gain.
type linedProvider struct {
	*meteredProvider
	line    *line
	timeout time.Duration // of a call
}

func lined[T any](ctx context.Context, p *linedProvider, turn uint64, call func(context.Context) (T, error)) (T, error) {
	return inLine(ctx, p.line, classOutcome, turn, func() (T, error) {
		ctx, cancel := context.WithTimeout(ctx, p.timeout)
		defer cancel()
		return call(ctx)
	})
}

// Find implements Provider.
func (p *linedProvider) Find(ctx context.Context, c Charge) (Status, error) {
	c, turn := c.sent()
	return lined(ctx, p, turn, func(ctx context.Context) (Status, error) { return p.meteredProvider.Find(ctx, c) })
}

// Cancel implements Provider.
func (p *linedProvider) Cancel(ctx context.Context, c Charge) (Status, error) {
	c, turn := c.sent()
	return lined(ctx, p, turn, func(ctx context.Context) (Status, error) { return p.meteredProvider.Cancel(ctx, c) })
}

// Return implements Provider.
func (p *linedProvider) Return(ctx context.Context, c Charge, refund uint8) (Status, error) {
	c, turn := c.sent()
	return lined(ctx, p, turn, func(ctx context.Context) (Status, error) {
		return p.meteredProvider.Return(ctx, c, refund)
	})
}

// ReturnPart implements Provider.
func (p *linedProvider) ReturnPart(ctx context.Context, c Charge, part Part) (Status, error) {
	c, turn := c.sent()
	return lined(ctx, p, turn, func(ctx context.Context) (Status, error) {
		return p.meteredProvider.ReturnPart(ctx, c, part)
	})
}

// Lookup implements Provider.
func (p *linedProvider) Lookup(ctx context.Context, key string) (*Entry, error) {
	return lined(ctx, p, 0, func(ctx context.Context) (*Entry, error) { return p.meteredProvider.Lookup(ctx, key) })
}

// page is one of the provider's books.
type page struct {
	entries []Entry
	next    string
}

// Ledger implements Provider.
func (p *linedProvider) Ledger(ctx context.Context, cursor string, limit int) ([]Entry, string, error) {
	read, err := inLine(ctx, p.line, classCapture, 0, func() (page, error) { // a long page may take its time
		entries, next, err := p.meteredProvider.Ledger(ctx, cursor, limit)
		return page{entries, next}, err
	})
	return read.entries, read.next, err
}

// authorise calls the provider for an attempt whose turn it is.
func (p *linedProvider) authorise(c Charge, method string) (Status, error) {
	ctx, cancel := context.WithTimeout(context.Background(), p.timeout)
	defer cancel()
	return p.Authorise(ctx, c, method)
}

// capture calls the provider for a capture whose turn it is.
func (p *linedProvider) capture(c Charge, amount int64) (Status, error) {
	ctx, cancel := context.WithTimeout(context.Background(), p.timeout)
	defer cancel()
	return p.Capture(ctx, c, amount)
}
