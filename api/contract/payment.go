package contract

import (
	"cmp"
	"math"
	"time"

	"onsale/payment"
	"onsale/sequencer"
)

// PaymentRequest is the body of POST /v1/tickets/payment.
type PaymentRequest struct {
	Order  string `json:"order"`            // uid
	Method string `json:"method,omitempty"` // the provider's token of a means of payment; not needed for what costs nothing
}

// OrphanToRefund is the body of POST /v1/payments/orphans/refund.
type OrphanToRefund struct {
	Payment string `json:"payment"` // the charge's key
	Reason  string `json:"reason"`  // for the record
}

// Acknowledgement is the body of POST /v1/orders/{uid}/acknowledge. It says of which money it is, so
// that it may be repeated when another refund of the order has failed.
type Acknowledgement struct {
	Attempt uint8  `json:"attempt"`        // the number of the attempt to pay, from 1: the end of its payment's key
	Part    uint8  `json:"part,omitempty"` // of what was refunded by itself (OrderPart.Part); 0 for the attempt's
	Reason  string `json:"reason"`         // for the record
}

// AccountToAccept is the body of POST /v1/payments/account.
type AccountToAccept struct {
	Account string `json:"account"` // payment.Provider.Account
	Reason  string `json:"reason"`  // for the record
}

// Account is under which account new charges are made.
type Account struct {
	Account string `json:"account"`
}

// Settlement is the body of POST /v1/orders/{uid}/settle. It says of which money it is, so that it
// may be repeated when a later attempt to pay is under way.
type Settlement struct {
	Attempt uint8  `json:"attempt"`          // as Acknowledgement's
	Part    uint8  `json:"part,omitempty"`   // as Acknowledgement's; of refunded alone
	As      string `json:"as"`               // captured, not_charged or refunded
	Amount  int64  `json:"amount,omitempty"` // minor units, that were captured or are back; 0 for not_charged
	Reason  string `json:"reason"`           // for the record
}

// OutcomeAs returns what Settlement.As says; false for what is none.
func OutcomeAs(as string) (outcome sequencer.PayOutcome, known bool) {
	switch as {
	case "captured":
		return sequencer.PayAccepted, true
	case "not_charged":
		return sequencer.PayCancelled, true
	case "refunded":
		return sequencer.PayRefunded, true
	}
	return 0, false
}

// ReasonBytesMax bounds a reason for the record, in printable UTF-8.
const ReasonBytesMax = sequencer.NoteBytesMax

// MethodBytesMax bounds PaymentRequest.Method, in printable ASCII.
const MethodBytesMax = 256

// Payment answers a request to pay.
type Payment struct {
	Status     string     `json:"status"` // accepted, rejected or timeout
	Reason     string     `json:"reason,omitempty"`
	Order      string     `json:"order"`
	State      string     `json:"state"`
	PaymentRef string     `json:"payment_ref,omitempty"` // when accepted
	ExpiresAt  *time.Time `json:"expires_at,omitempty"`  // until when it may be tried again
	RetryAt    *time.Time `json:"retry_at,omitempty"`    // from when on another attempt may begin, when it may not at once
	Callback   string     `json:"callback,omitempty"`    // where the outcome will show, when it is not known yet
	// While an attempt waits for its turn at the payment provider: its place in that line, from 1, and
	// the seconds until the provider is asked, as it looks now, rounded up.
	Place       uint64 `json:"place,omitempty"`
	WaitSeconds uint64 `json:"wait_seconds,omitempty"`
	Attempt     uint8  `json:"attempt,omitempty"`
	Seq         uint64 `json:"seq"`
	// NextAction is what the buyer must do before there is an outcome; nil for nothing.
	NextAction *NextAction `json:"next_action,omitempty"`
}

// NextAction is what the buyer's bank wants of the buyer (3-D Secure). It is the buyer's
// alone, like a password for this one payment.
type NextAction struct {
	Type         string `json:"type"`                    // redirect_to_url, or as the provider spells it
	ClientSecret string `json:"client_secret,omitempty"` // for the provider's library in the buyer's browser
	RedirectURL  string `json:"redirect_url,omitempty"`  // where to send the buyer
}

