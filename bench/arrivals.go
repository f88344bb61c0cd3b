package bench

import (
	"context"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"golang.org/x/sys/unix"
)

// arrivals is an open loop over HTTP: requests arrive at times that were fixed
// before, evenly, however long the answers take. Latency runs from the instant at
// which a request was to arrive, so a server (or this machine) that is late pays
// for everybody who waits behind.
type arrivals struct {
	secret      []byte
	sale        string
	first       uint64 // the buyers are first+1, first+2, …
	rate        int    // arrivals a second
	over        time.Duration
	connections int
	// drainMax is how long after the last arrival answers are waited for.
	drainMax time.Duration
	target   func(context.Context) (string, error)

	started time.Time
}

// arrivalsWaitingMax bounds the requests that have arrived and found no free
// connection; those beyond it are counted as unanswered.
const arrivalsWaitingMax = 1 << 16

// arrived is what an open loop measured.
type arrived struct {
	requests, answered uint64
	unanswered         uint64 // given up: no room, or not sent or answered in time
	outcomes           map[string]uint64
	latency            *hdrhistogram.Histogram // microseconds
	took               time.Duration           // to the last answer
}

func newArrived() *arrived {
	return &arrived{outcomes: map[string]uint64{}, latency: hdrhistogram.New(1, 120_000_000, 3)}
}

func (a *arrived) merge(b *arrived) {
	a.answered += b.answered
	a.unanswered += b.unanswered
	a.latency.Merge(b.latency)
	for name, count := range b.outcomes {
		a.outcomes[name] += count
	}
}

// run lets everybody arrive and returns when all are answered or given up.
func (a *arrivals) run(ctx context.Context) (*arrived, error) {
	total := newArrived()
	total.requests = uint64(float64(a.rate) * a.over.Seconds())
	waiting := make(chan uint64, arrivalsWaitingMax)
	lines := newLines(ctx, a.connections, a.target, a.drainMax)
	a.started = time.Now()
	var mu sync.Mutex
	var group sync.WaitGroup
	for i := range lines {
		group.Go(func() {
			own := a.serve(ctx, &lines[i], waiting)
			mu.Lock()
			defer mu.Unlock()
			total.merge(own)
		})
	}
	turnedAway := a.arrive(ctx, waiting, total.requests)
	close(waiting)
	group.Wait()
	total.unanswered += turnedAway
	total.took = time.Since(a.started)
	return total, ctx.Err()
}

// at returns when request n is to arrive.
func (a *arrivals) at(n uint64) time.Time {
	return a.started.Add(time.Duration(float64(n) * float64(time.Second) / float64(a.rate)))
}

// arrive hands out the requests when their time has come, and returns how many
// found no room. It sleeps in the kernel: the runtime's timers are a millisecond
// coarse in a process that is idle otherwise, which is longer than an answer takes.
func (a *arrivals) arrive(ctx context.Context, waiting chan<- uint64, requests uint64) (turnedAway uint64) {
	for n := range requests {
		for wait := time.Until(a.at(n)); wait > 0 && ctx.Err() == nil; wait = time.Until(a.at(n)) {
			ts := unix.NsecToTimespec(int64(wait))
			_ = unix.Nanosleep(&ts, nil) // an interrupted sleep is slept again
		}
		select {
		case waiting <- n:
		default:
			turnedAway++
		}
	}
	return turnedAway
}

// serve is one connection.
func (a *arrivals) serve(ctx context.Context, l *line, waiting <-chan uint64) *arrived {
	own := newArrived()
	defer l.hangUp()
	request := newBuyRequest("onsale", a.sale, 1, newMinter(a.secret, a.started))
	end := a.started.Add(a.over + a.drainMax)
	for n := range waiting {
		if ctx.Err() != nil || time.Now().After(end) {
			own.unanswered++
			continue
		}
		answer, err := l.ask(ctx, request.of(a.first+n+1))
		if err != nil {
			l.hangUp()
			own.unanswered++
			continue
		}
		own.answered++
		own.outcomes[answer.outcome()]++
		own.latency.RecordValue(max(1, time.Since(a.at(n)).Microseconds())) // over the bound it counts as the bound
	}
	return own
}
