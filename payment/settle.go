package payment

import (
	"context"
	"errors"
	"time"

	"onsale/sequencer"
)

// unsettledPage is how many unsettled orders are looked at in one turn.
const unsettledPage = 1024

// settleAll works on what is unsettled while the node leads.
func (d *Desk) settleAll() {
	ticker := time.NewTicker(d.config.SettleInterval)
	defer ticker.Stop()
	for {
		select {
		case <-d.stop.Done():
			return
		case <-ticker.C:
		case <-d.wake:
		}
		if d.node.Leader() != nil {
			d.forget()
			continue
		}
		d.watchReach()
		d.settleOnce()
	}
}

// forget drops what was remembered in office: the next leader begins anew, and so
// does this node when it is elected again.
func (d *Desk) forget() {
	d.counters.overdue.Store(0)
	new(accounts).tell(&d.counters)
	d.metered.failing.Store(0)
	d.metered.reach.forget()
	d.line.leave()
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.retries)
	for order, l := range d.live { // who waits hears that it is under way: the next leader settles it
		d.close(order, l, l.answer)
	}
}

// settleOnce looks at every unsettled order whose turn has come, but for those of before the
// first birth: what a copy was left with is the business of the cluster that it is a copy of.
func (d *Desk) settleOnce() {
	seen, overdue := map[uint64]bool{}, int64(0) // whether it is paying
	first, born := d.firstSeq()
	if !born {
		return
	}
	accounts := d.accountsNow()
	for after := first - 1; d.stop.Err() == nil; {
		var views []sequencer.OrderView
		var stranded [unsettledPage]bool
		d.node.Read(func(s sequencer.Reader) {
			views = s.Unsettled(after, unsettledPage)
			for i := range views {
				stranded[i] = accounts.note(s, &views[i])
			}
		})
		for i := range views {
			if d.node.Leader() != nil {
				return
			}
			v := &views[i]
			after = v.Seq
			seen[v.Seq] = v.State == sequencer.StatePaying
			if v.Overdue && !v.Lined && !d.line.has(classAttempt, v.Seq) { // its grace counts from the first call
				overdue++
			}
			switch {
			case v.Lined:
				d.settleLined(v)
			case !stranded[i]:
				d.settleInTurn(v)
			}
		}
		if len(views) < unsettledPage {
			d.drop(seen)
			d.endSettled(seen)
			d.counters.overdue.Store(overdue)
			accounts.tell(&d.counters)
			return
		}
	}
}

// settleInTurn lets an unsettled order be worked on if its time has come, and nobody does. What
// is only to be captured waits in the line, without a settler: one of them at least is there
// for outcomes.
func (d *Desk) settleInTurn(v *sequencer.OrderView) {
	onlyCapture := v.CaptureDue && v.VoidsDue == 0
	if onlyCapture && d.line.has(classCapture, v.Seq) {
		return
	}
	if d.stop.Err() != nil || !d.claim(v.Seq) {
		return // who works on it is not to cost it a turn
	}
	if !d.turn(v) {
		d.release(v.Seq)
		return
	}
	if onlyCapture {
		d.release(v.Seq)
		d.captureIfDue(v.Seq)
		return
	}
	if !d.takeSettler(d.settlers) {
		d.release(v.Seq)
		return
	}
	d.counters.settling.Add(1)
	order, turn := v.Seq, d.line.turn()
	d.finished.Go(func() {
		defer func() { d.counters.settling.Add(-1); <-d.settlers }()
		d.settleClaimed(order, turn)
	})
}

// takeSettler takes a place of those who settle; false when the desk is closed before there is one.
// While all work, or wait for their turn in the line, the provider's reach is watched all the
// same.
func (d *Desk) takeSettler(places chan<- struct{}) bool {
	ticker := time.NewTicker(d.config.SettleInterval)
	defer ticker.Stop()
	for {
		select {
		case places <- struct{}{}:
			return true
		case <-d.stop.Done():
			return false
		case <-ticker.C:
			d.watchReach()
		}
	}
}

// firstSeq returns where the cluster's own history begins; false before its first birth.
func (d *Desk) firstSeq() (seq uint64, born bool) {
	d.node.Read(func(s sequencer.Reader) {
		if births := s.Births(); len(births) > 0 {
			seq, born = births[0].FirstSeq, true
		}
	})
	return seq, born
}

// drop forgets the retries of orders that are settled.
func (d *Desk) drop(unsettled map[uint64]bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for order := range d.retries {
		if _, still := unsettled[order]; !still {
			delete(d.retries, order)
		}
	}
}

// turn reports whether it is time to ask about an order, and says when the next time
// is.
func (d *Desk) turn(v *sequencer.OrderView) bool {
	now := d.config.Clock()
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.retryOf(v.Seq, v.Attempts)
	if r.awaiting && v.Overdue && !r.hurried {
		r.hurried, r.at, r.pause = true, now, d.config.SettleInterval
	}
	if now.Before(r.at) {
		return false
	}
	r.at = now.Add(r.pause)
	most := d.config.RetryPauseMax
	switch {
	case r.denied: // somebody has to do something about it first
		most *= deniedPauses
	case r.awaiting && !r.hurried:
		most *= awaitingPauses
	}
	r.pause = min(2*r.pause, most)
	d.retries[v.Seq] = r
	return true
}

