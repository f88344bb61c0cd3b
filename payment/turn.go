package payment

import (
	"context"
	"errors"
	"time"

	"onsale/sequencer"
)

// takeTurn puts an attempt into the line, at the place of its beginning in the log. It keeps
// the claim of the order. What costs nothing needs no provider, and no line.
func (d *Desk) takeTurn(a *attempt, method string, told chan<- Answer) {
	if a.charge.Amount == 0 {
		d.finished.Go(func() { d.pay(a, method, told) })
		return
	}
	leave := func() {
		d.release(a.order)
		told <- a.begun
	}
	joined := time.Now()
	p := &place{key: a.begun.Seq, order: a.order, leave: leave, run: func() {
		if d.node.Leader() != nil { // the next leader's coordinator settles it
			leave()
			return
		}
		a.waited = time.Since(joined) >= linedFrom
		d.pay(a, method, told)
	}}
	if a.lined && !a.called {
		p.call = func() error { return d.call(a) }
	}
	d.line.join(classAttempt, p)
}

// isCalledOff reports whether an order's sale was cancelled. The provider is not asked then about
// an attempt that waited for its turn and of which it never heard: nobody is charged for nothing.
func (d *Desk) isCalledOff(order uint64) bool {
	view, known := d.order(order)
	return known && d.isCancelled(view.SaleID)
}

func (d *Desk) isCancelled(sale string) bool {
	view, known := d.node.SaleByID(sale)
	return known && view.Cancelled
}

// noRoom gives back the room that was kept in the line for an attempt: it is in it, or did not
// begin.
func (d *Desk) noRoom(c *Charge) {
	if c.Amount > 0 {
		d.line.giveUp()
	}
}

// waiting returns where an order's attempt is in the line when its turn comes later than ctx
// ends, so that nobody need wait for its outcome; else nil.
func (d *Desk) waiting(ctx context.Context, order uint64) *Place {
	end, bounded := ctx.Deadline()
	if !bounded {
		return nil
	}
	if at := d.line.place(order); at != nil && at.Wait > time.Until(end) {
		return at
	}
	return nil
}

// captureInTurn lets the money of a paid order be taken when it is its turn, and there is one of
// the places beside it, when it needs one. Nobody waits for it, so the order is not claimed
// meanwhile: it may be refunded, and is not captured then.
func (d *Desk) captureInTurn(order uint64, number uint8, c Charge, places chan struct{}) {
	p := &place{order: order, leave: func() {}}
	p.run = func() {
		if places != nil {
			places <- struct{}{}
			defer func() { <-places }()
		}
		if d.captureClaimed(order, number, c) {
			d.line.join(classCapture, p)
		}
	}
	d.line.join(classCapture, p)
}

// captureClaimed takes the money of an order that is still to be captured, unless somebody
// works on it, who settles it anyway. It reports whether it must wait for another turn.
func (d *Desk) captureClaimed(order uint64, number uint8, c Charge) (again bool) {
	if d.node.Leader() != nil || !d.claim(order) {
		return false
	}
	defer d.release(order)
	view, known := d.order(order)
	return known && view.CaptureDue && view.Attempts == number && d.capture(order, number, c)
}

// capture takes the money of a paid order and commits how much was taken: less by what was
// refunded of the order before. It reports whether the provider refused with a 429.
func (d *Desk) capture(order uint64, number uint8, c Charge) (again bool) {
	view, _ := d.order(order)
	if !view.CaptureDue || view.Attempts != number {
		return false // all of it was refunded meanwhile
	}
	sent := time.Now()
	status, err := d.calls.capture(c, c.priceOf(&view, number)*int64(view.Quantity))
	if d.line.wasRefused(classCapture, sent, err) {
		return true
	}
	if errors.Is(err, ErrConflict) {
		d.refuse(err) // the order stays paid, and its capture due: somebody has to look
	}
	if err != nil {
		return false
	}

	if status.Phase != Captured {
		d.counters.lost.Add(1)
		d.setDenied(order, number)
		d.config.Logger.Error("a paid order's money cannot be captured; reconcile and refund it", "payment", c.Key, "phase", status.Phase)
		return false
	}
	d.config.Reached(StepCaptured)
	result, err := d.node.Decide(&sequencer.Command{Kind: sequencer.KindPayCaptured, Order: order, Attempt: number, Amount: status.Taken})
	if err == nil && result.Code == sequencer.CodeAmountMismatch { // somebody else captured it
		d.setDenied(order, number)
		d.config.Logger.Error("a paid order's money was captured, and it is another amount than the order costs; reconcile", "payment", c.Key, "captured", status.Taken)
	}
	if err != nil || result.Code != sequencer.CodeOK {
		return false
	}
	d.counters.captured.Add(1)
	d.config.Reached(StepNoted)
	return false
}

// Place returns where the attempt to pay an order is in the line; nil when none waits here.
func (d *Desk) Place(order uint64) *Place { return d.line.place(order) }
