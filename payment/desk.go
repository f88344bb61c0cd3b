package payment

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"onsale/sequencer"
)

// Node is the replica beside which a desk works (raftfsm.Node).
type Node interface {
	// Leader returns nil when Decide would take a command now, else its error.
	Leader() error
	Decide(c *sequencer.Command) (sequencer.Result, error)
	// WaitApplied returns when this replica shows a decision, or ErrBehind.
	WaitApplied(ctx context.Context, seq uint64) error
	Order(seq uint64) (sequencer.OrderView, bool)
	SaleByID(id string) (*sequencer.SaleView, bool)
	// Unsettled returns the orders about which the provider must still be asked.
	Unsettled(after uint64, limit int) []sequencer.OrderView
	UnsettledCount() int
	// OrdersWithAttempts returns orders that somebody began to pay, and from where to
	// go on; 0 at the end.
	OrdersWithAttempts(after uint64, limit int) (views []sequencer.OrderView, next uint64)
}

// Config bounds a desk.
type Config struct {
	// Number returns the cluster's number, which is part of its orders' uids.
	Number func() uint8
	// CallTimeout bounds one call to the provider.
	CallTimeout time.Duration
	// AbandonAfter is after how long an attempt of which the provider knows no
	// outcome is cancelled there. It must outlast every authorisation that is still
	// on its way, so it is longer than CallTimeout.
	AbandonAfter time.Duration
	// SettleInterval is how often unsettled orders are looked for.
	SettleInterval time.Duration
	// RetryPauseMax bounds the pause before an order's provider is asked again; the
	// pause doubles from SettleInterval on.
	RetryPauseMax time.Duration
	// PaymentsMax bounds the payments that are under way at once; more are answered
	// overloaded.
	PaymentsMax int
	// SettlersMax bounds the unsettled orders that are worked on at once.
	SettlersMax int
	Clock       func() time.Time
	// Reached is called at each step of the protocol; crash tests die in it.
	Reached func(Step)
	Logger  *slog.Logger
}

// DefaultConfig returns the configuration that serves most.
func DefaultConfig() Config {
	return Config{
		Number: func() uint8 { return 0 }, CallTimeout: 10 * time.Second, AbandonAfter: 15 * time.Second,
		SettleInterval: 250 * time.Millisecond, RetryPauseMax: 10 * time.Second, PaymentsMax: 4096, SettlersMax: 32,
		Clock: time.Now, Reached: func(Step) {}, Logger: slog.New(slog.DiscardHandler),
	}
}

// Step is a place in the protocol at which a crash is tested.
type Step string

// The steps, in the order in which a payment passes them.
const (
	StepBegun      Step = "begun"      // pay_begin is committed
	StepAuthorised Step = "authorised" // the provider has answered the authorisation
	StepDecided    Step = "decided"    // pay_result is committed; the buyer has no answer yet
	StepCaptured   Step = "captured"   // the provider has captured; pay_captured is not committed
	StepNoted      Step = "noted"      // pay_captured is committed
	StepFound      Step = "found"      // a settler has asked how an attempt stands
	StepCancelled  Step = "cancelled"  // a settler has cancelled an attempt, or money that came for nothing
	StepVoided     Step = "voided"     // that is committed
)

// Steps returns all steps.
func Steps() []Step {
	return []Step{StepBegun, StepAuthorised, StepDecided, StepCaptured, StepNoted, StepFound, StepCancelled, StepVoided}
}

// Desk takes payments and settles what is left of them while its node leads. All
// methods are safe for concurrent use.
type Desk struct {
	config   Config
	node     Node
	provider Provider
	metered  meteredProvider // the provider, its calls counted
	counters counters

	stop     context.Context //nolint:containedctx // the desk's life
	cancel   context.CancelFunc
	finished sync.WaitGroup
	places   chan struct{} // one for each payment under way
	wake     chan struct{} // capacity 1: somebody wants to be settled now

	mu      sync.Mutex
	working map[uint64]struct{} // orders that somebody works on
	retries map[uint64]retry    // by order
}

// retry says when an order is asked about again.
type retry struct {
	attempt uint8
	since   time.Time // when its newest attempt was first met here
	at      time.Time
	pause   time.Duration
}

// NewDesk returns a desk that settles until Close.
func NewDesk(config Config, node Node, provider Provider) *Desk {
	d := &Desk{config: config, node: node, provider: provider, metered: meteredProvider{Provider: provider}, places: make(chan struct{}, config.PaymentsMax),
		wake: make(chan struct{}, 1), working: map[uint64]struct{}{}, retries: map[uint64]retry{}}
	d.stop, d.cancel = context.WithCancel(context.Background())
	d.finished.Go(d.settleAll)
	return d
}

// Close ends the desk after the steps that are under way.
func (d *Desk) Close() error {
	d.cancel()
	d.finished.Wait()
	return nil
}

// Provider returns the desk's provider.
func (d *Desk) Provider() Provider { return d.provider }

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
	if err := d.node.WaitApplied(ctx, r.Order); err != nil {
		return nil, Answer{}, err
	}
	view, known := d.node.Order(r.Order)
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

// uid returns an order's uid as buyers know it.
func (d *Desk) uid(v *sequencer.OrderView) string {
	return sequencer.FormatUID(v.Sale, v.Seq|uint64(d.config.Number())<<clusterShift)
}

// clusterShift is where an order's uid has the number of its cluster (api/uid.go).
const clusterShift = 56

// claim keeps others off an order until release; false when somebody works on it.
func (d *Desk) claim(order uint64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, busy := d.working[order]; busy {
		return false
	}
	d.working[order] = struct{}{}
	return true
}

func (d *Desk) release(order uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.working, order)
}

// Wake makes the settlers look now.
func (d *Desk) Wake() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// Notice takes a provider's webhook: it says which charge to ask about, and nothing
// else is believed. ErrNotice for what the provider did not sign, and ErrNoLeader.
func (d *Desk) Notice(provider, signature string, body []byte) error {
	if err := d.node.Leader(); err != nil {
		return err
	}
	if provider != d.provider.Name() {
		return fmt.Errorf("%w: the provider here is %s", ErrNotice, d.provider.Name())
	}
	key, err := d.provider.Notice(signature, body, d.config.Clock())
	if err != nil {
		d.counters.badNotices.Add(1)
		return err
	}
	d.counters.notices.Add(1)
	_, seq, _, err := sequencer.ParsePaymentRef([]byte(key))
	if err != nil || seq>>clusterShift != uint64(d.config.Number()) {
		return nil // about nothing of ours
	}
	d.mu.Lock()
	if r, waiting := d.retries[seq&(1<<clusterShift-1)]; waiting {
		r.at = time.Time{}
		d.retries[seq&(1<<clusterShift-1)] = r
	}
	d.mu.Unlock()
	d.Wake()
	return nil
}

// isStopping reports whether an error ends all work of this desk for now.
func isStopping(err error) bool {
	return errors.Is(err, sequencer.ErrStopping) || errors.Is(err, sequencer.ErrNoLeader)
}
