package contract

import (
	"time"

	"onsale/sequencer"
)

// Decision answers a buy.
type Decision struct {
	Status   string     `json:"status"`              // pending or fail; an order's word of now when replayed
	Reason   string     `json:"reason,omitempty"`    // with fail
	StartsAt *time.Time `json:"starts_at,omitempty"` // with not_started
	// AvailableQuantity is how many are left when reason is not_enough; Detail says then
	// how to get them.
	AvailableQuantity uint8  `json:"available_quantity,omitempty"`
	Detail            string `json:"detail,omitempty"`

	Callback  string     `json:"callback,omitempty"`   // path of the order
	Order     string     `json:"order,omitempty"`      // uid of the order
	State     string     `json:"state,omitempty"`      // of the order
	Quantity  uint8      `json:"quantity,omitempty"`   // tickets held, or wanted while waiting
	Position  uint32     `json:"position,omitempty"`   // in the waitlist, from 1
	Seq       uint64     `json:"seq"`                  // place in the one global order
	ExpiresAt *time.Time `json:"expires_at,omitempty"` // end of the hold
	// AsOfSeq is set in place of Seq when the answer was given at the door
	// (DoorDecision).
	AsOfSeq uint64 `json:"as_of_seq,omitempty"`

	// Replayed says that the idempotency key has this order already (the header
	// Idempotent-Replayed).
	Replayed bool `json:"-"`
}

// DetailNotEnough is a refusal's detail when some tickets are left and fewer than the buy
// would take.
const DetailNotEnough = "fewer are left than you take at least; with min=1 you get what is left"

// DoorDecision answers a buy that did not go into the line, because its answer is
// the same wherever in the line it would be: it has no seq.
type DoorDecision struct {
	Status  string `json:"status"` // fail
	Reason  string `json:"reason"` // closed
	AsOfSeq uint64 `json:"as_of_seq"`
}

// Challenge is what a buyer has to solve before a buy: find the number NONCE, in
// decimal digits, for which the SHA-256 of CHALLENGE:NONCE begins with so many
// zero bits, and send that text in the header X-Challenge-Response.
type Challenge struct {
	Challenge      string    `json:"challenge"`
	DifficultyBits int       `json:"difficulty_bits"`
	ExpiresAt      time.Time `json:"expires_at"` // it serves any number of buys before
}

// ChallengeHeader is the header of a solved challenge.
const ChallengeHeader = "X-Challenge-Response"

// Order is an order as its buyer sees it.
type Order struct {
	UID        string     `json:"uid"`
	UserID     string     `json:"user_id"`
	PaymentRef string     `json:"payment_ref"` // "" until paid, and for what a copied cluster sold
	Status     string     `json:"status"`      // pending, paid, expired, cancelled, refunded
	CreationTS time.Time  `json:"creation_ts"`
	Quantity   uint8      `json:"quantity"`
	Sale       string     `json:"sale"`
	State      string     `json:"state"`
	Seq        uint64     `json:"seq"`
	Position   uint32     `json:"position,omitempty"`
	ExpiresAt  *time.Time `json:"expires_at,omitempty"`
	Reference  string     `json:"reference,omitempty"` // as the buy said
	// Attempts counts the attempts to pay; PaymentReason says why the newest was
	// rejected.
	Attempts      uint8  `json:"attempts,omitempty"`
	PaymentReason string `json:"payment_reason,omitempty"`
	// While an attempt waits for its turn at the payment provider, as in Payment; not in a list.
	Place       uint64 `json:"place,omitempty"`
	WaitSeconds uint64 `json:"wait_seconds,omitempty"`
	// MoneyBack is due while money that was taken for nothing, or refunded, is not
	// back with the buyer's bank, and done then; failed when the bank did not take it, twice,
	// or the provider refuses it. MoneyBackReason says why it failed, MoneyBackAcknowledged that a
	// seller has taken note.
	MoneyBack             string `json:"money_back,omitempty"`
	MoneyBackReason       string `json:"money_back_reason,omitempty"`
	MoneyBackAcknowledged bool   `json:"money_back_acknowledged,omitempty"`
	// Parts are what of a paid order was refunded while the rest goes on; Quantity is the rest.
	Parts []OrderPart `json:"parts,omitempty"`
	// Tickets are those of a paid order that are not revoked.
	Tickets []OrderTicket `json:"tickets,omitempty"`
	// Dispute is how the dispute (chargeback) of its money stands; nil when there is none.
	Dispute *Dispute `json:"dispute,omitempty"`
	AsOfSeq uint64   `json:"as_of_seq"`
	// AsOf is missing from the answer to a change, which has a seq and no batch yet.
	AsOf string `json:"as_of,omitempty"`
}

