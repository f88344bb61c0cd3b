package sequencer

import "crypto/sha256"

// Kind says what a Command asks for. The numbers are part of the log format.
type Kind uint8

// The kinds of commands. doc.go has the rule of each.
const (
	KindBuy          Kind = 1
	KindCancel       Kind = 2
	KindPayBegin     Kind = 3
	KindPayResult    Kind = 4
	KindPayVoided    Kind = 5
	KindRefund       Kind = 6
	KindSaleCreate   Kind = 7
	KindSaleUpdate   Kind = 8
	KindSalePause    Kind = 9
	KindSaleResume   Kind = 10
	KindSaleClose    Kind = 11
	KindSaleCancel   Kind = 12
	KindSaleQuantity Kind = 13
	KindSaleRelease  Kind = 14
	KindSaleExtend   Kind = 15
	KindSessionOpen  Kind = 16
	KindForward      Kind = 17
	KindPayCaptured  Kind = 18
	KindBirth        Kind = 19
	KindLevel        Kind = 20
	KindOutage       Kind = 21
	KindHoldStop     Kind = 22
	KindHoldGo       Kind = 23
	KindPayBounced   Kind = 24
	KindAcknowledge  Kind = 25
	KindPayDisputed  Kind = 26
	KindAccept       Kind = 27
	KindSettle       Kind = 28
	KindWithdraw     Kind = 29
	KindPayCalled    Kind = 30
	// KindMax is the last of them.
	KindMax = KindPayCalled
)

var kindNames = [...]string{"", "buy", "cancel", "pay_begin", "pay_result", "pay_voided", "refund",
	"sale_create", "sale_update", "sale_pause", "sale_resume", "sale_close", "sale_cancel",
	"sale_quantity", "sale_release", "sale_extend", "session_open", "forward", "pay_captured", "birth", "level",
	"outage", "hold_stop", "hold_go", "pay_bounced", "acknowledge", "pay_disputed",
	"accept_account", "settle", "withdraw", "pay_called"}

// String returns the kind's name as reports, metrics and scenario files spell it.
func (k Kind) String() string { return nameOf(kindNames[:], uint8(k)) }

// Forwardable reports whether another process may send a command of this kind in a batch:
// what buyers ask for. Payments, sellers' commands and the leader's own have other ways.
func (k Kind) Forwardable() bool { return k == KindBuy || k == KindCancel }

// Sellers reports whether a command of this kind is a seller's or operator's, given by who
// has a token that allows it.
func (k Kind) Sellers() bool {
	return k >= KindSaleCreate && k <= KindSaleExtend || k == KindRefund || k == KindWithdraw ||
		k == KindAcknowledge || k == KindAccept || k == KindSettle
}

// OfOrder reports whether a seller's command of this kind is about an order, and not about a sale.
func (k Kind) OfOrder() bool {
	return k == KindRefund || k == KindWithdraw || k == KindAcknowledge || k == KindSettle
}

// givesBackUnpaid reports whether a command of this kind takes back what is not paid.
func (k Kind) givesBackUnpaid() bool { return k == KindCancel || k == KindWithdraw }

// leaders reports whether a command of this kind has no place in a forwarded batch: it is
// what the leader itself says.
func (k Kind) leaders() bool {
	return k == KindForward || k == KindSessionOpen || k == KindLevel || k == KindOutage || k == KindHoldStop || k == KindHoldGo
}

// PayOutcome is what the payment provider says of an attempt.
type PayOutcome uint8

// The outcomes of a payment attempt.
const (
	// PayAccepted: the money is authorised.
	PayAccepted PayOutcome = 1
	// PayRejected: the provider declined; no money moved.
	PayRejected PayOutcome = 2
	// PayUnknown: no answer yet; the order stays paying.
	PayUnknown PayOutcome = 3
	// PayCancelled: the attempt was cancelled at the provider and can never
	// succeed. Only this and PayRejected give tickets back.
	PayCancelled PayOutcome = 4
	// PayRefunded: the money was taken and went back; of money that must go back only.
	PayRefunded PayOutcome = 5
)

var payOutcomeNames = [...]string{"", "accepted", "rejected", "unknown", "cancelled", "refunded"}

// String returns the outcome's name.
func (o PayOutcome) String() string { return nameOf(payOutcomeNames[:], uint8(o)) }

// PayReason says why a payment was rejected, as far as the provider tells, or cancelled.
type PayReason uint8

