package payment

import (
	"context"
	"crypto/sha256"

	"onsale/sequencer"
)

// joinersMax bounds the requests that wait for the outcome of one attempt beside the one
// that began it; more are answered at once that it is under way.
const joinersMax = 8

// live is an attempt that began here and whose outcome is not known yet. Who asks to pay the
// same order by the same means meanwhile pressed the button twice, or lost the first answer,
// and waits for it.
type live struct {
	number  uint8             // 0 until its beginning is committed
	method  [sha256.Size]byte // a digest: means of payment are not kept
	joiners int
	done    chan struct{} // closed when there is an outcome, or it is this desk's business no more
	answer  Answer        // what was begun; once done is closed, how it stands
	err     error         // once done is closed: why nobody can say how it stands
}

// claimToBegin claims an order for an attempt that is about to begin and notes it, in one step:
// who asks for the same from then on waits for its outcome. False when somebody works on the
// order, or an attempt is under way.
func (d *Desk) claimToBegin(v *sequencer.OrderView, method string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.working[v.Seq] != nil || !d.enter(v, method) {
		return false
	}
	d.working[v.Seq] = make(chan struct{})
	return true
}

// enter notes an attempt that is about to begin; false when one is under way. v is the order
// as it was seen last: it may show that the one that is noted has its outcome by now. The
// caller holds the lock.
func (d *Desk) enter(v *sequencer.OrderView, method string) bool {
	if l := d.live[v.Seq]; l != nil {
		over := v.Attempts > l.number || v.Attempts == l.number && v.State != sequencer.StatePaying
		if l.number == 0 || !over {
			return false
		}
		d.close(v.Seq, l, d.answerOf(v, sequencer.CodeOK))
	}
	d.live[v.Seq] = &live{method: sha256.Sum256([]byte(method)), done: make(chan struct{}), answer: d.answerOf(v, sequencer.CodePaymentInFlight)}
	return true
}

// entered notes what came of a beginning: its number, 0 when there is no attempt, or, with an
// error, perhaps none.
func (d *Desk) entered(order uint64, number uint8, answer Answer, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.live[order]
	switch {
	case l == nil: // the office was lost meanwhile
	case number == 0:
		l.err = err
		d.close(order, l, answer)
	default:
		l.number, l.answer = number, answer
	}
}

// close ends an attempt's entry. The caller holds the lock.
func (d *Desk) close(order uint64, l *live, answer Answer) {
	l.answer = answer
	close(l.done)
	delete(d.live, order)
}

// join returns the attempt that is under way for an order by these means; nil for none, or
// when enough wait for it.
func (d *Desk) join(order uint64, method string) *live {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.live[order]
	if l == nil || l.method != sha256.Sum256([]byte(method)) || l.joiners >= joinersMax {
		return nil
	}
	l.joiners++
	return l
}

// isLive reports whether an attempt that began here is under way.
func (d *Desk) isLive(order uint64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.live[order] != nil
}

// await returns an attempt's outcome, or that it has none when ctx ends, or the error with
// which it began, or did not.
func (d *Desk) await(ctx context.Context, l *live) (Answer, error) {
	d.counters.joined.Add(1)
	select {
	case <-l.done:
	case <-ctx.Done():
		d.counters.unanswered.Add(1)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	l.joiners--
	return l.answer, l.err
}

// end tells those who wait for an attempt's outcome.
func (d *Desk) end(order uint64, number uint8, answer Answer) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if l := d.live[order]; l != nil && l.number == number {
		d.close(order, l, answer)
	}
}

// endSettled ends the attempts that got their outcome elsewhere; paying are the orders that
// were found without one.
func (d *Desk) endSettled(paying map[uint64]bool) {
	numbers := map[uint64]uint8{}
	d.mu.Lock()
	for order, l := range d.live {
		if !paying[order] && l.number > 0 {
			numbers[order] = l.number
		}
	}
	d.mu.Unlock()
	for order, number := range numbers {
		view, known := d.order(order)
		if known && (view.State != sequencer.StatePaying && view.Attempts == number || view.Attempts > number) {
			d.end(order, number, d.answerOf(&view, sequencer.CodeOK))
		}
	}
}

// answered returns what is told of an attempt whose outcome was committed.
func (d *Desk) answered(number uint8, key string, status Status, r *sequencer.Result) Answer {
	answer := Answer{Code: r.Code, State: r.State, Attempt: number, Key: key, Deadline: r.Deadline, Seq: r.Seq}
	if r.State != sequencer.StatePaid {
		answer.Reason = status.Reason
	}
	if r.State == sequencer.StateReserved {
		answer.RetryAt = d.retryAt(r.Order)
	}
	return answer
}

// retryAt returns when the next attempt to pay an order may begin; 0 for at once or never.
func (d *Desk) retryAt(order uint64) (at int64) {
	d.node.Read(func(s sequencer.Reader) { at = s.NextAttempt(order) })
	if at == sequencer.TimeMax {
		return 0
	}
	return at
}
