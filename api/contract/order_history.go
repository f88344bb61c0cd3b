package contract

import "time"

// OrderHistory is a page of what happened to an order, in order.
type OrderHistory struct {
	Order   string       `json:"order"` // uid
	Events  []OrderEvent `json:"events"`
	HasMore bool         `json:"has_more"`
	Cursor  string       `json:"cursor,omitempty"` // of the next page
	AsOf    string       `json:"as_of"`
}

// OrderEvent is a decision about an order, or what happened to it without a command of its own.
type OrderEvent struct {
	// Seq is the decision's place in the one global order; of an event that of the last decision
	// before it.
	Seq  uint64    `json:"seq"`
	Time time.Time `json:"time"` // of its batch, by the log's clock
	// Event is the command's kind, such as buy or pay_result, or expired, promoted, overdue,
	// cancelled, refunded.
	Event string `json:"event"`
	// Code is ok, or why a command was refused; "" of an event.
	Code     string `json:"code,omitempty"`
	State    string `json:"state,omitempty"` // of the order after it
	Quantity uint8  `json:"quantity,omitempty"`
	Position uint32 `json:"position,omitempty"` // in the waitlist

	ExpiresAt *time.Time `json:"expires_at,omitempty"` // end of the hold
	Attempt   uint8      `json:"attempt,omitempty"`    // to pay
	Outcome   string     `json:"outcome,omitempty"`    // as the provider told it
	Reason    string     `json:"reason,omitempty"`     // why it was rejected, or a refund failed
	Amount    int64      `json:"amount,omitempty"`     // minor units; of a sale_extend nanoseconds
	Part      uint8      `json:"part,omitempty"`       // of the order
	Dispute   string     `json:"dispute,omitempty"`    // its status
	Actor     string     `json:"actor,omitempty"`      // of a seller's or operator's command
	Note      string     `json:"note,omitempty"`       // what the actor said of it
}
