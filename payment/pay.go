package payment

import (
	"context"
	"fmt"

	"onsale/sequencer"
)

// Request asks to pay an order.
type Request struct {
	Order  uint64 `json:"order"` // seq
	User   string `json:"user"`
	Method string `json:"method"` // what the provider knows the buyer's means of payment by; never logged
}

// Answer is how the order stands after a request to pay it.
type Answer struct {
	// Code is CodeOK when this attempt has an outcome, CodePaymentInFlight while it
	// or another one has none, else why no attempt began.
	Code     sequencer.Code       `json:"code"`
	State    sequencer.OrderState `json:"state"`
	Reason   sequencer.PayReason  `json:"reason,omitempty"` // when rejected
	Attempt  uint8                `json:"attempt,omitempty"`
	Deadline int64                `json:"deadline_ns,omitempty"`
	Seq      uint64               `json:"seq"` // of the decision
}

// Pay begins an attempt to pay an order and returns when it has an outcome, or when
// ctx ends: then the attempt goes on without the asker. Its errors are ErrNoLeader,
// ErrOverloaded, ErrStopping (no attempt began, all three), ErrBehind and
// ErrOutcomeUnknown.
func (d *Desk) Pay(ctx context.Context, r Request) (Answer, error) {
	if err := d.node.Leader(); err != nil {
		return Answer{}, err
	}
	select {
	case d.places <- struct{}{}:
	default:
		d.counters.overloaded.Add(1)
		return Answer{}, fmt.Errorf("%w: %d payments are under way", sequencer.ErrOverloaded, d.config.PaymentsMax)
	}
	attempt, answer, err := d.begin(ctx, r)
	if err != nil || attempt == nil {
		<-d.places
		return answer, err
	}
	told := make(chan Answer, 1)
	d.finished.Go(func() {
		defer func() { <-d.places }()
		defer d.release(r.Order)
		d.pay(attempt, r.Method, told)
	})
	select {
	case answer = <-told:
	case <-ctx.Done():
		d.counters.unanswered.Add(1)
	}
	return answer, nil
}

// attempt is one that began.
type attempt struct {
	charge Charge
	order  uint64
	number uint8
	begun  Answer
}

// begin commits that an attempt begins. Without an attempt, the answer says why.
func (d *Desk) begin(ctx context.Context, r Request) (*attempt, Answer, error) {
	view, known, err := d.find(ctx, r.Order)
	if err != nil {
		return nil, Answer{}, err
	}
	if !known || view.User != r.User {
		return nil, Answer{Code: sequencer.CodeUnknownOrder}, nil
	}
	if !d.claim(r.Order) {
		return nil, answerOf(&view, sequencer.CodePaymentInFlight), nil
	}
	charge, known := d.charge(&view, view.Attempts+1)
	if !known {
		d.release(r.Order)
		return nil, Answer{}, sequencer.ErrBehind
	}
	result, err := d.node.Decide(&sequencer.Command{Kind: sequencer.KindPayBegin, Order: r.Order, User: []byte(r.User), Amount: charge.Amount})
	answer := Answer{Code: result.Code, State: result.State, Attempt: result.Attempt, Deadline: result.Deadline, Seq: result.Seq}
	d.counters.begun(result.Code, err)
	if err != nil || result.Code != sequencer.CodeOK {
		d.release(r.Order)
		return nil, answer, err
	}
	d.config.Reached(StepBegun)
	answer.Code = sequencer.CodePaymentInFlight
	charge.Key = sequencer.PaymentRef(charge.Order, result.Attempt)
	return &attempt{charge, r.Order, result.Attempt, answer}, answer, nil
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

func answerOf(v *sequencer.OrderView, code sequencer.Code) Answer {
	a := Answer{Code: code, State: v.State, Attempt: v.Attempts, Reason: v.Reason, Seq: v.AsOfSeq}
	if v.State.Holds() {
		a.Deadline = v.Deadline
	}
	return a
}

// pay asks the provider, commits what it says, tells the buyer, and captures.
func (d *Desk) pay(a *attempt, method string, told chan<- Answer) {
	status, err := d.authorise(a.charge, method)
	if err != nil {
		d.config.Logger.Warn("the payment provider gave no answer; it is asked on", "payment", a.charge.Key, "error", err)
	}
	d.config.Reached(StepAuthorised)
	result, err := d.settle(a.order, a.number, status)
	if err != nil || status.Outcome() == sequencer.PayUnknown {
		told <- a.begun
		d.Wake()
		return
	}
	d.config.Reached(StepDecided)
	answer := Answer{Code: result.Code, State: result.State, Attempt: a.number, Deadline: result.Deadline, Seq: result.Seq}
	if result.State != sequencer.StatePaid {
		answer.Reason = status.Reason
	}
	told <- answer
	if result.Code == sequencer.CodeOK && result.State == sequencer.StatePaid {
		d.capture(a.order, a.number, a.charge)
	} else if result.Code == sequencer.CodeLateSuccess {
		d.Wake()
	}
}

// authorise asks for the money. What costs nothing needs no provider.
func (d *Desk) authorise(c Charge, method string) (Status, error) {
	if c.Amount == 0 {
		return Status{Phase: Authorised}, nil
	}
	ctx, cancel := d.call()
	defer cancel()
	status, err := d.metered.Authorise(ctx, c, method)
	if err != nil {
		return Status{Phase: Processing}, err
	}
	return status, nil
}

// settle commits what the provider says of an attempt; nothing while it says nothing.
func (d *Desk) settle(order uint64, number uint8, status Status) (sequencer.Result, error) {
	outcome := status.Outcome()
	if outcome == sequencer.PayUnknown {
		return sequencer.Result{}, nil
	}
	c := sequencer.Command{Kind: sequencer.KindPayResult, Order: order, Attempt: number, Outcome: outcome}
	if outcome == sequencer.PayRejected {
		c.Reason = status.Reason
	}
	result, err := d.node.Decide(&c)
	d.counters.settled(outcome, &result, err)
	return result, err
}

// capture takes the money of a paid order and commits that it is taken.
func (d *Desk) capture(order uint64, number uint8, c Charge) bool {
	if c.Amount > 0 {
		ctx, cancel := d.call()
		defer cancel()
		status, err := d.metered.Capture(ctx, c)
		if err != nil {
			return false
		}
		if status.Phase != Captured {
			d.counters.lost.Add(1)
			d.config.Logger.Error("a paid order's money cannot be captured; reconcile and refund it", "payment", c.Key, "phase", status.Phase)
			return false
		}
	}
	d.config.Reached(StepCaptured)
	_, err := d.node.Decide(&sequencer.Command{Kind: sequencer.KindPayCaptured, Order: order, Attempt: number})
	if err != nil {
		return false
	}
	d.counters.captured.Add(1)
	d.config.Reached(StepNoted)
	return true
}

// call bounds one call to the provider. A desk that closes does not cut it off: its
// outcome would be lost for no gain.
func (d *Desk) call() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), d.config.CallTimeout)
}

// charge returns what one attempt of an order costs; false while this replica does not
// show the order's sale yet.
func (d *Desk) charge(v *sequencer.OrderView, number uint8) (Charge, bool) {
	sale, known := d.node.SaleByID(v.SaleID)
	if !known {
		return Charge{}, false
	}
	uid := d.uid(v)
	return Charge{sequencer.PaymentRef(uid, number), uid, sale.Price * int64(v.Quantity), sale.Currency}, true
}
