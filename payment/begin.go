package payment

import (
	"context"
	"fmt"
	"math"

	"onsale/sequencer"
)

// attempt is one that began.
type attempt struct {
	charge Charge
	order  uint64
	number uint8
	begun  Answer
	lined  bool // it began in the line; called: and its call is committed
	called bool
	waited bool // for its turn: its call is outlasted, however short the grace
}

// takes returns why no attempt of an order that costs an amount can begin here. What costs
// nothing needs no provider and no means of payment: one that is named all the same is forgotten.
// Who asks how an attempt stands, or is paid, needs none either.
func (d *Desk) takes(r *Request, v *sequencer.OrderView, amount int64) error {
	switch {
	case amount == 0:
		r.Method = ""
	case d.provider == nil:
		return ErrOff
	case r.Method == "" && v.State != sequencer.StatePaying && v.State != sequencer.StatePaid:
		return ErrMethod
	}
	return nil
}

// begin commits that an attempt begins. Without an attempt, the answer says why.
func (d *Desk) begin(ctx context.Context, r *Request) (*attempt, Answer, error) {
	view, known, err := d.find(ctx, r.Order)
	if err != nil {
		return nil, Answer{}, err
	}
	if !known || view.User != r.User || view.Sale != r.Sale {
		return nil, Answer{Code: sequencer.CodeUnknownOrder}, nil
	}
	if view.IsForeign() {
		d.counters.begun(sequencer.CodeNotPayable, nil)
		return nil, Answer{}, fmt.Errorf("%w: it cannot be paid here", ErrForeign)
	}
	charge, known := d.charge(&view, view.Attempts+1)
	if !known {
		return nil, Answer{}, sequencer.ErrBehind
	}
	if err := d.takes(r, &view, charge.Amount); err != nil {
		return nil, Answer{}, err
	}
	asksOnly := view.State == sequencer.StatePaying && (r.Method == "" || !d.isLive(r.Order))
	if asksOnly || !d.claimToBegin(&view, r.Method) {
		return nil, d.answerOf(&view, busyCode(&view)), nil
	}
	stay, err := d.admit(ctx, &view, &charge)
	if err != nil {
		d.entered(r.Order, 0, Answer{}, err)
		d.release(r.Order)
		return nil, Answer{}, err
	}
	result, err := d.node.Decide(&sequencer.Command{Kind: sequencer.KindPayBegin, Order: r.Order, User: []byte(r.User), Amount: charge.Amount, Reference: []byte(charge.Account), Count: stay})
	if err == nil && (result.Code == sequencer.CodeOtherAccount || result.Code == sequencer.CodeAccountLimit) {
		err = notAccepted(charge.Account, "another one") // it was accepted meanwhile
	}
	answer := Answer{Code: result.Code, State: result.State, Attempt: result.Attempt, Deadline: result.Deadline, Seq: result.Seq}
	if result.Attempt > 0 {
		charge = charge.attempt(view.Birth, result.Attempt)
		answer.Key = charge.Key
	}
	if err == nil && (result.Code == sequencer.CodeAttemptTooSoon || result.Code == sequencer.CodeDeclinesExceeded) {
		answer.RetryAt = d.retryAt(r.Order)
	}
	d.counters.begun(result.Code, err)
	if err != nil || result.Code != sequencer.CodeOK {
		d.entered(r.Order, 0, answer, err)
		d.noRoom(&charge)
		d.release(r.Order)
		return nil, answer, err
	}
	answer.Code = sequencer.CodePaymentInFlight
	d.entered(r.Order, result.Attempt, answer, nil)
	d.config.Reached(StepBegun)
	return &attempt{charge: charge, order: r.Order, number: result.Attempt, begun: answer, lined: stay > 0}, answer, nil
}

// admit finds out under which account an attempt is charged, and takes its room in the line. It
// returns for how many seconds it may stand there; 0 for one that is called at once.
func (d *Desk) admit(ctx context.Context, v *sequencer.OrderView, c *Charge) (seconds uint32, err error) {
	if c.Account, err = d.accountFor(ctx, v, c); err == nil {
		err = d.mayCharge(v, c.Account)
	}
	if err != nil {
		d.counters.begun(sequencer.CodeOtherAccount, nil)
		return 0, err
	}
	if c.Amount == 0 {
		return 0, nil
	}
	stay, err := d.line.enter()
	if err != nil {
		d.counters.overloaded.Add(1)
		return 0, err
	}
	return uint32(min(math.Ceil(stay.Seconds()), sequencer.LineSecondsMax)), nil
}

// busyCode says why an order that is worked on cannot be paid: what is paid may still be
// captured or given back, and is paid all the same.
func busyCode(v *sequencer.OrderView) sequencer.Code {
	if v.State == sequencer.StatePaid {
		return sequencer.CodeAlreadyPaid
	}
	return sequencer.CodePaymentInFlight
}
