// Package bench loads a sale over real HTTP and reports what came of it: how
// fast, how late, how many, at which cost, and whether the books are right. The
// load shares the machine with the nodes, and its own CPU time is reported.
package bench

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// load is buyers who buy over HTTP. In a closed loop each connection sends the next
// buyer's request when the last one was answered: it finds the peak, and its latencies
// are those of a crowd that waits its turn. In an open loop (rate is set) buyers arrive
// evenly at times that were fixed before, however long the answers take, and latency runs
// from the instant at which a buyer was to arrive: a server (or this machine) that is late
// pays for everybody who waits behind.
type load struct {
	LoadOptions // of them the buyers are numbers First+1 to First+Requests
	// flood lets who arrives and finds no connection free go again, counted, so that what
	// the server is offered does not depend on how long our own line is. Latency runs from
	// when a request is sent.
	flood bool
	// bots are the users of a flood, each with a new key a request; 0 for a new buyer each.
	bots uint64
	// target returns the address that takes requests now; it is asked again
	// after an error. With Addresses connections are spread over these instead.
	target func(context.Context) (string, error)
	// patient buyers come back when they are told to, and not before.
	patient bool
	// tolerant counts who got no decision; else the first of them ends the run.
	tolerant bool
	// onStart is called when everybody is connected and the clock starts; nil for nobody.
	onStart func()
	// onSoldOut is called once, by the loop that saw the first refusal; nil for nobody.
	onSoldOut func()

	requests [][]byte      // made before the run; see prepare
	next     atomic.Uint64 // buyers of a closed loop that were begun
	answered atomic.Uint64
	soldOut  atomic.Int64 // when the first refusal was seen, in nanoseconds since start; 0 before
	started  time.Time
}

// measured is a whole run: selling, then sold out, always apart.
type measured struct {
	tally
	elapsed [2]time.Duration
}

// all returns both phases as one.
func (m *measured) all() *PhaseReport {
	all := newPhase()
	all.merge(m.phases[0])
	all.merge(m.phases[1])
	return all
}

// took is the time of the run without its warm-up.
func (m *measured) took() time.Duration { return m.elapsed[0] + m.elapsed[1] }

// run connects, then sends every buyer's request, and returns when all have an answer or
// are given up. The time of connecting is not measured. The connections are served in as
// many loops as there are processors.
func (l *load) run(ctx context.Context) (*measured, error) {
	l.Timeout = cmp.Or(l.Timeout, l.RetryMax)
	loops := make([]*loop, min(runtime.GOMAXPROCS(0), l.Connections))
	for i := range loops {
		loops[i] = newLoop(l, i, len(loops))
	}
	l.connect(ctx, loops)
	l.prepare()
	if l.onStart != nil {
		l.onStart()
	}
	l.started = time.Now()

	group, running := errgroup.WithContext(ctx)
	for _, p := range loops {
		group.Go(func() error { return p.run(running) })
	}
	err := group.Wait()
	if l.Progress != nil {
		l.Progress(l.answered.Load(), 1)
	}

	total := &measured{tally: newTally(), elapsed: l.elapsed(time.Since(l.started))}
	for _, p := range loops {
		total.merge(&p.tally)
	}
	return total, err
}

// connect makes the connections, to one address when they are not spread: whose turn it is
// to take requests is asked once. Who does not connect now connects when it is needed.
func (l *load) connect(ctx context.Context, loops []*loop) {
	var address string
	var err error
	if len(l.Addresses) == 0 {
		address, err = l.target(ctx)
	}
	for i := range l.Connections {
		c := &caller{fd: -1, target: l.target}
		if len(l.Addresses) > 0 {
			address = l.Addresses[i%len(l.Addresses)]
			own := address
			c.target = func(context.Context) (string, error) { return own, nil }
		}
		if err == nil {
			c.fd, err = dial(ctx, address)
		}
		p := loops[i%len(loops)]
		c.number, p.callers = len(p.callers), append(p.callers, c)
	}
}

// preparedMax bounds the requests that are made before the run: each has 350 bytes.
const preparedMax = 1 << 18

// prepare makes the requests, whose signatures would else be a part of what the load
// costs while it measures. Who comes beyond the bound, or nobody knows of before, has a
// request made when it is sent.
func (l *load) prepare() {
	if l.Rate > 0 || l.Duration > 0 || l.Requests > preparedMax {
		return
	}
	request := l.newRequest()
	l.requests = make([][]byte, l.Requests)
	for n := range l.requests {
		key := l.First + uint64(n) + 1
		l.requests[n] = bytes.Clone(request.with(key, key))
	}
}

func (l *load) newRequest() *buyRequest {
	return newBuyRequest("onsale", l.Sale, l.Quantity, newMinter(l.Secret, time.Now()))
}

// user is who sends the request of a number.
func (l *load) user(n uint64) uint64 {
	if l.bots == 0 {
		return n
	}
	return l.First + 1 + n%l.bots
}

// at returns when buyer n of 1 to comers is to arrive.
func (l *load) at(n uint64) time.Time {
	return l.started.Add(time.Duration(float64(n-1) * float64(time.Second) / float64(l.Rate)))
}

// comers returns how many arrive.
func (l *load) comers() uint64 {
	if l.Duration == 0 {
		return l.Requests
	}
	return min(l.Requests, uint64(float64(l.Rate)*l.Duration.Seconds()))
}

func (l *load) lastArrival() time.Time { return l.at(max(1, l.comers())) }

// elapsed divides the time of the run, without its warm-up, at the first refusal.
func (l *load) elapsed(end time.Duration) (elapsed [2]time.Duration) {
	begin := min(l.WarmUp, end)
	at := time.Duration(l.soldOut.Load())
	if at == 0 {
		at = end
	}
	at = max(at, begin)
	return [2]time.Duration{at - begin, end - at}
}

// noteSoldOut remembers the first refusal.
func (l *load) noteSoldOut(answered time.Time) {
	if l.soldOut.CompareAndSwap(0, max(1, int64(answered.Sub(l.started)))) && l.onSoldOut != nil {
		l.onSoldOut()
	}
}

// errUndecided is returned when a buyer got no decision.
var errUndecided = errors.New("no decision")
