package payments

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"onsale/cluster/forward"
	"onsale/internal/failpoint"
	"onsale/payment"
	"onsale/sequencer"
)

// Coordinator takes payments while its node leads (payment.Desk): its errors are
// ErrNoLeader, when nothing was taken, and those of package payment.
type Coordinator interface {
	Payer
	Books
}

// Payer takes single payments.
type Payer interface {
	Pay(ctx context.Context, r payment.Request) (payment.Answer, error)
	Place(order uint64) *payment.Place
	Notice(provider, signature string, body []byte) error
	Unsettled(sale uint16) int
}

// Books compares the provider's books with the orders.
type Books interface {
	Reconcile(ctx context.Context) (*payment.Reconciliation, error)
	Orphans(ctx context.Context, caughtUp func(context.Context) error) (*payment.Orphans, error)
	RefundOrphan(ctx context.Context, r payment.RefundRequest, caughtUp func(context.Context) error) (*payment.OrphanRefund, error)
	Disputes(ctx context.Context, caughtUp func(context.Context) error) (*payment.Disputes, error)
}

// Replica is the node of this process.
type Replica interface {
	// Leader returns nil when this node leads, else the error that says who does.
	Leader() error
	// CatchUp returns when the replica shows what the leader had decided at the call.
	CatchUp(ctx context.Context) error
}

// Forwarder brings payments to the leader's coordinator: this process' own while its
// node leads, else there. All methods are safe for concurrent use.
type Forwarder struct {
	links       *forward.Links
	replica     Replica     // nil in a front-end
	coordinator Coordinator // nil where no provider is configured
}

// ForFrontEnd returns the forwarder of a process without a node.
func ForFrontEnd(links *forward.Links) *Forwarder { return &Forwarder{links: links} }

// ForNode returns a node's forwarder; coordinator is nil where no provider is configured.
func ForNode(links *forward.Links, replica Replica, coordinator Coordinator) *Forwarder {
	return &Forwarder{links, replica, coordinator}
}

// answerMargin is by how much the leader answers before the asker gives up.
const answerMargin = 500 * time.Millisecond

// Pay asks for an attempt to pay an order. It returns when the attempt has an outcome, or
// without one when ctx ends. payment.ErrOff, ErrNoLeader when nobody took it,
// ErrOutcomeUnknown when an attempt may be under way.
func (f *Forwarder) Pay(ctx context.Context, r payment.Request) (payment.Answer, error) {
	answer, err := f.payHere(ctx, r)
	if !errors.Is(err, sequencer.ErrNoLeader) {
		return answer, err
	}
	wait := waitMillisecondsMax * time.Millisecond
	if deadline, bounded := ctx.Deadline(); bounded {
		wait = min(wait, max(0, time.Until(deadline)-answerMargin))
	}
	err = f.tell(ctx, verbPay, payQuestion{r, wait.Milliseconds()}, &answer)
	return answer, err
}

// Place returns where an order's attempt is in the leader's line before the provider; nil when
// it does not wait there.
func (f *Forwarder) Place(ctx context.Context, order uint64) (*payment.Place, error) {
	at, err := f.placeHere(order)
	if !errors.Is(err, sequencer.ErrNoLeader) {
		return at, err
	}
	var answer placeAnswer
	err = f.tell(ctx, verbPlace, placeQuestion{order}, &answer)
	return answer.Place, err
}

// Notice brings a provider's webhook to where it is checked: payment.ErrNotice when the
// provider did not send it.
func (f *Forwarder) Notice(ctx context.Context, provider, signature string, body []byte) error {
	err := f.noticeHere(provider, signature, body)
	if !errors.Is(err, sequencer.ErrNoLeader) {
		return err
	}
	return f.tell(ctx, verbNotice, noticeQuestion{provider, signature, body}, new(noticeAnswer))
}

// Unsettled returns of how many orders of a sale a payment is under way, or money is to be
// taken or given back, as this node shows them; false where there is no node.
func (f *Forwarder) Unsettled(sale uint16) (orders int, known bool) {
	if f.coordinator == nil {
		return 0, false
	}
	return f.coordinator.Unsettled(sale), true
}

// Reconcile compares the provider's books with the orders. Every node that knows the
// provider can do it on its own replica, once that shows what the leader has decided.
func (f *Forwarder) Reconcile(ctx context.Context) (*payment.Reconciliation, error) {
	if f.coordinator == nil {
		return nil, payment.ErrOff
	}
	if err := f.replica.CatchUp(ctx); err != nil {
		return nil, err
	}
	return f.coordinator.Reconcile(ctx)
}

// Orphans returns the charges of this cluster whose orders it does not have. Every node that
// knows the provider can look for them, as for Reconcile.
func (f *Forwarder) Orphans(ctx context.Context) (*payment.Orphans, error) {
	if f.coordinator == nil {
		return nil, payment.ErrOff
	}
	return f.coordinator.Orphans(ctx, f.replica.CatchUp)
}

// RefundOrphan gives the money of one of them back: payment.ErrNotOrphan when it is none.
// What was lost never comes back, so that no leader has to be asked for more.
func (f *Forwarder) RefundOrphan(ctx context.Context, r payment.RefundRequest) (*payment.OrphanRefund, error) {
	if f.coordinator == nil {
		return nil, payment.ErrOff
	}
	return f.coordinator.RefundOrphan(ctx, r, f.replica.CatchUp)
}

// Disputes returns the charges that buyers' banks were asked to take back, as every node that knows
// the provider shows them.
func (f *Forwarder) Disputes(ctx context.Context) (*payment.Disputes, error) {
	if f.coordinator == nil {
		return nil, payment.ErrOff
	}
	return f.coordinator.Disputes(ctx, f.replica.CatchUp)
}

// tell asks the leader, once.
func (f *Forwarder) tell(ctx context.Context, verb byte, question, answer any) error {
	body, err := json.Marshal(question)
	if err != nil {
		return err
	}
	failpoint.Hit(failpoint.PaymentAsked)
	defer failpoint.Hit(failpoint.PaymentAnswered)
	text, err := forward.TellLeader(ctx, f.links, func(l *forward.Link) ([]byte, error) {
		return l.Payment(ctx, verb, body)
	})
	if err != nil {
		return err
	}
	return json.Unmarshal(text, answer)
}
