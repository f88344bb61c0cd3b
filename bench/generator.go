package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"onsale/api/client"
	"onsale/api/contract"
	"onsale/sequencer"
)

// LoadOptions says which load to send to servers that run already, ours or others that
// speak the buy of the HTTP contract.
type LoadOptions struct {
	// Addresses are the servers'; connections are spread over them.
	Addresses []string
	Secret    []byte // of the buyers' tokens
	Sale      string // "" for the only one
	Quantity  int    // tickets that each buyer asks for
	// First is before the number of the first buyer: each run needs buyers of its own, or
	// the servers know their keys already. 0 takes the time of day.
	First       uint64
	Connections int // keep-alive, one request at a time each
	// Rate is how many buyers arrive a second (open loop), 0 for the next one when the
	// last one was answered (closed loop).
	Rate     int
	Requests uint64        // at most; 0 for as many as there is time for
	Duration time.Duration // in which buyers come, warm-up included; 0 of a load of ours for until all came
	WarmUp   time.Duration // at its beginning, in which nothing is counted
	// Timeout is of one try; 0 for as long as RetryMax. Who arrived is given up so long after
	// the last arrival.
	Timeout time.Duration
	// RetryMax is how long a buyer without a decision tries again with the same key; 0 for a
	// single try.
	RetryMax time.Duration
	Progress Progress
}

// Progress is told while a load runs how many were answered and which part of it is over, 0
// to 1; nil for nobody. It is called by one goroutine at a time.
type Progress func(answered uint64, part float64)

// DefaultLoadOptions is half a minute of a closed loop.
func DefaultLoadOptions() LoadOptions {
	return LoadOptions{Quantity: 1, Connections: 64, Duration: 30 * time.Second, WarmUp: 2 * time.Second,
		Timeout: 10 * time.Second}
}

// Bounds of a load.
const (
	connectionsMax = 20_000
	rateMax        = 1_000_000
	durationMax    = 24 * time.Hour
)

// Validate returns ErrOptions when an option breaks its bound.
func (o *LoadOptions) Validate() error {
	switch {
	case o.Connections < 1 || o.Connections > connectionsMax:
		return fmt.Errorf("%w: %d connections, allowed are 1 to %d", ErrOptions, o.Connections, connectionsMax)
	case len(o.Addresses) < 1 || len(o.Addresses) > o.Connections:
		return fmt.Errorf("%w: %d addresses; at least one is needed, and a connection for each", ErrOptions, len(o.Addresses))
	case o.Quantity < 1 || o.Quantity > sequencer.CapMax:
		return fmt.Errorf("%w: quantity is %d, allowed is 1 to %d", ErrOptions, o.Quantity, sequencer.CapMax)
	case o.Rate < 0 || o.Rate > rateMax:
		return fmt.Errorf("%w: %d arrivals a second, allowed are 1 to %d, or 0 for a closed loop", ErrOptions,
			o.Rate, rateMax)
	case o.Duration <= 0 || o.Duration > durationMax:
		return fmt.Errorf("%w: a duration of %v, allowed is up to %v", ErrOptions, o.Duration, durationMax)
	case o.WarmUp < 0 || o.WarmUp >= o.Duration:
		return fmt.Errorf("%w: a warm-up of %v in a run of %v leaves nothing to count", ErrOptions, o.WarmUp,
			o.Duration)
	case o.Timeout <= 0 || o.Timeout > time.Minute || o.RetryMax < 0 || o.RetryMax > time.Hour:
		return fmt.Errorf("%w: a time-out of %v and retries for %v, allowed are up to a minute and an hour", ErrOptions,
			o.Timeout, o.RetryMax)
	}
	return nil
}

// RunLoad sends the load and returns what was measured.
func RunLoad(ctx context.Context, o LoadOptions) (*LoadReport, error) {
	if o.First == 0 {
		o.First = uint64(time.Now().UnixMicro())
	}
	if err := o.Validate(); err != nil {
		return nil, err
	}
	l := &load{LoadOptions: o, tolerant: true}
	if l.Requests == 0 {
		l.Requests = 1 << 62
	}
	if err := l.mustRehearse(ctx); err != nil {
		return nil, err
	}
	began := cpu(os.Getpid())
	m, err := l.run(ctx)
	if err != nil {
		return nil, err
	}
	return newLoadReport(l, m, cpu(os.Getpid())-began), nil
}

// ErrRealSale is returned instead of loading a sale at which people buy.
var ErrRealSale = errors.New("the sale is no test")

// mustRehearse returns ErrRealSale when the sale that would be loaded is of ours and not made as a
// test. Other servers, which have no such route, are for who runs them to judge; one that does not
// answer is reached by no load either.
func (l *load) mustRehearse(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, l.Timeout)
	defer cancel()
	buyer, err := client.New(client.Config{Address: l.Addresses[0]})
	if err != nil {
		return err
	}
	sale, err := l.saleOf(ctx, buyer)
	if err == nil && sale != nil && !sale.Test {
		return fmt.Errorf("%w: %s at %s; load one that was made with --test", ErrRealSale, sale.UID, l.Addresses[0])
	}
	return nil
}

// saleOf returns the sale that is loaded; nil when it is not one alone.
func (l *load) saleOf(ctx context.Context, buyer *client.Client) (*contract.Sale, error) {
	if l.Sale != "" {
		return buyer.Ticket(ctx, l.Sale)
	}
	page, err := buyer.Tickets(ctx, 2, "")
	if err != nil || len(page.Tickets) != 1 {
		return nil, err
	}
	return &page.Tickets[0], nil
}

// part is how much of the load is over: of its buyers, or of its time when that ends it.
func (l *load) part() float64 {
	part := float64(l.answered.Load()) / float64(max(1, l.Requests))
	if l.Duration > 0 {
		part = max(part, time.Since(l.started).Seconds()/l.Duration.Seconds())
	}
	return min(1, part)
}
