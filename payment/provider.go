package payment

import (
	"context"
	"errors"
	"time"

	"onsale/sequencer"
)

// Errors of providers; everything else that a provider returns means that the outcome
// is not known.
var (
	// ErrNotice is returned when a webhook's signature, time or body is not good.
	ErrNotice = errors.New("not a notice of the payment provider")
	// ErrOff is returned when the cluster takes no payments.
	ErrOff = errors.New("payments are off")
	// ErrNoAnswer is returned when the provider's books cannot be read.
	ErrNoAnswer = errors.New("the payment provider does not answer")
	// ErrConflict is returned when a key came before with another amount, currency or
	// order: a bug on our side.
	ErrConflict = errors.New("the key was used for another charge")
)

// Charge is one attempt to pay one order, as the provider knows it.
type Charge struct {
	Key      string `json:"key"`      // sequencer.PaymentRef: unique for ever
	Order    string `json:"order"`    // the order's uid
	Amount   int64  `json:"amount"`   // minor units, above 0
	Currency string `json:"currency"` // ISO 4217, capitals
}

// Phase is where a charge stands at the provider. Declined, Cancelled and Refunded are
// final; Captured is unless it is cancelled.
type Phase string

// The phases of a charge.
const (
	Unknown    Phase = "unknown"    // the provider has never heard of the key
	Processing Phase = "processing" // no outcome yet
	Authorised Phase = "authorised" // the money is reserved for us
	Captured   Phase = "captured"   // the money is ours
	Declined   Phase = "declined"
	Cancelled  Phase = "cancelled" // no money was or will be taken
	Refunded   Phase = "refunded"  // it was taken and went back
)

// Status is what a provider says of a charge.
type Status struct {
	Phase  Phase               `json:"phase"`
	Reason sequencer.PayReason `json:"reason,omitempty"` // with Declined
}

// Outcome returns what the log is told; PayUnknown while there is nothing to tell.
func (s Status) Outcome() sequencer.PayOutcome {
	switch s.Phase {
	case Authorised, Captured:
		return sequencer.PayAccepted
	case Declined:
		return sequencer.PayRejected
	case Cancelled, Refunded:
		return sequencer.PayCancelled
	}
	return sequencer.PayUnknown
}

// Entry is one charge in the provider's books.
type Entry struct {
	Charge
	Status
	// Captured and Refunded are what was taken and what of it went back, in minor
	// units.
	CapturedAmount int64     `json:"captured_amount"`
	RefundedAmount int64     `json:"refunded_amount"`
	CreatedAt      time.Time `json:"created_at"`
}

// Provider takes money. All methods may be called at once and again; an error other
// than ErrConflict and ErrNotice says nothing about what happened there. The provider
// gives the calls of one key one order.
type Provider interface {
	// Name is the provider's, as the webhook's path spells it.
	Name() string
	// Authorise reserves the amount on a payment method. A key that is known keeps
	// its outcome, whatever the method; a cancelled key stays cancelled.
	Authorise(ctx context.Context, c Charge, method string) (Status, error)
	// Find says where a charge stands. It never charges.
	Find(ctx context.Context, c Charge) (Status, error)
	// Capture takes the money of an authorised charge. Captured again it stays so; in
	// every other phase nothing happens and the phase is returned.
	Capture(ctx context.Context, c Charge) (Status, error)
	// Cancel makes sure that no money is kept: what is not taken is voided, what was
	// taken goes back, and a key that is not known yet can never be authorised. It
	// returns Cancelled, Refunded or Declined then, another phase when it cannot be
	// done now.
	Cancel(ctx context.Context, c Charge) (Status, error)
	// Ledger returns the provider's books in the order of the charges' creation, at
	// most limit entries behind a cursor; the next cursor is "" at the end.
	Ledger(ctx context.Context, cursor string, limit int) (entries []Entry, next string, err error)
	// Notice checks a webhook's signature and returns the key that it is about, ""
	// for one that is about nothing of ours. ErrNotice.
	Notice(signature string, body []byte, now time.Time) (key string, err error)
}
