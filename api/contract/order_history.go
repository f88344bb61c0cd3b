package contract

import (
	"time"

	"onsale/sequencer"
)

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

var eventStates = [...]sequencer.OrderState{sequencer.EventExpired: sequencer.StateExpired, sequencer.EventPromoted: sequencer.StateReserved,
	sequencer.EventOverdue: sequencer.StatePaying, sequencer.EventCancelled: sequencer.StateCancelled, sequencer.EventRefunded: sequencer.StateRefunded}

// EventOf returns what happened to an order without a command of its own.
func EventOf(d *sequencer.Decisions, e *sequencer.Event) OrderEvent {
	return OrderEvent{Seq: d.FirstSeq + uint64(e.Before) - 1, Time: Time(d.Time), Event: e.Kind.String(),
		State: eventStates[e.Kind].String(), Quantity: e.Quantity, ExpiresAt: ending(e.Deadline)}
}

// DecisionOf returns what was decided of a command.
func DecisionOf(d *sequencer.Decisions, c *sequencer.Command, r *sequencer.Result) OrderEvent {
	e := OrderEvent{Seq: r.Seq, Time: Time(d.Time), Event: c.Kind.String(), Code: r.Code.String(),
		Quantity: r.Quantity, Position: r.Position, Attempt: r.Attempt, Part: c.Part, Actor: string(c.Actor)}
	if r.State != sequencer.StateNone {
		e.State = r.State.String()
	}
	if r.State.Holds() {
		e.ExpiresAt = ending(r.Deadline)
	}
	switch c.Kind {
	case sequencer.KindPayResult, sequencer.KindPayVoided, sequencer.KindPayBounced:
		e.Attempt = c.Attempt
		if c.Outcome != 0 {
			e.Outcome = c.Outcome.String()
		}
		if c.Reason != sequencer.ReasonNone {
			e.Reason = c.Reason.String()
		}
	case sequencer.KindPayCalled:
		e.Attempt = c.Attempt
	case sequencer.KindPayBegin, sequencer.KindSaleExtend:
		e.Amount = c.Amount
	case sequencer.KindPayCaptured:
		e.Attempt, e.Amount = c.Attempt, c.Amount
	case sequencer.KindPayDisputed:
		e.Attempt, e.Amount, e.Dispute = c.Attempt, c.Amount, c.Dispute.String()
	case sequencer.KindSettle:
		e.Attempt, e.Amount, e.Outcome, e.Note = c.Attempt, c.Amount, c.Outcome.String(), string(c.Body)
	case sequencer.KindAcknowledge:
		e.Attempt, e.Note = c.Attempt, string(c.Body)
	}
	return e
}

func ending(nanoseconds int64) *time.Time {
	if nanoseconds == 0 {
		return nil
	}
	at := Time(nanoseconds)
	return &at
}
