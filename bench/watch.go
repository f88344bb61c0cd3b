package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"onsale/internal/procs"
)

// WatchOptions says what cluster to watch, for how long, and what it does meanwhile.
type WatchOptions struct {
	Program    string
	DataParent string
	Nodes      int
	FrontEnds  int // processes that the buys go through
	For, Every time.Duration
	// Rate is how many buyers arrive a second, over HTTP at the front-ends; 0 for an idle
	// cluster.
	Rate        int
	Connections int
	Tickets     uint32
	Hold        time.Duration // nobody pays, so all tickets come back after it
	// Busy is how many programs that only use the processor run beside, with BusyNice
	// subtracted from their priority.
	Busy, BusyNice int
	NodeFlags      []string // further ones of the nodes
	Log            io.Writer
}

// DefaultWatchOptions is an idle hour.
func DefaultWatchOptions() WatchOptions {
	return WatchOptions{Nodes: 3, FrontEnds: 1, For: time.Hour, Every: 5 * time.Second, Connections: 256, Tickets: 100_000,
		Hold: 5 * time.Minute, Log: io.Discard}
}

// Bounds of a watch: what is kept in memory, and drawn.
const (
	samplesMax = 20_000
	busyMax    = 64
)

// Validate returns ErrOptions when an option breaks its bound.
func (o *WatchOptions) Validate() error {
	switch {
	case o.Nodes < 1 || o.Nodes > 9 || o.FrontEnds < 1 || o.FrontEnds > 9:
		return fmt.Errorf("%w: 1 to 9 nodes and 1 to 9 front-ends", ErrOptions)
	case o.Every < 100*time.Millisecond || o.For < o.Every || o.For/o.Every > samplesMax:
		return fmt.Errorf("%w: a look every %v for %v; at least 100ms, and at most %d looks", ErrOptions, o.Every, o.For, samplesMax)
	case o.Rate < 0 || o.Rate > rateMax || o.Connections < o.FrontEnds || o.Connections > connectionsMax:
		return fmt.Errorf("%w: up to %d arrivals a second, over up to %d connections", ErrOptions, rateMax, connectionsMax)
	case o.Tickets < 1 || o.Hold < time.Second:
		return fmt.Errorf("%w: at least one ticket, and a hold of a second", ErrOptions)
	case o.Busy < 0 || o.Busy > busyMax || o.BusyNice < 0 || o.BusyNice > 19:
		return fmt.Errorf("%w: up to %d busy programs, of a niceness of 0 to 19", ErrOptions, busyMax)
	}
	return nil
}

// RunWatch watches a temporary cluster. It leaves no process behind.
func RunWatch(ctx context.Context, o WatchOptions) (r *WatchReport, err error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	secret := randomSecret()
	options := clusterOptions{program: o.Program, parent: o.DataParent, nodes: o.Nodes, secret: secret, flags: o.NodeFlags}
	audits, err := onCluster(ctx, options, o.Log, func(c *cluster) error {
		r, err = o.watch(ctx, c, secret)
		return err
	})
	if err != nil {
		return nil, err
	}
	r.Audits = audits
	return r, nil
}

// watch looks at the cluster until the time is over.
func (o *WatchOptions) watch(ctx context.Context, c *cluster, secret []byte) (*WatchReport, error) {
	sale := SaleOptions{Tickets: o.Tickets, Hold: o.Hold}
	if _, _, err := c.createSale(ctx, "watch", &sale); err != nil {
		return nil, err
	}
	if err := c.startFrontEnds(ctx, o.Program, o.FrontEnds); err != nil {
		return nil, err
	}
	busy, err := startBusy(o.Busy, o.BusyNice)
	defer func() {
		for _, p := range busy {
			p.Kill()
		}
	}()
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(o.Log, "watching for %v\n", o.For)
	w := newWatcher(o, c)
	group, running := errgroup.WithContext(ctx)
	group.Go(func() error { return w.run(running) })
	if o.Rate > 0 {
		group.Go(func() error { return o.press(running, c, secret, w) })
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	r := w.report()
	r.Replicas, err = c.converge(ctx)
	return r, err
}

// press lets buyers arrive at the front-ends for as long as is watched.
func (o *WatchOptions) press(ctx context.Context, c *cluster, secret []byte, w *watcher) error {
	l := &load{secret: secret, sale: "watch", quantity: 1, buyers: 1 << 62, connections: o.Connections, rate: o.Rate, duration: o.For,
		addresses: c.doors(), retryMax: 0, timeout: 10 * time.Second, tolerant: true}
	w.load.Store(l)
	m, err := l.run(ctx)
	if err == nil {
		w.pressed = &WatchLoad{phaseReport(m.all(), m.took()), millis(m.lag)}
	}
	return err
}

// startBusy starts programs that use as much of the processor as they get.
func startBusy(count, nice int) (busy []*procs.Process, err error) {
	for range count {
		p, err := procs.Start(procs.Config{Name: "busy", Path: "nice", Args: []string{"-n", strconv.Itoa(nice), "sh", "-c", "while :; do :; done"}})
		if err != nil {
			return busy, err
		}
		busy = append(busy, p)
	}
	return busy, nil
}

// startFrontEnds starts front-ends of the cluster and waits until each takes requests.
func (c *cluster) startFrontEnds(ctx context.Context, program string, count int) error {
	for i := range count {
		f, err := c.planNode("f"+strconv.Itoa(i+1), c.nodes[0].token)
		if err != nil {
			return err
		}
		if err := c.startProcess(program, f, c.frontEndArgs(f)); err != nil {
			return err
		}
		c.frontEnds = append(c.frontEnds, f)
	}
	for _, f := range c.frontEnds {
		if !until(ctx, electionMax, 20*time.Millisecond, func() bool { _, err := f.get(ctx, "/readyz"); return err == nil }) {
			return errors.Join(ctx.Err(), fmt.Errorf("front-end %s is not ready%s", f.id, c.lastLogs()))
		}
	}
	return nil
}

// doors are where buyers reach the front-ends.
func (c *cluster) doors() (addresses []string) {
	for _, f := range c.frontEnds {
		addresses = append(addresses, f.http)
	}
	return addresses
}

// loadAverage is the machine's of the last minute; 0 where it is not known.
func loadAverage() (one float64) {
	text, _ := os.ReadFile("/proc/loadavg")
	_, _ = fmt.Sscan(string(text), &one)
	return one
}
