package sequencer

// OrderState is where an order stands in its life (doc.go). The
// numbers are part of the journal and snapshot formats.
type OrderState uint8

// The states of an order. StateNone is the state of a command that made none.
const (
	StateNone       OrderState = 0
	StateWaitlisted OrderState = 1
	StateReserved   OrderState = 2
	StatePaying     OrderState = 3
	StatePaid       OrderState = 4
	StateExpired    OrderState = 5
	StateCancelled  OrderState = 6
	StateRefunded   OrderState = 7
)

var stateNames = [...]string{"none", "waitlisted", "reserved", "paying", "paid", "expired", "cancelled", "refunded"}

// String returns the state's name as the HTTP contract spells it.
func (s OrderState) String() string { return nameOf(stateNames[:], uint8(s)) }

// OrderStateNamed returns the state with a name; StateNone when there is none.
func OrderStateNamed(name string) OrderState {
	for state := StateWaitlisted; state <= StateRefunded; state++ {
		if stateNames[state] == name {
			return state
		}
	}
	return StateNone
}

// Status returns the state in the words of a buy's answer: pending, paid, or the state's
// own name when it is final; fail when there is no order.
func (s OrderState) Status() string {
	switch s {
	case StateNone:
		return "fail"
	case StateWaitlisted, StateReserved, StatePaying:
		return "pending"
	default:
		return s.String()
	}
}

// Live reports whether an order in this state counts towards its user's cap.
func (s OrderState) Live() bool { return s >= StateWaitlisted && s <= StatePaid }

// Holds reports whether an order in this state holds unsold tickets.
func (s OrderState) Holds() bool { return s == StateReserved || s == StatePaying }

// Code is the reason of a decision. The numbers are part of the journal format
// and index the counters; new codes go to the end.
type Code uint8

// The codes. CodeOK with the order's state is a success; every other one left
// the state as it was, but for the counters and the remembered key.
const (
	CodeOK Code = iota
	CodeSoldOut
	CodeCapExceeded
	CodeNotStarted
	CodePaused
	CodeClosed
	CodeBadRequest
	CodeUnknownSale
	CodeUnknownOrder
	CodeKeyReused        // the user's key came before with another body
	CodeOrderLimit       // OrdersPerUserMax or OrdersMax
	CodeSessionExpired   // the hold ended before the payment began
	CodeAlreadyPaid      // a second payment of a paid order; nothing to charge
	CodePaymentInFlight  // an attempt has no outcome yet
	CodeAmountMismatch   // the amount is not price x quantity
	CodeAttemptsExceeded // AttemptsMax
	CodeStaleAttempt     // the outcome of an attempt that was settled before
	CodeLateSuccess      // the provider took money for an order that is gone: void it
	CodeNotPayable       // the order's state allows no payment
	CodeNotPaid          // refund of an order that is not paid
	CodeSaleExists       // the sale's id is taken
	CodeSaleStarted      // the sale can only be changed before it starts
	CodeSaleLimit        // SalesMax
	CodeInvalidQuantity  // fewer tickets than are sold and held, or more than TicketsMax; or a part of more than the order has
	CodeNotCancellable   // the order is paying, paid or final; or its money was captured
	CodeSaleChanged      // the sale is not the one that the seller saw
	CodeUnknownSession   // the front-end's session was forgotten
	CodeBatchRepeated    // the session's batch, or a later one, was executed before
	CodeNotTaken         // the command is part of a batch that was not executed
	CodeCoolingDown      // the user let too many holds run out of late
	CodeAttemptTooSoon   // AttemptPause after the last attempt is not over
	CodeDeclinesExceeded // UserDeclinesMax of the user's attempts were declined of late
	CodeNotEnough        // some tickets are left, fewer than the buy would take; Result.Quantity says how many
	CodeNotFailed        // no refund of the order has failed for good
	CodeOtherAccount     // the charge would be under another account than the accepted one
	CodeAccountLimit     // AccountsMax
	CodeAccountInUse     // the provider itself can be asked what became of the money
	CodeNotUnsettled     // there is nothing about the order's money to say
	CodeUnknownTicket    // a refund names a ticket that the order does not have, or not any more
	// CodeCount is the number of codes.
	CodeCount
)

