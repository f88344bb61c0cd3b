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
	for request := w.newRequest(); ; {
		n, due, some := source()
		if !some {
			return ctx.Err()
		}
		if err := w.serve(ctx, request, w.load.first+n, due, nil); err != nil {
			return err
		}
	}
}

// goOn serves a buyer whose first try failed, then whoever comes.
func (w *worker) goOn(ctx context.Context, source func() (uint64, time.Time, bool), buyer uint64, due time.Time, failed error) error {
	if failed != nil {
		if err := w.serve(ctx, w.newRequest(), buyer, due, failed); err != nil {
			return err
		}
	}
	return w.run(ctx, source)
}

func (w *worker) newRequest() *buyRequest {
	return newBuyRequest("onsale", w.load.sale, w.load.quantity, newMinter(w.load.secret, w.load.started))
}

// serve lets a buyer buy, and counts who got no decision when that does not end the run.
func (w *worker) serve(ctx context.Context, request *buyRequest, buyer uint64, due time.Time, failed error) error {
	err := w.buy(ctx, request, buyer, due, failed)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case w.load.tolerant:
		w.fail(err, due)
		return nil
	default:
		return fmt.Errorf("buyer %d: %w", buyer, err)
	}
}

// buy sends one buyer's request until it is decided, always with the same key. failed is
// why a try failed that was made already; nil when none was.
func (w *worker) buy(ctx context.Context, request *buyRequest, buyer uint64, due time.Time, failed error) error {
	if w.load.rate > 0 && time.Now().After(w.load.lastArrival().Add(w.load.timeout)) {
		return errTooLate
	}
	text := request.of(buyer)
	for began, attempt := time.Now(), 1; ; attempt++ {
		if failed == nil {
			failed = w.try(ctx, text, due)
		}
		switch {
		case failed == nil || ctx.Err() != nil:
			return ctx.Err()
		case time.Since(began) >= w.load.retryMax:
			return fmt.Errorf("%w within %v: %w", errUndecided, w.load.retryMax, failed)
		}
		w.retry(attempt)
		failed = nil
	}
}

// try sends a request once, and returns why it was not decided.
func (w *worker) try(ctx context.Context, text []byte, due time.Time) error {
	answer, err := w.ask(ctx, text)
	if err != nil {
		w.hangUp()
		return err
	}
	return w.decided(&answer, due)
}

// decided records an answer when it is a decision, and else returns what it is.
func (w *worker) decided(answer *response, due time.Time) error {
	if answer.status == 200 || answer.status == 202 || !w.load.tolerant && answer.status < 500 {
		w.record(answer, due)
		return nil
	}
	if w.load.onRefusal != nil {
		w.load.onRefusal(answer, time.Since(due))
	}
	return &statusError{outcome: answer.outcome(), text: fmt.Sprintf("%d %s", answer.status, answer.body)}
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
