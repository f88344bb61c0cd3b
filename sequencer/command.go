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
	KindExtend       Kind = 15
	KindSessionOpen  Kind = 16
	KindForward      Kind = 17
	KindPayCaptured  Kind = 18
	KindBirth        Kind = 19
)

var kindNames = [...]string{"", "buy", "cancel", "pay_begin", "pay_result", "pay_voided", "refund",
	"sale_create", "sale_update", "sale_pause", "sale_resume", "sale_close", "sale_cancel",
	"sale_quantity", "sale_release", "extend", "session_open", "forward", "pay_captured", "birth"}

// String returns the kind's name as reports, metrics and scenario files spell it.
func (k Kind) String() string { return nameOf(kindNames[:], uint8(k)) }

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
)

var payOutcomeNames = [...]string{"", "accepted", "rejected", "unknown", "cancelled"}

// String returns the outcome's name.
func (o PayOutcome) String() string { return nameOf(payOutcomeNames[:], uint8(o)) }

// PayReason says why a payment was rejected, as far as the provider tells.
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
	// PayReasonMax is the last of them.
	PayReasonMax = ReasonUnknownMethod
)

var payReasonNames = [...]string{"none", "declined", "insufficient_funds", "expired_method", "wrong_details",
	"authentication_required", "limit_exceeded", "unknown_method"}

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
//	cancel         Order User
//	pay_begin      Order User Amount
//	pay_result     Order Attempt Outcome Reason
//	pay_voided     Order Attempt
//	pay_captured   Order Attempt
//	refund         Order Actor
//	sale_create    Actor Body (a SaleSpec)
//	sale_update    Sale Revision Actor Body (a SaleSpec; its id must stay)
//	sale_pause     Sale Actor
//	sale_resume    Sale Actor
//	sale_close     Sale Actor
//	sale_cancel    Sale Actor
//	sale_quantity  Sale Amount (tickets more or fewer) Revision Actor
//	sale_release   Sale Amount (withheld tickets to sell again) Actor
//	extend         Amount (nanoseconds that every live deadline moves) Actor
//	session_open   (its seq is the session's id)
//	forward        Order (the session's id) Amount (number of the batch, from 1,
//	               growing) Count (how many of the next commands it consists of)
//	birth          Key (the cluster's new id) Amount (the wall clock's time, nanoseconds)
//	               Count (the BirthCause)
type Command struct {
	Kind     Kind
	Quantity uint8
	Min      uint8
	Attempt  uint8
	Outcome  PayOutcome
	Reason   PayReason // with PayRejected only
	Sale     uint16    // number of the sale, from 1
	Order    uint64    // seq of the order
	Amount   int64     // minor units, tickets, nanoseconds or a batch's number; see the table
	Count    uint32    // commands of a forwarded batch
	Revision uint32    // the sale's that the seller saw; 0 for any
	Key      KeyDigest // zero when the buyer sent no key
	User     []byte
	// Reference is what the buyer's side calls the purchase; empty for none.
	Reference []byte
	// Actor is who gave a seller's or operator's command; empty when nobody says so.
	Actor []byte
	Body  []byte
}

// SaleSpec is what a seller says of a sale. Times are nanoseconds since the
// Unix epoch, durations nanoseconds, money minor units of Currency (ISO 4217).
type SaleSpec struct {
	ID        string // SaleIDBytesMax; [a-z0-9._-], starts with a letter or digit
	Item      string // what is sold, ItemBytesMax
	Quantity  uint32 // tickets, 1..TicketsMax
	Cap       uint8  // tickets one user may hold, 1..CapMax
	Waitlist  uint32 // orders that may wait; 0 means no waitlist
	Price     int64  // of one ticket, 0..PriceMax
	Currency  string // three capital letters
	StartsAt  int64  // a buy decided before is refused with CodeNotStarted; 0 in a command is when that is decided
	Hold      int64  // how long a reservation waits for its payment
	Grace     int64  // by how much a payment that began in time may outlast the hold
	SkipUnfit bool   // promote past a waiting order that does not fit
	// ExpiredHoldsMax is how many holds a user may let run out within CoolDown;
	// who does buys nothing more before the oldest of them is CoolDown ago. 0
	// means as many as the user likes, and CoolDown is 0 too.
	ExpiredHoldsMax uint8
	CoolDown        int64
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
