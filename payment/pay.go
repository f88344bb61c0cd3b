package payment

import (
	"context"
	"errors"
	"time"

	"onsale/sequencer"
)

// Request asks to pay an order.
type Request struct {
	Order  uint64 `json:"order"` // seq
	Sale   uint16 `json:"sale"`  // its number; an order of another sale is not known
	User   string `json:"user"`
	Method string `json:"method"` // what the provider knows the buyer's means of payment by; never logged. No matter for what is free
}

// Answer is how the order stands after a request to pay it.
type Answer struct {
	// Code is CodeOK when this attempt has an outcome, CodePaymentInFlight while it
	// or another one has none, else why no attempt began.
	Code     sequencer.Code       `json:"code"`
	State    sequencer.OrderState `json:"state"`
	Reason   sequencer.PayReason  `json:"reason,omitempty"` // when rejected
	Attempt  uint8                `json:"attempt,omitempty"`
	Key      string               `json:"payment_ref,omitempty"` // of the attempt
	Deadline int64                `json:"deadline_ns,omitempty"`
	RetryAt  int64                `json:"retry_at_ns,omitempty"` // when another attempt may begin; 0 for at once or never
	// NextAction is what the buyer must do now, with CodePaymentInFlight; nil for nothing.
	NextAction *NextAction `json:"next_action,omitempty"`
	Seq        uint64      `json:"seq"`            // of the decision
	Line       *Place      `json:"line,omitempty"` // while the attempt waits for its turn at the provider
}

// Pay begins an attempt to pay an order and returns when it has an outcome or waits for its
// buyer, or when ctx ends: then the attempt goes on without the asker. While one waits for
// its buyer, the same means of payment have the same answer again, and with others it is
// cancelled first. Its errors are ErrNoLeader,
// ErrOverloaded, ErrStopping, ErrForeign, ErrOff, ErrMethod, ErrNoAnswer and ErrOtherAccount (no attempt began, all),
// ErrBehind and ErrOutcomeUnknown.
func (d *Desk) Pay(ctx context.Context, r Request) (Answer, error) {
	if err := d.node.Leader(); err != nil {
		return Answer{}, err
	}
	attempt, answer, err := d.begin(ctx, &r)
	switch {
	case err != nil:
		return answer, err
	case attempt != nil:
		return d.inTurn(ctx, attempt, answer, r.Method), nil
	case answer.Code == sequencer.CodePaymentInFlight:
		return d.inFlight(ctx, r, answer)
	}
	return answer, nil
}

// inTurn lets an attempt that began go on in its turn, and returns what came of it; what is known
// when ctx ends, or will before it is its turn.
func (d *Desk) inTurn(ctx context.Context, attempt *attempt, answer Answer, method string) Answer {
	told := make(chan Answer, 1)
	d.takeTurn(attempt, method, told)
	d.noRoom(&attempt.charge)
	if waiting := d.waiting(ctx, attempt.order); waiting != nil {
		answer.Line = waiting
		return answer
	}
	select {
	case answer = <-told:
	case <-ctx.Done():
		d.counters.unanswered.Add(1)
		answer.Line = d.line.place(attempt.order)
	}
	return answer
}

// inFlight answers who asks while an attempt is under way: with its outcome, when it is by
// the same means. One that is not under way here, but at the provider, is asked about.
func (d *Desk) inFlight(ctx context.Context, r Request, answer Answer) (Answer, error) {
	if !d.isLive(r.Order) {
		return d.payOpen(ctx, r, answer)
	}
	if answer.Line = d.waiting(ctx, r.Order); answer.Line != nil {
		return answer, nil
	}
	if l := d.join(r.Order, r.Method); l != nil {
		var err error
		if answer, err = d.await(ctx, l); err != nil {
			return Answer{}, err
		}
	}
	if answer.Code == sequencer.CodePaymentInFlight {
		answer.Line = d.line.place(r.Order)
	}
	return answer, nil
}

// find returns an order. A leader shows everything that anybody was told of, so an
// order that is not there does not exist, unless this node leads no more and has not
// heard of it.
func (d *Desk) find(ctx context.Context, order uint64) (view sequencer.OrderView, known bool, err error) {
	if view, known = d.order(order); known {
		return view, true, nil
	}
	if _, err := d.node.ReadIndex(ctx); err != nil {
		return view, false, err
	}
	view, known = d.order(order)
	return view, known, nil
}

func (d *Desk) answerOf(v *sequencer.OrderView, code sequencer.Code) Answer {
	a := Answer{Code: code, State: v.State, Attempt: v.Attempts, Reason: v.Reason, Seq: v.AsOfSeq}
	if v.Attempts > 0 {
		a.Key = sequencer.PaymentRef(v.Birth, d.uid(v), v.Attempts)
	}
	if v.State.Holds() {
		a.Deadline = v.Deadline
	}
	return a
}