// settleClaimed settles an order and releases it. What came of it may be settled on at
// once; nobody could claim the order before its release.
func (d *Desk) settleClaimed(order, turn uint64) {
	more := false
	defer func() {
		d.release(order)
		if more {
			d.soon(order)
		}
		d.captureIfDue(order)
	}()
	more = d.settleOrder(order, turn)
}

// captureIfDue lets the money of an order be taken that is paid and not captured.
func (d *Desk) captureIfDue(order uint64) {
	view, known := d.order(order)
	if !known || !view.CaptureDue || view.IsForeign() || d.provider == nil {
		return
	}
	if charge, shown := d.charge(&view, view.Attempts); shown && !d.isElsewhere(&charge) {
		d.captureInTurn(order, view.Attempts, charge, d.settlers)
	}
}

// settleOrder does all but a capture that is due for an order as it stands now, in its turn, and
// reports whether more is due then.
func (d *Desk) settleOrder(order, turn uint64) (more bool) {
	view, known := d.order(order)
	charge, shown := d.charge(&view, view.Attempts)
	charge.turn = turn
	if !known || !shown || view.IsForeign() || charge.Amount > 0 && d.provider == nil {
		return false
	}
	here := !d.isElsewhere(&charge)
	if view.State == sequencer.StatePaying && here {
		more = d.resolve(&view, charge)
	}
	for number := uint8(1); number <= view.Attempts; number++ {
		if view.VoidsDue&(1<<(number-1)) != 0 {
			if due, shown := d.charge(&view, number); shown && !d.isElsewhere(&due) {
				d.void(&view, number, due)
			}
		}
	}
	if here {
		d.returnParts(&view, charge)
	}
	return more
}

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

// setUnreached notes that an attempt failed through no fault of its buyer's.
func (d *Desk) setUnreached(order uint64, attempt uint8) {
	d.editRetry(order, attempt, func(r *retry) { r.unreached = !r.awaiting })
}

// setWaited notes that the provider was asked first after the attempt had waited in the line.
func (d *Desk) setWaited(order uint64, attempt uint8) {
	d.editRetry(order, attempt, func(r *retry) { r.waited = true })
}

// editRetry changes what is remembered of an attempt, from now on when nothing was.
func (d *Desk) editRetry(order uint64, attempt uint8, change func(*retry)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.retryOf(order, attempt)
	change(&r)
	d.retries[order] = r
}

// retryOf returns what is remembered of an attempt, from now on when nothing was. The caller
// holds the lock.
func (d *Desk) retryOf(order uint64, attempt uint8) retry {
	if r, known := d.retries[order]; known && r.attempt == attempt {
		return r
	}
	return retry{attempt: attempt, since: d.config.Clock(), pause: d.config.SettleInterval}
}

// deniedPauses is how many times as long as RetryPauseMax the pause may be before the provider
// is asked again about money that it denies to have.
const deniedPauses = 6

// setDenied notes that the provider denies what is due. It is so until the order is settled.
func (d *Desk) setDenied(order uint64, attempt uint8) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r, known := d.retries[order]; known && r.attempt == attempt {
		r.denied = true
		d.retries[order] = r
	}
}

func (d *Desk) isUnreached(v *sequencer.OrderView) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	r, known := d.retries[v.Seq]
	return known && r.attempt == v.Attempts && r.unreached
}

func (d *Desk) isCancelling(v *sequencer.OrderView) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	r, known := d.retries[v.Seq]
	return known && r.attempt == v.Attempts && r.cancelling
}

func (d *Desk) setCancelling(v *sequencer.OrderView) {
	d.editRetry(v.Seq, v.Attempts, func(r *retry) { r.cancelling = true })
}

// soon lets an order be settled on at once.
func (d *Desk) soon(order uint64) {
	d.mu.Lock()
	delete(d.retries, order)
	d.mu.Unlock()
	d.Wake()
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

// void gives money back that came for nothing, and commits that it went. Only the provider's
// word that it did ends it: one who never heard of the charge is not asked in the right
// account, or has lost its books.
func (d *Desk) void(v *sequencer.OrderView, number uint8, c Charge) {
	outcome := sequencer.PayRefunded
	if c.Amount > 0 {
		refund := refundOf(v, number)
		status, err := d.calls.Return(context.Background(), c, refund)
		if errors.Is(err, ErrConflict) {
			d.refuse(err) // another's money does not go back for this order
		}
		if err == nil && status.Phase == Captured && status.Refunds >= refund && status.Refusal != sequencer.ReasonNone {
			d.bounce(v.Seq, number, refund, status.Refusal)
			return
		}
		if outcome = status.Returned(); err != nil || outcome == sequencer.PayUnknown && status.Phase != Unknown {
			d.config.Logger.Warn("money that must go back has not gone yet; it is tried again", "payment", c.Key, "phase", status.Phase, "error", err)
			return
		}
		if outcome != sequencer.PayRefunded && (outcome == sequencer.PayUnknown || v.Captured && number == v.Attempts) {
			d.setDenied(v.Seq, v.Attempts)
			d.config.Logger.Error("money must go back that the payment provider says it never took; it stays due", "payment", c.Key, "phase", status.Phase)
			return
		}
	}
	d.config.Reached(StepCancelled)
	result, err := d.node.Decide(&sequencer.Command{Kind: sequencer.KindPayVoided, Order: v.Seq, Attempt: number, Outcome: outcome})
	if err == nil && result.Code == sequencer.CodeOK {
		d.counters.voided.Add(1)
		d.config.Reached(StepVoided)
	}
}
