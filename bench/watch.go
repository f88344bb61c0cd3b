package bench

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"onsale/api/contract"
)

// WatchOptions says what cluster to watch, for how long, and what it does meanwhile.
type WatchOptions struct {
	Setup
	FrontEnds  int // processes that the buys go through
	For, Every time.Duration
	// Rate is how many buyers arrive a second, over HTTP at the front-ends; 0 for an idle
	// cluster.
	Rate        int
	Connections int
	Tickets     uint32
	Hold        time.Duration // nobody pays, so all tickets come back after it
}

// DefaultWatchOptions is an idle hour.
func DefaultWatchOptions() WatchOptions {
	return WatchOptions{Setup: Setup{Nodes: 3, Log: io.Discard}, FrontEnds: 1, For: time.Hour, Every: 5 * time.Second,
		Connections: 256, Tickets: 100_000, Hold: 5 * time.Minute}
}

// looksMax bounds what is kept in memory, and drawn.
const looksMax = 20_000

// Validate returns ErrOptions when an option breaks its bound.
func (o *WatchOptions) Validate() error {
	switch {
	case o.FrontEnds < 1 || o.FrontEnds > nodesMax:
		return fmt.Errorf("%w: 1 to %d front-ends", ErrOptions, nodesMax)
	case o.Every < 100*time.Millisecond || o.For < o.Every || o.For/o.Every > looksMax:
		return fmt.Errorf("%w: a look every %v for %v; at least 100ms, and at most %d looks", ErrOptions, o.Every, o.For, looksMax)
	case o.Rate < 0 || o.Rate > rateMax || o.Connections < o.FrontEnds || o.Connections > connectionsMax:
		return fmt.Errorf("%w: up to %d arrivals a second, over up to %d connections", ErrOptions, rateMax, connectionsMax)
	case o.Tickets < 1 || o.Hold < time.Second:
		return fmt.Errorf("%w: at least one ticket, and a hold of a second", ErrOptions)
	}
	return o.check(1)
}

// RunWatch watches a temporary cluster. It leaves no process behind.
func RunWatch(ctx context.Context, o WatchOptions) (*WatchReport, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	r := &WatchReport{}
	return r, o.run(ctx, 0, &r.Ending, func(c *cluster) error { return o.watch(ctx, c, r) })
}

// watch looks at the cluster until the time is over.
func (o *WatchOptions) watch(ctx context.Context, c *cluster, r *WatchReport) error {
	sale := contract.NewSale{ID: "watch", Quantity: o.Tickets, Hold: new(contract.Duration(o.Hold))}
	if _, _, err := c.createSale(ctx, sale); err != nil {
		return err
	}
	if err := c.startFrontEnds(ctx, o.FrontEnds); err != nil {
		return err
	}
	fmt.Fprintf(o.Log, "watching for %v\n", o.For)
	w := newWatcher(o, c)
	group, running := errgroup.WithContext(ctx)
	group.Go(func() error { return w.run(running) })
	if o.Rate > 0 {
		group.Go(func() error { return w.press(running) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	*r = *w.report()
	return nil
}

// press lets buyers arrive at the front-ends for as long as is watched.
func (w *watcher) press(ctx context.Context) error {
	o := w.options
	l := &load{LoadOptions: LoadOptions{Secret: w.cluster.secret, Sale: "watch", Quantity: 1, Requests: 1 << 62, Connections: o.Connections,
		Rate: o.Rate, Duration: o.For, Timeout: 10 * time.Second}, tolerant: true}
	for _, f := range w.cluster.frontEnds {
		l.Addresses = append(l.Addresses, f.http)
	}
	w.load.Store(l)
	m, err := l.run(ctx)
	if err == nil {
		w.pressed = &WatchLoad{m.all().over(m.took()), millis(m.lag)}
	}
	return err
}

// startFrontEnds starts front-ends of the cluster and waits until each takes requests.
func (c *cluster) startFrontEnds(ctx context.Context, count int) error {
	for i := range count {
		f, err := c.plan("f" + strconv.Itoa(i+1))
		if err != nil {
			return err
		}
		if err := c.startProcess(f, []string{"frontend", "--id", f.id, "--cluster", strings.Join(c.peers(), ",")}, nil); err != nil {
			return err
		}
		c.frontEnds = append(c.frontEnds, f)
		if err := c.awaitReady(ctx, f, electionMax); err != nil {
			return err
		}
	}
	return nil
}
