package payment

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"onsale/internal/metric"
	"onsale/sequencer"
)

// Every call to the provider goes through one line, at the provider's rate. What waits in it
// is first in, first out within its class, and a class goes before those below it.
//
// An attempt is committed before it joins the line, and the order is paying from then on: who
// is in it keeps the tickets. Its place is that of its beginning in the log. A call that the
// provider refuses because calls come too fast (429) did not happen: it is at the head of its
// class again.
//
// What if we die here? Nothing of the line is on disk, and the means of payment are nowhere. What
// is in it is paying, or due, in the log, and the next leader's coordinator makes its own line of
// what the provider must be asked about, in the order of the log. An attempt that stood in the
// line is no such thing: calls.go.

// class says what goes first.
type class int

const (
	classOutcome class = iota // how an attempt stands, what is cancelled or goes back
	classAttempt              // to pay
	classCapture              // of what is paid, and reading the books: nobody waits for it
	classCount
)

var classNames = [classCount]string{"outcome", "attempt", "capture"}

// lineLengthMax bounds the attempts that wait, some 500 bytes each.
const lineLengthMax = 1 << 17

// line lets calls go out.
type line struct {
	longest time.Duration // that an attempt may wait
	start   func(func())  // on a goroutine of its own
	most    [classCount]int

	mu      sync.Mutex
	pace    *pace
	waiting [classCount]queue
	running [classCount]int
	coming  int    // attempts that have room and are not committed yet
	key     uint64 // the last that was given to what is no attempt
	busy    time.Time
	served  tally // attempts, while some wait
	timer   *time.Timer
	closed  bool
	refused uint64 // calls that were answered with a 429
	calls   calls

	waited [classCount]metric.Times
}

func newLine(c *Config, start func(func())) *line {
	now := time.Now()
	l := &line{longest: c.LineMax, start: start, pace: newPace(c.Rate, now), served: tally{began: now},
		most: [classCount]int{classOutcome: math.MaxInt, classAttempt: c.PaymentsMax, classCapture: c.PaymentsMax}}
	for i := range l.waiting {
		l.waiting[i].orders = map[uint64]*place{}
	}
	return l
}

// enter keeps room for one attempt until giveUp, when it is in the line or did not begin, and
// returns for how long it may stand there; 0 for one whose turn is as good as there. ErrOverloaded when it would
// wait for too long; where no rate is in force, when as many are under way as may be.
func (l *line) enter() (stay time.Duration, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	ahead := len(l.waiting[classAttempt].places) + l.coming
	wait := l.wait(ahead)
	if ahead >= lineLengthMax || wait > l.longest {
		return 0, errLineFull
	}
	if math.IsInf(l.pace.inForce(), 1) && l.running[classAttempt]+ahead >= l.most[classAttempt] {
		return 0, errLineFull
	}
	l.coming++
	if wait >= linedFrom {
		stay = l.longest
	}
	return stay, nil
}

func (l *line) giveUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.coming--
}

// join puts a call into the line. A place without a key comes last.
func (l *line) join(c class, p *place) {
	if !l.joined(c, p) {
		p.leave()
	}
}

// joined reports whether a call has a place; none has one in a line that is closed.
func (l *line) joined(c class, p *place) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	if p.key == 0 {
		p.key = l.nextKey()
	}
	if p.since.IsZero() {
		p.since = time.Now()
	}
	if q := &l.waiting[c]; p.order == 0 || q.orders[p.order] == nil {
		q.insert(p)
	}
	if c == classAttempt && l.busy.IsZero() {
		l.busy = time.Now()
	}
	l.move()
	return true
}

// turn returns a place at the end, for calls that join later.
func (l *line) turn() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.nextKey()
}

func (l *line) nextKey() uint64 {
	l.key++
	return l.key
}

// move lets go what may go now, and comes again when more may. The caller holds the lock.
func (l *line) move() {
	for !l.closed {
		l.callNext()
		c, any := l.next()
		if !any {
			return
		}
		if wait := l.pace.take(time.Now()); wait > 0 {
			l.again(wait)
			return
		}
		p := l.waiting[c].pop()
		l.waited[c].Observe(time.Since(p.since))
		if c == classAttempt {
			l.served.add(time.Now(), 1)
			if len(l.waiting[c].places) == 0 {
				l.busy = time.Time{}
			}
		}
		l.running[c]++
		l.start(func() {
			defer l.done(c)
			p.run()
		})
	}
}

