package bench

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// load is buyers who buy over HTTP. In a closed loop each connection sends the next
// buyer's request when the last one was answered: it finds the peak, and its latencies
// are those of a crowd that waits its turn. In an open loop (rate is set; arrivals.go)
// buyers arrive at times that were fixed before, however long the answers take.
type load struct {
	secret      []byte
	sale        string // "" for the only one
	quantity    int
	first       uint64 // the buyers are first+1 to first+buyers
	buyers      uint64
	connections int
	// rate is how many buyers arrive a second; 0 for a closed loop.
	rate int
	// flood lets who arrives in an open loop and finds no connection free go again, and
	// latencies run from when a request is sent (flood.go).
	flood bool
	// bots are the users of a flood, each with a new key a request; 0 for a new buyer each.
	bots uint64
	// duration is how long buyers come, 0 for until all came.
	duration time.Duration
	// warmUp is how long at the beginning nothing is counted.
	warmUp time.Duration
	// target returns the address that takes requests now; it is asked again
	// after an error.
	target func(context.Context) (string, error)
	// addresses stand in for target when connections are to be spread over several.
	addresses []string
	// retryMax bounds how long a buyer goes on trying; 0 for a single try.
	retryMax time.Duration
	// timeout is of one try. A buyer who arrived is given up so long after the last
	// arrival.
	timeout time.Duration
	// tolerant counts who got no decision; else the first of them ends the run.
	tolerant bool
	// remember keeps what each buyer was told, to check the order afterwards.
	remember bool
	// onStart is called when everybody is connected and the clock starts; nil for nobody.
	onStart func()
	// onRefusal is called for each answer that is no decision, by any worker; nil for nobody.
	onRefusal func(answer *response, latency time.Duration)
	// onSoldOut is called once, by the worker that saw the first refusal; nil for nobody.
	onSoldOut func()
	// course, when it is set, keeps what happened in each second.
	course *course
	// parts tells how fast requests were answered, part by part; nil for nobody.
	parts *parts

	requests [][]byte      // made before the run; see prepare
	next     atomic.Uint64 // buyers that were begun
	notSent  atomic.Uint64 // of a flood: who found no connection free
	answered atomic.Uint64
	soldOut  atomic.Int64 // when the first refusal was seen, in nanoseconds since start; 0 before
	started  time.Time
}

// measured is a whole run: selling, then sold out, always apart.
type measured struct {
	phases  [2]*phase
	elapsed [2]time.Duration
	warm    uint64                  // buyers of the warm-up
	lag     *hdrhistogram.Histogram // of an open loop: by how much arrivals were late because of us, microseconds
	history history                 // only when the load remembers

	sent, received uint64 // bytes of HTTP, the warm-up's included
}

// shards is how many tallies the workers share: a histogram is 140 KB, and there may be
// 20,000 connections.
const shards = 16

// run connects, then sends every buyer's request, and returns when all have an
// answer or are given up. The time of connecting is not measured.
func (l *load) run(ctx context.Context) (*measured, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	workers, tallies := l.workers(ctx)
	total := &measured{lag: hdrhistogram.New(1, latencyMax, 3)}
	l.prepare()
	if l.onStart != nil {
		l.onStart()
	}
	l.started = time.Now()
	source := l.source(ctx, total.lag, &tallies[0])
	var mu sync.Mutex
	var group sync.WaitGroup
	var failure error
	start := func(work func() error) {
		group.Go(func() {
			if err := work(); err != nil {
				mu.Lock()
				defer mu.Unlock()
				failure = cmp.Or(failure, err)
				cancel()
			}
		})
	}
	l.start(ctx, workers, source, start)
	group.Wait()
	total.gather(tallies)
	for _, w := range workers {
		total.history = append(total.history, w.history...)
		total.sent, total.received = total.sent+w.sent, total.received+w.received
	}
	total.elapsed = l.elapsed(time.Since(l.started))
	return total, failure
}