// String says where to send the buyer; without a place, what is to be done by whom.
func (n *NextAction) String() string {
	if n.RedirectURL != "" {
		return n.RedirectURL
	}
	return n.Type
}

// The words of Payment.Status.
const (
	PaymentAccepted = "accepted"
	PaymentRejected = "rejected"
	PaymentTimeout  = "timeout"
)

// The reasons of Payment.Reason that are not a sequencer.PayReason.
const (
	ReasonSessionExpired   = "session_expired"   // timeout: the hold is over
	ReasonProviderTimeout  = "provider_timeout"  // timeout: no outcome yet
	ReasonActionRequired   = "action_required"   // timeout: the provider waits for the buyer (NextAction)
	ReasonAttemptCancelled = "attempt_cancelled" // rejected: the provider had no outcome in time, and will have none
	ReasonTooLate          = "too_late"          // rejected: the order is gone, and the money goes back
)

// IsPending reports whether the outcome is not known yet.
func (p *Payment) IsPending() bool { return p.Callback != "" }

// PaymentShown returns what an order says of its newest attempt, as PaymentOf would have told.
func PaymentShown(o *Order) Payment {
	answer := Payment{Status: PaymentRejected, Reason: o.PaymentReason, Order: o.UID, State: o.State, Attempt: o.Attempts, Seq: o.AsOfSeq}
	switch o.State {
	case sequencer.StatePaid.String():
		answer.Status, answer.Reason, answer.PaymentRef = PaymentAccepted, "", o.PaymentRef
	case sequencer.StatePaying.String():
		answer.Status, answer.Reason, answer.Callback = PaymentTimeout, ReasonProviderTimeout, CallbackPrefix+o.UID
	case sequencer.StateReserved.String():
		answer.ExpiresAt = o.ExpiresAt
		answer.Reason = cmp.Or(answer.Reason, ReasonAttemptCancelled)
	case sequencer.StateExpired.String():
		if answer.Reason == "" {
			answer.Status, answer.Reason = PaymentTimeout, ReasonSessionExpired
		}
	default:
		answer.Reason = cmp.Or(answer.Reason, ReasonTooLate)
	}
	return answer
}

// InLine returns a place in the line before the payment provider as buyers see it; nil is none.
func InLine(at *payment.Place) (place, waitSeconds uint64) {
	if at == nil {
		return 0, 0
	}
	return uint64(at.Place), uint64(math.Ceil(at.Wait.Seconds()))
}

// PaymentOf returns the answer about an order with a uid; pending says that the
// outcome is not known yet.
func PaymentOf(a *payment.Answer, uid string) (answer Payment, pending bool) {
	answer = Payment{Status: PaymentRejected, Order: uid, State: a.State.String(), Attempt: a.Attempt, Seq: a.Seq}
	if a.State == sequencer.StateReserved && a.Deadline != 0 {
		expires := Time(a.Deadline)
		answer.ExpiresAt = &expires
	}
	if a.RetryAt != 0 {
		retry := Time(a.RetryAt)
		answer.RetryAt = &retry
	}
	switch {
	case a.State == sequencer.StatePaid:
		answer.Status, answer.PaymentRef = PaymentAccepted, a.Key
	case a.Code == sequencer.CodePaymentInFlight:
		answer.Status, answer.Reason, answer.Callback = PaymentTimeout, ReasonProviderTimeout, CallbackPrefix+uid
		answer.Place, answer.WaitSeconds = InLine(a.Line)
		if next := a.NextAction; next != nil {
			answer.Reason, answer.NextAction = ReasonActionRequired, &NextAction{next.Type, next.ClientSecret, next.RedirectURL}
		}
	case a.Code == sequencer.CodeSessionExpired:
		answer.Status, answer.Reason = PaymentTimeout, ReasonSessionExpired
	case a.Code == sequencer.CodeLateSuccess:
		answer.Reason = ReasonTooLate
	case a.Code == sequencer.CodeOK && a.Reason != sequencer.ReasonNone:
		answer.Reason = a.Reason.String()
	case a.Code == sequencer.CodeOK || a.Code == sequencer.CodeStaleAttempt:
		answer.Reason = ReasonAttemptCancelled
	default:
		answer.Reason = a.Code.String()
	}
	return answer, answer.IsPending()
}