// The reasons. The numbers are part of the log format.
const (
	ReasonNone                   PayReason = 0
	ReasonDeclined               PayReason = 1 // without saying why
	ReasonInsufficientFunds      PayReason = 2
	ReasonExpiredMethod          PayReason = 3
	ReasonWrongDetails           PayReason = 4
	ReasonAuthenticationRequired PayReason = 5
	ReasonLimitExceeded          PayReason = 6
	ReasonUnknownMethod          PayReason = 7 // the token means nothing to the provider
	// ReasonUnavailable: the provider could not be reached, and the attempt was cancelled.
	ReasonUnavailable PayReason = 8
	// The rest say why a refund failed. ReasonRefundLost: the provider's books have none.
	ReasonRefundLost     PayReason = 9
	ReasonRefundDeclined PayReason = 10 // the buyer's bank did not take it
	ReasonMethodGone     PayReason = 11 // the card is expired, lost or closed
	ReasonDisputed       PayReason = 12 // the buyer has the bank take the money back; final
	ReasonRefundRefused  PayReason = 13 // the provider refuses it for good; final
	// PayReasonMax is the last of them.
	PayReasonMax = ReasonRefundRefused
)

// fits reports whether a reason can be told with an outcome.
func (r PayReason) fits(o PayOutcome) bool {
	switch r {
	case ReasonNone:
		return true
	case ReasonUnavailable:
		return o == PayCancelled
	}
	return r < ReasonUnavailable && o == PayRejected
}

// isFinal reports whether a refund that failed for the reason is not to be sent again.
func (r PayReason) isFinal() bool { return r == ReasonDisputed || r == ReasonRefundRefused }

var payReasonNames = [...]string{"none", "declined", "insufficient_funds", "expired_method", "wrong_details",
	"authentication_required", "limit_exceeded", "unknown_method", "provider_unavailable",
	"refund_lost", "refund_declined", "method_gone", "disputed", "refund_refused"}

// String returns the reason's stable name.
func (r PayReason) String() string { return nameOf(payReasonNames[:], uint8(r)) }

// KeyDigest stands for an idempotency key in the log and in the state: the
// first 16 bytes of a SHA-256 over the user and the key. Zero means no key.
type KeyDigest [16]byte

// DigestKey returns the digest of an idempotency key of a user. Both parts are
// hashed with the user's length before them, so that no two pairs collide by
// where the border lies. It is called at the door, not by the state.
func DigestKey(user, key []byte) KeyDigest {
	buffer := make([]byte, 0, 1+UserBytesMax+KeyBytesMax)
	buffer = append(buffer, byte(len(user)))
	buffer = append(buffer, user...)
	buffer = append(buffer, key...)
	sum := sha256.Sum256(buffer)
	return KeyDigest(sum[:16])
}

