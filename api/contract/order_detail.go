package contract

import "onsale/sequencer"

// OrderDetail is an order as sellers see it.
type OrderDetail struct {
	Order
	// Payments are its attempts to pay, in order; missing to its buyer, and when there are none.
	Payments []OrderPayment `json:"payments,omitempty"`
}

// OrderPayment is an attempt to pay, as the state has it.
type OrderPayment struct {
	Attempt    uint8  `json:"attempt"`     // from 1
	PaymentRef string `json:"payment_ref"` // as the provider has it; "" for what a copied cluster sold
	// Outcome is open, accepted, rejected or ended: of an older attempt only the order's history
	// tells why it was not the last.
	Outcome   string `json:"outcome"`
	Reason    string `json:"reason,omitempty"` // why it was rejected
	Captured  bool   `json:"captured,omitempty"`
	MoneyBack string `json:"money_back,omitempty"` // due, done or failed, of what was taken
}

// The words of OrderPayment.Outcome.
const (
	AttemptOpen     = "open"
	AttemptAccepted = "accepted"
	AttemptRejected = "rejected"
	AttemptEnded    = "ended"
)

// DetailOfOrder returns what a seller sees of an order of a cluster.
func DetailOfOrder(cluster uint8, v *sequencer.OrderView) *OrderDetail {
	detail := &OrderDetail{Order: OrderIn(cluster, v)}
	for attempt := uint8(1); attempt <= v.Attempts; attempt++ {
		detail.Payments = append(detail.Payments, paymentOf(detail.UID, v, attempt))
	}
	return detail
}

func paymentOf(uid string, v *sequencer.OrderView, attempt uint8) OrderPayment {
	is, bit := OrderPayment{Attempt: attempt, Outcome: AttemptEnded}, uint32(1)<<(attempt-1)
	if !v.IsForeign() {
		is.PaymentRef = sequencer.PaymentRef(v.Birth, uid, attempt)
	}
	switch newest := attempt == v.Attempts; {
	case newest && v.State == sequencer.StatePaying:
		is.Outcome = AttemptOpen
	case newest && (v.State == sequencer.StatePaid || v.State == sequencer.StateRefunded):
		is.Outcome, is.Captured = AttemptAccepted, v.Captured
	case newest && v.Reason != sequencer.ReasonNone:
		is.Outcome, is.Reason = AttemptRejected, v.Reason.String()
	}
	switch {
	case v.VoidsDue&bit != 0:
		is.MoneyBack = MoneyDue
	case v.Failed&bit != 0:
		is.MoneyBack = MoneyFailed
	case v.Voided&bit != 0:
		is.MoneyBack = MoneyDone
	}
	return is
}
