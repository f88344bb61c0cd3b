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
	// ErrOff is returned when the cluster takes no payments, of what costs something.
	ErrOff = errors.New("payments are off")
	// ErrMethod is returned when an order that costs something is to be paid, and no means of
	// payment is named.
	ErrMethod = errors.New("the order costs money: name a means of payment")
	// ErrNoAnswer is returned when the provider's books cannot be read.
	ErrNoAnswer = errors.New("the payment provider does not answer")
	// ErrForeign is returned when an order was made before the cluster's first birth: the
	// cluster is a copy, and its provider knows nothing of that order.
	ErrForeign = errors.New("the order was sold by the cluster that this one is a copy of")
	// ErrThrottled is returned when the provider says that it is too much now: nothing
	// happened, and it is there. One that says that calls come too fast is a Throttled.
	ErrThrottled = errors.New("the payment provider takes no more calls now")
	// ErrConflict is returned when a key came before with another buyer, order, amount or
	// currency: the charge belongs to another and is nothing of ours.
	ErrConflict = errors.New("the key was used for another charge")
	// ErrOtherAccount is returned when a charge is of another account than the provider's, or new
	// ones are made under another: nothing was asked and nothing happened.
	ErrOtherAccount = errors.New("the charge is of another account at the payment provider")
)

// Throttled is the ErrThrottled of a provider to which calls come too fast (HTTP status 429).
type Throttled struct {
	After time.Duration // until the next call may come; 0 when it does not say
	Err   error
}

func (t *Throttled) Error() string { return ErrThrottled.Error() + ": " + t.Err.Error() }

func (t *Throttled) Unwrap() []error { return []error{ErrThrottled, t.Err} }

// Phase is where a charge stands at the provider. Declined, Cancelled and Refunded are
// final; Captured is unless it is cancelled.
type Phase string

// The phases of a charge.
const (
	Unknown    Phase = "unknown"    // the provider has never heard of the key
	Processing Phase = "processing" // no outcome yet
	// RequiresAction: the buyer's bank wants the buyer to authenticate (3-D Secure). Nothing
	// is reserved before that, and nobody knows whether it will be done.
	RequiresAction Phase = "requires_action"
	Authorised     Phase = "authorised" // the money is reserved for us
	Captured       Phase = "captured"   // the money is ours
	Declined       Phase = "declined"
	Cancelled      Phase = "cancelled" // no money was or will be taken
	Refunded       Phase = "refunded"  // it was taken and went back
)

// Status is what a provider says of a charge.
type Status struct {
	Phase  Phase               `json:"phase"`
	Reason sequencer.PayReason `json:"reason,omitempty"` // with Declined
	// Of a captured charge: how many refunds of ours were sent, why the newest of them failed,
	// and whether one is under way.
	Refunds   uint8               `json:"refunds,omitempty"`
	Refusal   sequencer.PayReason `json:"refusal,omitempty"`
	Refunding bool                `json:"refunding,omitempty"`
	// NextAction is with RequiresAction, but not in the books. Method is the means of payment,
	// with that and with Declined, as far as the provider still tells.
	NextAction *NextAction `json:"next_action,omitempty"`
	Method     string      `json:"method,omitempty"`
	// Taken is, of an answer to a capture, what was taken in minor units: perhaps more than
	// was asked for, by a capture of before.
	Taken int64 `json:"taken,omitempty"`
	// Dispute is how the newest dispute of a charge stands that was captured once.
	Dispute sequencer.Dispute `json:"dispute,omitzero"`
}

// Part is a part of what a charge took, that goes back by itself: of an order of which one
// of several tickets was refunded.
type Part struct {
	Number uint8 `json:"part"`   // of the order's parts, from 1
	Refund uint8 `json:"refund"` // which refund of the part, from 1; 0 to send none
	Amount int64 `json:"amount"` // minor units
}

// PartStatus is how the refund of a part stands.
type PartStatus struct {
	Part
	Refusal sequencer.PayReason `json:"refusal,omitempty"` // why it failed
	Back    bool                `json:"back"`
}

// NextAction is what the buyer must do before the provider goes on with a charge. It is a
// secret between provider and buyer: it is kept nowhere, neither in the log nor in a file, and
// is asked for again when it is wanted again.
type NextAction struct {
	Type         string `json:"type"`                    // redirect_to_url, or as the provider spells it
	ClientSecret string `json:"client_secret,omitempty"` // for the provider's library in the buyer's browser
	RedirectURL  string `json:"redirect_url,omitempty"`  // where to send the buyer
}