// OrderPart is what of a paid order was refunded by itself.
type OrderPart struct {
	Part            uint8  `json:"part"` // from 1, of all that was ever given back of the order
	Quantity        uint8  `json:"quantity"`
	MoneyBack       string `json:"money_back"`
	MoneyBackReason string `json:"money_back_reason,omitempty"` // why it failed
}

// OrderTicket is a ticket that lets somebody in.
type OrderTicket struct {
	Number uint32 `json:"number"` // in its sale, from 1 in the order of payment
	// Code is what is shown at the entrance; "" in a list, in the answer to a change, to who only
	// reads, and where the nodes have no --ticket-key-file.
	Code string `json:"code,omitempty"`
}

// SaleTicket is a ticket as the list for the entrance has it.
type SaleTicket struct {
	Number    uint32 `json:"number"` // in its sale, from 1 in the order of payment
	Revoked   bool   `json:"revoked"`
	Order     string `json:"order"` // uid
	UserID    string `json:"user_id"`
	Reference string `json:"reference,omitempty"` // as the buy said
	// Code is what is shown at the entrance; "" of a ticket that is revoked, and where the nodes
	// have no --ticket-key-file.
	Code string `json:"code,omitempty"`
}

// SaleTicketPage is one page of the tickets of a sale, by number.
type SaleTicketPage struct {
	Tickets []SaleTicket `json:"tickets"`
	// After is behind which place the next page begins.
	After   uint64 `json:"after"`
	HasMore bool   `json:"has_more"`
	AsOf    string `json:"as_of"`
}

// Dispute is what the payment provider says of a dispute.
type Dispute struct {
	Status string `json:"status"` // needs_response, under_review, won, lost
	Amount int64  `json:"amount"` // minor units
	// EvidenceBy is until when the seller may give evidence; nil for no time.
	EvidenceBy *time.Time `json:"evidence_by,omitempty"`
}

// disputeOf returns what is shown of a dispute; nil for none.
func disputeOf(d *sequencer.Dispute) *Dispute {
	if d.Status == sequencer.DisputeNone {
		return nil
	}
	shown := &Dispute{Status: d.Status.String(), Amount: d.Amount}
	if d.EvidenceBy != 0 {
		by := Time(d.EvidenceBy)
		shown.EvidenceBy = &by
	}
	return shown
}

// OrderPage is one page of the caller's orders, by cluster and seq.
type OrderPage struct {
	Orders  []Order `json:"orders"`
	HasMore bool    `json:"has_more"`
	Cursor  string  `json:"cursor,omitempty"` // of the next page
	// AsOfSeq and AsOf are missing when there are several clusters: each order has its own.
	AsOfSeq *uint64 `json:"as_of_seq,omitempty"`
	AsOf    string  `json:"as_of,omitempty"`
}

// Sale is a sale as buyers see it.
type Sale struct {
	UID               string    `json:"uid"`
	Item              string    `json:"item"`
	TotalQuantity     uint32    `json:"total_quantity"`
	AvailableQuantity uint32    `json:"available_quantity"`
	Price             int64     `json:"price"`
	Currency          string    `json:"currency"`
	Cap               uint8     `json:"cap"`
	Status            string    `json:"status"`
	StartsAt          time.Time `json:"starts_at"`
	Waiting           uint32    `json:"waiting"`
	// Test says that the sale is a rehearsal: nobody gets a ticket there.
	Test      bool      `json:"test,omitempty"`
	ServedSeq uint64    `json:"served_seq"`
	AsOfSeq   uint64    `json:"as_of_seq"`
	AsOf      string    `json:"as_of"`
	AsOfTime  time.Time `json:"as_of_time"`
}

// SalePage is one page of the sales, in the order of their creation.
type SalePage struct {
	Tickets []Sale `json:"tickets"`
	HasMore bool   `json:"has_more"`
	Cursor  string `json:"cursor,omitempty"`
	// Incomplete names the clusters that were never reached, whose sales are missing.
	Incomplete []string `json:"incomplete,omitempty"`
	// AsOfSeq and AsOf are missing when there are several clusters: each sale has its own.
	AsOfSeq *uint64 `json:"as_of_seq,omitempty"`
	AsOf    string  `json:"as_of,omitempty"`
}

