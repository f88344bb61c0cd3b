package payment

import (
	"context"
	"crypto/sha256"
	"time"

	"onsale/sequencer"
)

// An attempt may wait for its buyer: the bank wants to know that it is them (3-D Secure).
// The order is paying meanwhile, the buyer is told where to go, and a webhook or asking ends
// it: accepted, declined, or, when nobody did anything until the order's hard limit, cancelled
// at the provider. What is to be done is known to the provider alone, which is asked again
// whenever somebody wants to know: also by a leader that was elected meanwhile.
//
// # What if we die here?
//
// The next leader's desk finds the order paying and asks the provider, which says that the
// attempt waits: it keeps it. When we die between cancelling it for another card and
// committing that, the next desk finds it cancelled, and the order is reserved again.

// awaitingPauses is how many times as long as RetryPauseMax the pause may be before an
// attempt is asked about that waits for its buyer: a webhook tells at once.
const awaitingPauses = 12

// asking returns the answer with what the buyer must do.
func (a Answer) asking(status Status) Answer {
	a.NextAction = status.NextAction
	return a
}

// noteAwaiting notes whether an attempt waits for its buyer. When it does no more, the time in
// which it must come to its outcome begins.
func (d *Desk) noteAwaiting(order uint64, attempt uint8, status Status) {
	awaiting := status.Phase == RequiresAction
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.retryOf(order, attempt)
	if r.awaiting == awaiting {
		return
	}

	r.since, r.awaiting = d.config.Clock(), awaiting
	if awaiting {
		r.unreached, r.pause = false, d.config.RetryPauseMax
		r.at = r.since.Add(r.pause)
	}
	d.retries[order] = r
}

// leftOpen reports whether the buyer of an attempt has had the time to authenticate: until the
// order's hard limit, or as long as its grace when it waited for its turn in the line. In a
// cancelled sale there is nothing to pay any more.
func (d *Desk) leftOpen(v *sequencer.OrderView) bool {
	sale, known := d.node.SaleByID(v.SaleID)
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.retryOf(v.Seq, v.Attempts)
	over := !r.waited || known && d.config.Clock().Sub(r.since) >= time.Duration(sale.Grace)
	return v.Overdue && over || known && sale.Cancelled
}

// noteMethod notes by which means of payment the buyer pays for whom an attempt waits. A provider
// may tell it by another name.
func (d *Desk) noteMethod(order uint64, attempt uint8, method string) {
	d.editRetry(order, attempt, func(r *retry) { r.method = sha256.Sum256([]byte(method)) })
}

// isSame reports whether a request has the means of payment of an attempt that has a status;
// one without means has them, it only asks.
func (d *Desk) isSame(r *Request, attempt uint8, status Status) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return r.Method == "" || status.Method == r.Method || d.retryOf(r.Order, attempt).method == sha256.Sum256([]byte(r.Method))
}

// awaiting returns how many attempts wait for their buyers.
func (d *Desk) awaiting() (count int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range d.retries {
		if r.awaiting {
			count++
		}
	}
	return count
}

// asked is what an attempt came to that waited for its buyer, or was not under way here.
type asked struct {
	answer Answer
	over   bool // another one may begin
}

// payOpen answers who asks to pay an order that is paying by an attempt that is not under way
// here; known is what is known of it. When that is over, the next one begins.
func (d *Desk) payOpen(ctx context.Context, r Request, known Answer) (Answer, error) {
	if !d.claimSoon(ctx, r.Order) {
		return known, nil
	}
	told := make(chan asked, 1)
	d.finished.Go(func() { told <- d.ask(&r) })
	select {
	case it := <-told:
		if !it.over {
			return it.answer, nil
		}
	case <-ctx.Done():
		d.counters.unanswered.Add(1)
		return known, nil
	}

	attempt, answer, err := d.begin(ctx, &r)
	if err != nil || attempt == nil {
		return answer, err
	}
	return d.inTurn(ctx, attempt, answer, r.Method), nil
}

// ask finds out how the attempt stands by which an order is paying, and ends the claim of the
// order. One that waits for its buyer is cancelled when the request has other means of payment
// and another attempt may follow. It reports whether one follows: the attempt is over, and
// did not pay the order, and was by other means.
func (d *Desk) ask(r *Request) asked {
	more := false
	defer func() {
		d.release(r.Order)
		if more {
			d.soon(r.Order)
		}
	}()
	view, _ := d.order(r.Order)
	charge, shown := d.charge(&view, view.Attempts)
	answer := d.answerOf(&view, sequencer.CodePaymentInFlight)
	if view.State != sequencer.StatePaying || !shown { // somebody was faster
		return asked{answer, shown}
	}

	replaced := func(s Status) bool {
		return s.Phase == RequiresAction && !d.isSame(r, view.Attempts, s) && d.mayFollow(r.Order)
	}
	status, result, err := d.conclude(&view, charge, func(s Status) bool { return replaced(s) || d.abandoned(&view, s) })
	switch {
	case err != nil:
		return asked{answer, false}
	case result.Order == 0:
		return asked{answer.asking(status), false}
	}
	more = result.State == sequencer.StatePaid || result.Code == sequencer.CodeLateSuccess
	answer = d.answered(view.Attempts, charge.Key, status, &result)
	d.end(r.Order, view.Attempts, answer)
	return asked{answer, !more && r.Method != "" && (status.Phase != Declined || !d.isSame(r, view.Attempts, status))}
}

// mayFollow reports whether another attempt to pay an order may begin at once.
func (d *Desk) mayFollow(order uint64) (may bool) {
	d.node.Read(func(s sequencer.Reader) { may = s.NextAttempt(order) == 0 })
	return may
}
