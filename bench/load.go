package bench

import (
	"context"
	"fmt"
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
	// onSoldOut is called once, by the worker that saw the first refusal; nil for nobody.
	onSoldOut func()
	// course, when it is set, keeps what happened in each second.
	course *course
	// parts tells how fast requests were answered, part by part; nil for nobody.
	parts *parts

	next     atomic.Uint64 // buyers that were begun
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
}

// shards is how many tallies the workers share: a histogram is 140 KB, and there may be
// 20,000 connections.
const shards = 16

// run connects, then sends every buyer's request, and returns when all have an
// answer or are given up. The time of connecting is not measured.
func (l *load) run(ctx context.Context) (*measured, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	lines := l.lines(ctx)
	tallies := make([]tally, min(shards, len(lines)))
	for i := range tallies {
		tallies[i].phases = [2]*phase{newPhase(), newPhase()}
	}
	total := &measured{lag: hdrhistogram.New(1, latencyMax, 3)}
	var mu sync.Mutex
	var group sync.WaitGroup
	var failure error
	l.started = time.Now()
	source := l.source(ctx, total.lag, &tallies[0])
	for i := range lines {
		group.Go(func() {
			w := &worker{load: l, line: lines[i], tally: &tallies[i%len(tallies)]}
			err := w.run(ctx, source)
			mu.Lock()
			defer mu.Unlock()
			total.history = append(total.history, w.history...)
			if err != nil && failure == nil {
				failure = err
				cancel()
			}
		})
	}
	group.Wait()
	total.gather(tallies)
	total.elapsed = l.elapsed(time.Since(l.started))
	return total, failure
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