// workers connects.
func (l *load) workers(ctx context.Context) ([]*worker, []tally) {
	lines := l.lines(ctx)
	workers, tallies := make([]*worker, len(lines)), make([]tally, min(shards, len(lines)))
	for i := range tallies {
		tallies[i].phases = [2]*phase{newPhase(), newPhase()}
	}
	for i := range lines {
		workers[i] = &worker{load: l, line: lines[i], tally: &tallies[i%len(tallies)]}
	}
	return workers, tallies
}

// start lets the workers of an open loop work each for itself, and those of a closed one
// or a flood in as many loops as there are processors.
func (l *load) start(ctx context.Context, workers []*worker, source func() (uint64, time.Time, bool), start func(func() error)) {
	if l.rate > 0 && !l.flood {
		for _, w := range workers {
			start(func() error { return w.run(ctx, source) })
		}
		return
	}
	leave := func(c *caller, err error) {
		start(func() error { return c.worker.goOn(ctx, source, c.buyer, c.due, err) })
	}
	loops := min(runtime.GOMAXPROCS(0), len(workers))
	for share := range slices.Chunk(workers, (len(workers)+loops-1)/loops) {
		loop := newLoop(l, source, leave)
		if l.flood {
			loop.pace = newPace(l, len(share))
		}
		start(func() error { return loop.run(ctx, share) })
	}
}

// preparedMax bounds the requests that are made before the run: each has 350 bytes.
const preparedMax = 1 << 18

// prepare makes the requests, whose signatures would else be a part of what the load
// costs while it measures. Who comes beyond the bound, or nobody knows of before, has a
// request made when it is sent.
func (l *load) prepare() {
	if l.rate > 0 || l.duration > 0 || l.buyers > preparedMax {
		return
	}
	request := newBuyRequest("onsale", l.sale, l.quantity, newMinter(l.secret, time.Now()))
	l.requests = make([][]byte, l.buyers)
	for n := range l.requests {
		l.requests[n] = bytes.Clone(request.of(l.first + uint64(n) + 1))
	}
}

// prepared returns the request of buyer n of 1 to buyers; nil when it is to be made.
func (l *load) prepared(n uint64) []byte {
	if len(l.requests) == 0 {
		return nil
	}
	return l.requests[n-1]
}

func (l *load) lines(ctx context.Context) []line {
	timeout := l.timeout
	if timeout == 0 {
		timeout = l.retryMax
	}
	if len(l.addresses) == 0 {
		return newLines(ctx, l.connections, l.target, timeout)
	}
	var lines []line
	for i := range l.connections {
		to := func(context.Context) (string, error) { return l.addresses[i%len(l.addresses)], nil }
		lines = append(lines, newLines(ctx, 1, to, timeout)...)
	}
	return lines
}

// source returns where workers get buyers from: a number from 1 and when the buyer was
// to arrive; false when nobody comes any more.
func (l *load) source(ctx context.Context, lag *hdrhistogram.Histogram, turnedAway *tally) func() (uint64, time.Time, bool) {
	if l.flood {
		return nobody
	}
	if l.rate > 0 {
		return l.arrivals(ctx, lag, turnedAway)
	}
	end := l.started.Add(l.duration)
	return func() (uint64, time.Time, bool) {
		now := time.Now()
		if ctx.Err() != nil || l.duration > 0 && now.After(end) {
			return 0, now, false
		}
		n := l.next.Add(1)
		return n, now, n <= l.buyers
	}
}

// elapsed divides the time of the run, without its warm-up, at the first refusal.
func (l *load) elapsed(end time.Duration) (elapsed [2]time.Duration) {
	begin := min(l.warmUp, end)
	at := time.Duration(l.soldOut.Load())
	if at == 0 {
		at = end
	}
	at = max(at, begin)
	return [2]time.Duration{at - begin, end - at}
}

// phase returns 0 while selling and 1 once somebody was refused as sold out.
func (l *load) phase() int {
	if l.soldOut.Load() == 0 {
		return 0
	}
	return 1
}

// noteSoldOut remembers the first refusal.
func (l *load) noteSoldOut(answered time.Time) {
	if l.soldOut.CompareAndSwap(0, max(1, int64(answered.Sub(l.started)))) && l.onSoldOut != nil {
		l.onSoldOut()
	}
}

// errUndecided is returned when a buyer got no decision.
var errUndecided = fmt.Errorf("no decision")
