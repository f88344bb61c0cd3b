package payment

import (
	"context"
	"errors"

	"onsale/sequencer"
)

// resolve finds the outcome of an attempt whose answer nobody has, and cancels one
// that has none for too long. It may be authorised while its cancellation is on its way,
// so that from then on only the cancellation's answer counts: accepted it would lose its
// money to a cancellation that arrives late. It reports whether the outcome made more due.
func (d *Desk) resolve(v *sequencer.OrderView, c Charge) (more bool) {
	status, result, err := d.conclude(v, c, func(s Status) bool { return d.abandoned(v, s) })
	if err != nil {
		return false
	}
	if result.Order != 0 {
		d.end(v.Seq, v.Attempts, d.answered(v.Attempts, c.Key, status, &result))
	} else if status.Phase == RequiresAction { // who joined it when its answer was lost
		d.end(v.Seq, v.Attempts, d.answerOf(v, sequencer.CodePaymentInFlight).asking(status))
	}
	return result.State == sequencer.StatePaid || result.Code == sequencer.CodeLateSuccess
}

// conclude asks the provider how an attempt stands and commits its outcome, the zero result
// while there is none. One without an outcome is cancelled there when it is to be given up. Of one
// that stands in no line the provider has not heard.
func (d *Desk) conclude(v *sequencer.OrderView, c Charge, givenUp func(Status) bool) (status Status, result sequencer.Result, err error) {
	if v.Lined {
		return d.endLined(v)
	}
	if status, err = d.standing(v, c, givenUp); isStopping(err) {
		return status, result, err
	}
	if err != nil {
		d.config.Logger.Warn("the payment provider does not say how a payment stands", "payment", c.Key, "error", err)
		return status, result, err
	}
	d.noteAwaiting(v.Seq, v.Attempts, status)
	result, err = d.settle(v.Seq, v.Attempts, status)
	if err != nil && !isStopping(err) {
		d.config.Logger.Warn("a payment's outcome could not be committed; it is tried again", "payment", c.Key, "error", err)
	}
	return status, result, err
}

// standing returns how an attempt stands at the provider, when it was cancelled there if it is
// to be given up.
func (d *Desk) standing(v *sequencer.OrderView, c Charge, givenUp func(Status) bool) (Status, error) {
	ctx := context.Background()
	status, err := Status{Phase: Authorised}, error(nil)
	cancelling := d.isCancelling(v)
	if c.Amount > 0 && !cancelling {
		status, err = d.calls.Find(ctx, c)
	}
	d.config.Reached(StepFound)
	if isStopping(err) {
		return status, err
	}
	if err != nil && !errors.Is(err, ErrConflict) && !errors.Is(err, ErrThrottled) || status.Phase == Unknown {
		d.setUnreached(v.Seq, v.Attempts)
	}
	if cancelling || err == nil && status.Outcome() == sequencer.PayUnknown && givenUp(status) {
		status, err = d.abandon(ctx, v, c)
	}
	if errors.Is(err, ErrConflict) {
		status, err = d.refuse(err), nil
	}
	return status, err
}

// abandon cancels an attempt. Its status has an outcome once the attempt can never
// succeed.
func (d *Desk) abandon(ctx context.Context, v *sequencer.OrderView, c Charge) (Status, error) {
	d.setCancelling(v)
	status, err := d.calls.Cancel(ctx, c)
	d.config.Reached(StepCancelled)
	if err != nil {
		return status, err
	}
	if outcome := status.Outcome(); outcome == sequencer.PayUnknown || outcome == sequencer.PayAccepted {
		return Status{Phase: Processing}, nil // it cannot be done now
	}
	d.counters.abandoned.Add(1)
	if outcome := status.Outcome(); outcome == sequencer.PayCancelled && d.isUnreached(v) {
		status.Reason = sequencer.ReasonUnavailable
	}
	return status, nil
}

// abandoned reports whether an attempt is so old that no authorisation of it can be
// on its way any more, or its hard limit has passed, and it did not wait for its turn until then.
// One that waits for its buyer has until that limit.
func (d *Desk) abandoned(v *sequencer.OrderView, status Status) bool {
	if status.Phase == RequiresAction {
		return d.leftOpen(v)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	r, known := d.retries[v.Seq]
	newest := known && r.attempt == v.Attempts
	return v.Overdue && !(newest && r.waited) || newest && d.config.Clock().Sub(r.since) >= d.config.AbandonAfter
}