var codeNames = [CodeCount]string{"ok", "sold_out", "cap_exceeded", "not_started", "paused", "closed",
	"bad_request", "unknown_sale", "unknown_order", "key_reused", "order_limit", "session_expired",
	"already_paid", "payment_in_flight", "amount_mismatch", "attempts_exceeded", "stale_attempt",
	"late_success", "not_payable", "not_paid", "sale_exists", "sale_started", "sale_limit",
	"invalid_quantity", "not_cancellable", "sale_changed", "unknown_session", "batch_repeated", "not_taken", "cooling_down",
	"attempt_too_soon", "declines_exceeded", "not_enough", "not_failed",
	"other_account", "account_limit", "account_in_use", "not_unsettled",
	"unknown_ticket"}

// String returns the code's stable name.
func (c Code) String() string { return nameOf(codeNames[:], uint8(c)) }

// Result is the decision of one command.
type Result struct {
	// Seq is the command's place in the one global order, from 1. A replayed
	// result carries the place of the first decision.
	Seq uint64
	// Order is the seq of the order concerned; 0 when there is none. A forward
	// that is answered CodeBatchRepeated has here the seq of the forward that
	// executed its number, 0 for an older number.
	Order uint64
	// Deadline is when the order's hold ends, in nanoseconds; 0 when nothing is held.
	Deadline int64
	// Position is the place in the waitlist, from 1; 0 when not waiting.
	Position uint32
	// Ticket is the first of the numbers of the order's tickets; 0 for one that was never paid.
	Ticket uint32
	// Sale is the number of the sale concerned; 0 when there is none.
	Sale uint16
	// Kind is the command's.
	Kind Kind
	// Code is CodeOK or why not.
	Code Code
	// State is the order's after the decision.
	State OrderState
	// Quantity is how many tickets the order holds or waits for; with CodeNotEnough how
	// many are left.
	Quantity uint8
	// Attempt is the payment attempt that began or ended.
	Attempt uint8
	// Replayed says that an idempotency key was known and this is the first
	// decision again (with the order's state of now).
	Replayed bool
}

// EventKind says what happened to an order without a command of its own.
type EventKind uint8

// The kinds of events.
const (
	// EventExpired: the hold ended and the tickets went back to the count.
	EventExpired EventKind = 1
	// EventPromoted: a waiting order got its reservation.
	EventPromoted EventKind = 2
	// EventOverdue: a payment attempt outlasted the hard limit; whoever
	// asks the provider must now cancel it there. Tickets stay held.
	EventOverdue EventKind = 3
	// EventCancelled: the order ended because its sale was cancelled.
	EventCancelled EventKind = 4
	// EventRefunded: the paid order is refunded because its sale was cancelled.
	EventRefunded EventKind = 5
)

var eventNames = [...]string{"", "expired", "promoted", "overdue", "cancelled", "refunded"}

// String returns the event's name.
func (k EventKind) String() string { return nameOf(eventNames[:], uint8(k)) }

// Event is a change that a batch made beside the decisions of its commands.
type Event struct {
	// Order is the seq of the order.
	Order uint64
	// Deadline is the end of the new hold when promoted; else 0.
	Deadline int64
	// Before is the index of the first command that was decided after the
	// event: 0 for what time did, i+1 for what command i caused.
	Before uint32
	Sale   uint16
	Kind   EventKind
	// Quantity is how many tickets the order holds, or held until the event.
	Quantity uint8
}

// Decisions is what Apply says of a batch. The slices are reused by the next
// Apply into the same value.
type Decisions struct {
	// Time is the log time at which the batch was decided.
	Time int64
	// FirstSeq is the seq of the batch's first command; Results[i].Seq is
	// FirstSeq+i unless replayed.
	FirstSeq uint64
	// Results has one entry for each command, in order.
	Results []Result
	// Events in the order in which they happened.
	Events []Event
}
