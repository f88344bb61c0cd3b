package bench

import (
	"context"
	"fmt"
	"time"
)

// worker is one connection.
type worker struct {
	line
	load    *load
	tally   *tally
	history history
	// failing counts the failures since the last answer.
	failing int
}

func (w *worker) run(ctx context.Context, source func() (uint64, time.Time, bool)) error {
	defer w.hangUp()
	request := newBuyRequest("onsale", w.load.sale, w.load.quantity, newMinter(w.load.secret, w.load.started))
	for {
		n, due, some := source()
		if !some {
			return ctx.Err()
		}
		err := w.buy(ctx, request, w.load.first+n, due)
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return ctx.Err()
		case w.load.tolerant:
			w.fail(err, due)
		default:
			return fmt.Errorf("buyer %d: %w", w.load.first+n, err)
		}
	}
}

// buy sends one buyer's request until it is decided, always with the same key.
func (w *worker) buy(ctx context.Context, request *buyRequest, buyer uint64, due time.Time) error {
	if w.load.rate > 0 && time.Now().After(w.load.lastArrival().Add(w.load.timeout)) {
		return errTooLate
	}
	text := request.of(buyer)
	for began, attempt := time.Now(), 0; ; attempt++ {
		answer, err := w.ask(ctx, text)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			w.hangUp()
		case answer.status == 200 || answer.status == 202 || !w.load.tolerant && answer.status < 500:
			w.record(&answer, due)
			return nil
		default:
			err = &statusError{outcome: answer.outcome(), text: fmt.Sprintf("%d %s", answer.status, answer.body)}
		}
		if time.Since(began) >= w.load.retryMax {
			return fmt.Errorf("%w within %v: %w", errUndecided, w.load.retryMax, err)
		}
		w.retry(attempt + 1)
	}
}

// retry waits a little and looks for who takes requests now.
func (w *worker) retry(attempt int) {
	w.hangUp()
	w.tally.mu.Lock()
	w.tally.phases[w.load.phase()].retries++
	w.tally.mu.Unlock()
	pause(attempt)
}

// pause keeps a buyer from asking a server that is down as fast as this machine can.
func pause(attempt int) {
	time.Sleep(min(time.Duration(attempt)*5*time.Millisecond, 200*time.Millisecond))
}

// statusError is an answer that is no decision.
type statusError struct{ outcome, text string }

func (e *statusError) Error() string { return e.text }

func (w *worker) record(answer *response, due time.Time) {
	answered := time.Now()
	outcome := answer.outcome()
	if outcome == soldOutReason {
		w.load.noteSoldOut(answered)
	}
	w.failing = 0
	w.load.parts.note(w.load.answered.Add(1), answered.Sub(w.load.started))
	if w.load.isWarm(due) {
		w.tally.mu.Lock()
		w.tally.warm++
		w.tally.mu.Unlock()
		return
	}
	latency := answered.Sub(due)
	w.tally.mu.Lock()
	p := w.tally.phases[w.load.phase()]
	count(p.outcomes, outcome)
	record(p.latency, latency)
	w.tally.mu.Unlock()
	if w.load.course != nil {
		w.load.course.decided(answered.Sub(w.load.started)-w.load.warmUp, latency)
	}
	if w.load.remember {
		w.history = append(w.history, told{sent: due.Sub(w.load.started), answered: answered.Sub(w.load.started), seq: answer.seq(), outcome: outcome})
	}
}

// fail counts a buyer who got no decision.
func (w *worker) fail(err error, due time.Time) {
	w.failing++
	if !w.load.isWarm(due) {
		w.tally.mu.Lock()
		count(w.tally.phases[w.load.phase()].failures, whyFailed(err))
		w.tally.mu.Unlock()
		if w.load.course != nil {
			w.load.course.failed(time.Since(w.load.started) - w.load.warmUp)
		}
	}
	if w.load.rate == 0 {
		pause(w.failing)
	}
}

// isWarm reports whether a buyer belongs to the warm-up.
func (l *load) isWarm(due time.Time) bool { return due.Sub(l.started) < l.warmUp }