// ActionRedirect is the NextAction.Type of one that is done at RedirectURL.
const ActionRedirect = "redirect_to_url"

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

// Returned returns what the log is told of money that must go back; PayUnknown while it is not
// known to be back. That the provider has never heard of the charge is no answer.
func (s Status) Returned() sequencer.PayOutcome {
	switch s.Phase {
	case Refunded:
		return sequencer.PayRefunded
	case Declined, Cancelled:
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
	// Method is what a sandbox was paid with, where that says what becomes of the refund.
	Method string `json:"method,omitempty"`
	// A sandbox keeps which parts it refunded, and what of the refunded amount went back at
	// last with the rest.
	Parts []PartStatus `json:"parts,omitempty"`
	Rest  int64        `json:"rest,omitempty"`
}

// Provider takes money. All methods may be called at once and again; an error other
// than ErrConflict, ErrOtherAccount and ErrNotice says nothing about what happened there. The
// provider gives the calls of one key one order. It is asked about charges of its own account
// alone, and returns ErrOtherAccount when it knows better than its caller that one is not.
type Provider interface {
	Identified
	Charges
	Refunds
	Books
	// Notice checks a webhook's signature and returns what it is about, with the key "" for
	// one that is about nothing of ours. It may have to ask the provider. ErrNotice.
	Notice(ctx context.Context, signature string, body []byte, now time.Time) (Notice, error)
}

// Identified says who the provider is, and whose money it takes.
type Identified interface {
	// Name is the provider's, as the webhook's path spells it.
	Name() string
	// Account names the account that the provider speaks for, and all of its books
	// (sequencer.ValidAccount): NAME/test/ID, or NAME/live/ID where money moves. Other books have
	// another. It is cheap once it is known.
	Account(ctx context.Context) (string, error)
}

// Charges takes money.
type Charges interface {
	// Authorise reserves the amount on a payment method. A key that is known keeps
	// its outcome, whatever the method; a cancelled key stays cancelled. It returns
	// RequiresAction, and what that is, when the buyer must authenticate first.
	Authorise(ctx context.Context, c Charge, method string) (Status, error)
	// Find says where a charge stands. It never charges. After Declined nobody can try the
	// charge again, also not a buyer who has its NextAction.
	Find(ctx context.Context, c Charge) (Status, error)
	// Capture takes an amount of an authorised charge, and releases what is beyond it. Captured
	// again it stays so, with what was taken first (Taken); in
	// every other phase nothing happens and the phase is returned, Unknown when the provider
	// never heard of the charge.
	Capture(ctx context.Context, c Charge, amount int64) (Status, error)
	// Cancel ends a charge of which nobody knows an outcome: what is not taken is voided,
	// what was taken goes back, and a key that is not known yet can never be authorised. It
	// returns Cancelled, Refunded or Declined then, another phase when it cannot be
	// done now.
	Cancel(ctx context.Context, c Charge) (Status, error)
}

// Refunds gives money back.
type Refunds interface {
	// Return gives the money of a charge back that was authorised once: what is not taken is
	// voided, what was taken is refunded. It returns Cancelled or Declined when nothing was
	// taken, Refunded when it is back, and Unknown when the provider never heard of the
	// charge, for which it makes none; another phase when it cannot be done now. refund is
	// which refund of the charge it is, from 1: one that was sent is not sent again, and its
	// status says why it failed (Refusal).
	Return(ctx context.Context, c Charge, refund uint8) (Status, error)
	// ReturnPart refunds a part of a captured charge. It returns Refunded when the part is
	// back, Captured while it is not, with what Return says of refunds, and Unknown when the
	// provider never heard of the charge; another phase when nothing was captured. A refund
	// of the part that was sent is not sent again, however often and by whomever.
	ReturnPart(ctx context.Context, c Charge, part Part) (Status, error)
}

// Books is what the provider wrote down.
type Books interface {
	// Lookup returns what the books have under a key, whatever it is; nil for nothing. It
	// never charges. A charge that was made a moment ago may not be found yet.
	Lookup(ctx context.Context, key string) (*Entry, error)
	// Ledger returns the provider's books in the order of the charges' creation, at
	// most limit entries behind a cursor; the next cursor is "" at the end.
	Ledger(ctx context.Context, cursor string, limit int) (entries []Entry, next string, err error)
}

// Notice is what a webhook says.
type Notice struct {
	Key      string // of the charge
	Disputed bool   // it is about a dispute of that
}