// pay asks the provider, commits what it says, and tells the buyer. It ends the claim of the
// order before that: who was told may try again at once, and so may a capture or a settler that
// goes on with it. What the provider refused with a 429 was not asked, and waits again.
func (d *Desk) pay(a *attempt, method string, told chan<- Answer) {
	answer, follows := d.outcome(a, method)
	if follows == followsTurn {
		d.takeTurn(a, method, told)
		return
	}
	d.release(a.order)
	d.tell(a, answer, told)
	switch follows {
	case followsCapture:
		d.captureInTurn(a.order, a.number, a.charge, nil)
	case followsSettling:
		d.Wake()
	}
}

// tell answers who began an attempt, and who joined it when it has its outcome or waits for
// its buyer.
func (d *Desk) tell(a *attempt, answer Answer, told chan<- Answer) {
	if answer.Code != sequencer.CodePaymentInFlight || answer.NextAction != nil {
		d.end(a.order, a.number, answer)
	}
	told <- answer
}

// What follows an attempt's answer.
type follows uint8

const (
	followsNothing follows = iota
	followsCapture
	followsSettling // by whoever looks at unsettled orders
	followsTurn     // in the line, once more
)

// outcome asks the provider and commits what it says; it returns what the buyer is told.
func (d *Desk) outcome(a *attempt, method string) (Answer, follows) {
	sent := time.Now()
	status, err := Status{Phase: Cancelled}, error(nil)
	if !a.waited || !d.isCalledOff(a.order) {
		status, err = d.authorise(a.charge, method)
	}
	if d.line.wasRefused(classAttempt, sent, err) {
		return a.begun, followsTurn
	}
	if err != nil {
		d.config.Logger.Warn("the payment provider gave no answer; it is asked on", "payment", a.charge.Key, "error", err)
		if !errors.Is(err, ErrThrottled) {
			d.setUnreached(a.order, a.number)
		}
	}
	if a.waited && status.Outcome() == sequencer.PayUnknown {
		d.setWaited(a.order, a.number)
	}
	d.config.Reached(StepAuthorised)
	if status.Phase == RequiresAction {
		d.noteAwaiting(a.order, a.number, status)
		d.noteMethod(a.order, a.number, method)
		return a.begun.asking(status), followsNothing
	}
	result, err := d.settle(a.order, a.number, status)
	if err != nil || status.Outcome() == sequencer.PayUnknown {
		return a.begun, followsSettling
	}
	d.config.Reached(StepDecided)
	answer := d.answered(a.number, a.charge.Key, status, &result)
	if result.Code == sequencer.CodeOK && result.State == sequencer.StatePaid && a.charge.Amount > 0 {
		return answer, followsCapture
	} else if result.Code == sequencer.CodeLateSuccess {
		return answer, followsSettling
	}
	return answer, followsNothing
}

// authorise asks for the money. What costs nothing needs no provider.
func (d *Desk) authorise(c Charge, method string) (Status, error) {
	if c.Amount == 0 {
		return Status{Phase: Authorised}, nil
	}
	status, err := d.calls.authorise(c, method)
	if errors.Is(err, ErrConflict) {
		return d.refuse(err), nil
	}
	if err != nil {
		return Status{Phase: Processing}, err
	}
	return status, nil
}

// refuse returns what becomes of an attempt whose key has another's charge at the provider:
// it is over. Nothing was or will be charged for it under that key, and what was charged is
// not this order's payment.
func (d *Desk) refuse(conflict error) Status {
	d.config.Logger.Error("a charge at the payment provider belongs to another; it is not taken for this order's", "error", conflict)
	return Status{Phase: Cancelled}
}

// settle commits what the provider says of an attempt; nothing while it says nothing.
func (d *Desk) settle(order uint64, number uint8, status Status) (sequencer.Result, error) {
	outcome := status.Outcome()
	if outcome == sequencer.PayUnknown {
		return sequencer.Result{}, nil
	}
	c := sequencer.Command{Kind: sequencer.KindPayResult, Order: order, Attempt: number, Outcome: outcome}
	if outcome == sequencer.PayRejected || status.Reason == sequencer.ReasonUnavailable {
		c.Reason = status.Reason
	}
	result, err := d.node.Decide(&c)
	d.counters.settled(outcome, &result, err)
	return result, err
}

// charge returns what one attempt of an order costs, for what the order had when the attempt
// began; false while this replica does not show the order's sale yet.
func (d *Desk) charge(v *sequencer.OrderView, number uint8) (Charge, bool) {
	sale, known := d.node.SaleByID(v.SaleID)
	if !known {
		return Charge{}, false
	}
	account := ""
	d.node.Read(func(s sequencer.Reader) { account = s.AccountOf(v.Seq, number) })
	c := Charge{Order: d.uid(v), Birth: v.Birth.String(), Buyer: BuyerDigest(v.Birth, v.User),
		Amount: sale.Price * v.TicketsOf(number), Currency: sale.Currency, Account: account, Since: v.CreatedAt}
	return c.attempt(v.Birth, number), true
}