// Time returns a time of the log as the contract spells it.
func Time(nanoseconds int64) time.Time {
	return time.Unix(0, nanoseconds).UTC().Truncate(time.Millisecond)
}

// asOf spells a position; "" for none.
func asOf(p sequencer.Position) string {
	if p.Height == 0 {
		return ""
	}
	return p.String()
}

// The words of Order.MoneyBack.
const (
	MoneyDue    = "due"
	MoneyDone   = "done"
	MoneyFailed = "failed"
)

// OrderOf returns what a buyer sees of an order under a uid.
func OrderOf(v *sequencer.OrderView, uid string) Order {
	o := Order{
		UID: uid, UserID: v.User, Status: v.State.Status(), CreationTS: Time(v.CreatedAt), Quantity: v.Quantity,
		Sale: v.SaleID, State: v.State.String(), Seq: v.Seq, Position: v.Position, AsOfSeq: v.AsOfSeq,
		Reference: v.Reference, AsOf: asOf(v.AsOf),
	}
	if v.State.Holds() {
		expires := Time(v.Deadline)
		o.ExpiresAt = &expires
	}
	if !v.IsForeign() && (v.State == sequencer.StatePaid || v.State == sequencer.StateRefunded) {
		o.PaymentRef = sequencer.PaymentRef(v.Birth, o.UID, v.Attempts)
	}
	o.Attempts, o.Dispute = v.Attempts, disputeOf(&v.Dispute)
	if v.Reason != sequencer.ReasonNone {
		o.PaymentReason = v.Reason.String()
	}
	switch {
	case v.VoidsDue != 0:
		o.MoneyBack = MoneyDue
	case v.Failed != 0:
		o.MoneyBack, o.MoneyBackReason = MoneyFailed, v.RefundReason.String()
		o.MoneyBackAcknowledged = v.Failed&^v.Acknowledged == 0
	case v.Voided != 0:
		o.MoneyBack = MoneyDone
	}
	o.showParts(v)
	for _, is := range v.Tickets {
		if !is.Revoked {
			o.Tickets = append(o.Tickets, OrderTicket{Number: is.Number})
		}
	}
	return o
}

// showParts shows where the money of an order's parts is. The order's own word is the worst of
// all: due before failed before done.
func (o *Order) showParts(v *sequencer.OrderView) {
	whole := o.MoneyBack
	for i, is := range v.Parts {
		part := OrderPart{Part: uint8(i + 1), Quantity: is.Quantity, MoneyBack: MoneyDone}
		switch is.State {
		case sequencer.PartUnpaid:
			continue
		case sequencer.PartDue:
			part.MoneyBack, o.MoneyBack = MoneyDue, MoneyDue
		case sequencer.PartFailed, sequencer.PartAcknowledged:
			part.MoneyBack, part.MoneyBackReason = MoneyFailed, is.Reason.String()
			if o.MoneyBack != MoneyDue {
				o.MoneyBack, o.MoneyBackReason = MoneyFailed, part.MoneyBackReason
				o.MoneyBackAcknowledged = v.PartTickets(sequencer.PartFailed) == 0 && v.Failed&^v.Acknowledged == 0
			}
		case sequencer.PartJoined:
			part.MoneyBack, part.MoneyBackReason = whole, o.MoneyBackReason
		}
		if o.MoneyBack == "" {
			o.MoneyBack = MoneyDone
		}
		o.Parts = append(o.Parts, part)
	}
}

// SaleOf returns what buyers see of a sale, with its status at now.
func SaleOf(v *sequencer.SaleView, now int64) Sale {
	return Sale{
		UID: v.ID, Item: v.Item, TotalQuantity: v.Quantity, AvailableQuantity: v.Available, Price: v.Price,
		Currency: v.Currency, Cap: v.Cap, Status: v.Status(max(now, v.AsOfTime)).String(), StartsAt: Time(v.StartsAt),
		Waiting: v.Waiting, Test: v.Test, ServedSeq: v.ServedSeq, AsOfSeq: v.AsOfSeq, AsOf: v.AsOf.String(), AsOfTime: Time(v.AsOfTime),
	}
}

// CallbackPrefix is the path under which orders are found.
const CallbackPrefix = "/v1/orders/"