// next returns the class whose turn it is; false for none. Nothing goes before an attempt whose turn it is
// and whose call is being committed.
func (l *line) next() (class, bool) {
	for c := range classCount {
		q := &l.waiting[c]
		for len(q.places) > 0 && q.places[0].gone {
			q.pop()
		}
		if len(q.places) > 0 && l.running[c] < l.most[c] {
			return c, q.places[0].call == nil
		}
	}
	return 0, false
}

func (l *line) done(c class) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running[c]--
	l.move()
}

// again comes back after a while.
func (l *line) again(wait time.Duration) {
	if l.timer != nil {
		l.timer.Stop()
	}
	l.timer = time.AfterFunc(wait, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.move()
	})
}

// wasRefused reports whether a call was answered with a 429, and takes that in.
func (l *line) wasRefused(c class, sent time.Time, err error) bool {
	var throttled *Throttled
	if !errors.As(err, &throttled) {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refused++
	l.pace.refused(sent, time.Now(), throttled.After)
	if c == classAttempt {
		l.served.add(sent, -1)
	}
	return true
}

// came is what a call came to.
type came[T any] struct {
	result T
	err    error
}

// inLine makes a call when it is its turn, which is 0 for the end of the line, again when it is refused by a 429, and returns what
// it came to. It gives up when ctx ends.
func inLine[T any](ctx context.Context, l *line, c class, turn uint64, call func() (T, error)) (none T, err error) {
	p := &place{key: turn}
	for {
		told := make(chan came[T], 1)
		p.run = func() {
			sent, it := time.Now(), came[T]{err: errLeft}
			defer func() { told <- it }()
			if it.result, it.err = call(); l.wasRefused(c, sent, it.err) {
				it.err = errAgain
			}
		}
		p.leave = func() { told <- came[T]{err: errLeft} }
		l.join(c, p)
		select {
		case it := <-told:
			if !errors.Is(it.err, errAgain) {
				return it.result, it.err
			}
		case <-ctx.Done():
			l.drop(p)
			return none, ctx.Err()
		}
	}
}

func (l *line) drop(p *place) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p.gone = true
	l.move()
}

// wait returns for how long an attempt waits that has so many before it. The caller holds the
// lock.
func (l *line) wait(ahead int) time.Duration {
	now := time.Now()
	perSecond := l.pace.inForce()
	if math.IsInf(perSecond, 1) {
		return 0
	}
	if !l.busy.IsZero() { // what went out of late knows of pauses, and of what goes before
		if mean, seconds := l.served.mean(l.busy, now); seconds >= meanSecondsMin && mean > 0 {
			perSecond = mean
		}
	}
	seconds := float64(ahead) / perSecond
	return l.pace.left(now) + time.Duration(min(seconds, waitSecondsMax)*float64(time.Second))
}

const (
	// meanSecondsMin is after how many seconds what went out says more than the rate.
	meanSecondsMin = 5
	// waitSecondsMax bounds what is told, whatever the rate: a day.
	waitSecondsMax = 86_400
)

// leave empties the line: who leads no more calls nobody.
func (l *line) leave() {
	l.mu.Lock()
	var left []*place
	for c := range l.waiting {
		left = append(left, l.waiting[c].places...)
		l.waiting[c] = queue{orders: map[uint64]*place{}}
	}
	l.busy = time.Time{}
	l.mu.Unlock()
	for _, p := range left {
		p.leave()
	}
}

// close ends the line for good.
func (l *line) close() {
	l.mu.Lock()
	l.closed = true
	if l.timer != nil {
		l.timer.Stop()
	}
	l.mu.Unlock()
	l.leave()
}

// Errors of the line.
var (
	// errLineFull is returned when an attempt would wait for too long.
	errLineFull = fmt.Errorf("%w: the line before the payment provider is full", sequencer.ErrOverloaded)
	// errLeft is returned when the desk ends, or leads no more, before it is a call's turn.
	errLeft = fmt.Errorf("%w: before the payment provider was asked", sequencer.ErrStopping)
	// errAgain: the call was refused by a 429.
	errAgain = errors.New("once more")
)
