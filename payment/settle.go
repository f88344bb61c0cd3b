package payment

import (
	"context"
	"errors"
	"time"

	"onsale/sequencer"
)

// unsettledPage is how many unsettled orders are copied at once, while no batch is decided.
const unsettledPage = 64

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
