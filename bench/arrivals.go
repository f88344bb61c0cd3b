package bench

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// An open loop over HTTP: buyers arrive evenly at times that were fixed before, however
// long the answers take. Latency runs from the instant at which a buyer was to arrive,
// so a server (or this machine) that is late pays for everybody who waits behind.

// arrivalsWaitingMax bounds the buyers who have arrived and found no free connection;
// those beyond it are counted as failed.
const arrivalsWaitingMax = 1 << 16

var (
	// errNoRoom is why a buyer failed who would have been one too many that wait.
	errNoRoom = errors.New("too many wait for a connection")
	// errTooLate is why a buyer failed whose turn had not come a time-out after the last
	// arrival.
	errTooLate = errors.New("still waiting for a connection")
)

// arrival is a buyer whose time has come.
type arrival struct {
	number uint64
	due    time.Time
}

// arrivals begins to let buyers arrive, and returns where workers get them from.
func (l *load) arrivals(ctx context.Context, lag *hdrhistogram.Histogram, turnedAway *tally) func() (uint64, time.Time, bool) {
	waiting := make(chan arrival, arrivalsWaitingMax)
	var arrived sync.WaitGroup
	arrived.Go(func() {
		defer close(waiting)
		l.arrive(ctx, waiting, lag, turnedAway)
	})
	return func() (uint64, time.Time, bool) {
		a, some := <-waiting
		if !some {
			arrived.Wait()
		}
		return a.number, a.due, some
	}
}

// at returns when buyer n of 1 to comers is to arrive.
func (l *load) at(n uint64) time.Time {
	return l.started.Add(time.Duration(float64(n-1) * float64(time.Second) / float64(l.rate)))
}

// comers returns how many arrive.
func (l *load) comers() uint64 {
	if l.duration == 0 {
		return l.buyers
	}
	return min(l.buyers, uint64(float64(l.rate)*l.duration.Seconds()))
}

func (l *load) lastArrival() time.Time { return l.at(max(1, l.comers())) }

// arrive hands out buyers when their time has come. A
// sleep may end early.
func (l *load) arrive(ctx context.Context, waiting chan<- arrival, lag *hdrhistogram.Histogram, turnedAway *tally) {
	nobody := &worker{load: l, tally: turnedAway}
	for n := uint64(1); n <= l.comers() && ctx.Err() == nil; n++ {
		due := l.at(n)
		for wait := time.Until(due); wait > 0 && ctx.Err() == nil; wait = time.Until(due) {
			sleep(wait)
		}
		record(lag, time.Since(due))
		l.next.Store(n)
		select {
		case waiting <- arrival{n, due}:
		default:
			nobody.fail(errNoRoom, due)
		}
	}
}