// Command is one request in the log. Which fields count depends on Kind; the
// others are zero. User, Reference, Actor and Body refer to the buffer that was decoded
// and live as long as it does.
//
//	kind           fields
//	buy            Sale User Quantity Min Key Reference
//	cancel         Order User Quantity (of a part; 0 for all) Key (of a part)
//	pay_begin      Order User Amount Reference (the account under which it is charged; empty when
//	               it costs nothing) Count (seconds that it may stand in the line before the
//	               provider; 0 when it is called at once)
//	pay_called     Order Attempt
//	pay_result     Order Attempt Outcome Reason
//	pay_voided     Order Attempt Outcome Part
//	pay_captured   Order Attempt Amount (what was taken)
//	pay_bounced    Order Attempt Count (which refund of the attempt or part failed, from 1)
//	               Reason Part
//	acknowledge    Order Attempt Part Actor Body (why, for the record)
//	pay_disputed   Order Attempt Dispute Amount (minor units) Count (until when evidence may be
//	               given, Unix seconds; 0 for no time)
//	accept_account Reference (the account) Actor Body (why, for the record)
//	settle         Order Attempt Part Outcome (what an operator knows of the money) Amount (that was
//	               captured or is back) Actor Body (why, for the record)
//	refund         Order Actor Quantity (of a part; 0 for all) Key (of a part) Body (of a part: the
//	               tickets that it revokes, see AppendTicketNames; empty for the highest)
//	withdraw       Order Actor Quantity (of a part; 0 for all) Key (of a part)
//	sale_create    Actor Body (a SaleSpec)
//	sale_update    Sale Revision Actor Body (a SaleSpec; its id must stay)
//	sale_pause     Sale Revision Actor
//	sale_resume    Sale Revision Actor
//	sale_close     Sale Actor
//	sale_cancel    Sale Actor
//	sale_quantity  Sale Amount (tickets more or fewer) Revision Actor
//	sale_release   Sale Amount (withheld tickets to sell again) Revision Actor
//	sale_extend    Sale Amount (nanoseconds that every live hold of the sale gets) Revision
//	               Actor
//	session_open   (its seq is the session's id)
//	forward        Order (the session's id) Amount (number of the batch, from 1,
//	               growing) Count (how many of the next commands it consists of)
//	birth          Key (the cluster's new id) Amount (the wall clock's time, nanoseconds)
//	               Count (the BirthCause)
//	level          Amount (the level that is next) Actor
//	outage         Order (log time at which it began) Amount (log time at which it ended),
//	               both in nanoseconds; Count (as hold_stop's)
//	hold_stop      Count (seconds that the stops of one hold may last together)
//	hold_go
type Command struct {
	Kind     Kind
	Quantity uint8
	Min      uint8
	Attempt  uint8
	Outcome  PayOutcome
	Reason   PayReason // with PayRejected only
	Dispute  DisputeStatus
	Sale     uint16    // number of the sale, from 1
	Part     uint8     // of the order, from 1; 0 for all that an attempt took
	Order    uint64    // seq of the order; see the table
	Amount   int64     // minor units, tickets, nanoseconds, a time, a batch's number or a level; see the table
	Count    uint32    // commands of a forwarded batch, a birth's cause or seconds; see the table
	Revision uint32    // the sale's that the seller saw; 0 for any
	Key      KeyDigest // zero when the buyer, or seller, sent no key
	User     []byte
	// Reference is what the buyer's side calls the purchase, or the provider its account; empty
	// for none.
	Reference []byte
	// Actor is who gave a seller's or operator's command; empty when nobody says so.
	Actor []byte
	Body  []byte
}

// SaleSpec is what a seller says of a sale. Times are nanoseconds since the
// Unix epoch, durations nanoseconds, money minor units of Currency (ISO 4217).
type SaleSpec struct {
	ID       string // SaleIDBytesMax; [a-z0-9._-], starts with a letter or digit
	Item     string // what is sold, ItemBytesMax
	Quantity uint32 // tickets, 1..TicketsMax
	Cap      uint8  // tickets one user may hold, 1..CapMax
	Waitlist uint32 // orders that may wait; 0 means no waitlist
	Price    int64  // of one ticket, 0..PriceMax
	Currency string // three capital letters
	StartsAt int64  // a buy decided before is refused with CodeNotStarted; 0 in a command is when that is decided
	Hold     int64  // how long a reservation waits for its payment
	// PromotedHold is how long the reservation of who waited does; 0 as long as Hold.
	PromotedHold int64
	Grace        int64 // by how much a payment that began in time may outlast the hold
	SkipUnfit    bool  // promote past a waiting order that does not fit
	// ExpiredHoldsMax is how many holds a user may let run out within CoolDown;
	// who does buys nothing more before the oldest of them is CoolDown ago. 0
	// means as many as the user likes, and CoolDown is 0 too.
	ExpiredHoldsMax uint8
	CoolDown        int64
	// Zone is where the seller's times are told, a name of the IANA's time zones, such as
	// Europe/Berlin; "" is UTC. It decides nothing: the rules know times since the epoch.
	Zone string
	// Test says that the sale is a rehearsal: it takes loads, and its orders are paid under an
	// account that moves no money. The rules are the same for it.
	Test bool
	// BuysPerSecond is how many buys each process that buyers come to lets through, 0 for all
	// that come: a valve for when the shop, the payment provider or the network cannot follow.
	// It decides nothing: who is kept back has no place in the order.
	BuysPerSecond uint32
	// PseudonymKey is under which key the buyers are known in this sale, 0 for as themselves. A buy
	// of somebody else is refused, and it stays while the sale runs.
	PseudonymKey PseudonymKeyID
}

// Batch is the unit of everything: what one raft entry holds.
type Batch struct {
	// Time is the leader's log time in nanoseconds since the Unix epoch.
	Time int64
	// Commands in the order in which the leader received them.
	Commands []Command
}

func nameOf(names []string, n uint8) string {
	if int(n) < len(names) && names[n] != "" {
		return names[n]
	}
	return "unknown"
}
