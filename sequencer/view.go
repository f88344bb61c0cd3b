package sequencer

// SaleStatus is where a sale stands at a given log time.
type SaleStatus uint8

// The statuses of a sale.
const (
	SaleScheduled SaleStatus = 1 // StartsAt lies ahead
	SaleOpen      SaleStatus = 2
	SalePaused    SaleStatus = 3 // buys are refused, holds go on
	SaleClosed    SaleStatus = 4 // no more buys; what is reserved may still be paid
	SaleCancelled SaleStatus = 5 // closed, reservations ended, paid orders are refunded
)

var saleStatusNames = [...]string{"", "scheduled", "open", "paused", "closed", "cancelled"}

// String returns the status' name as the HTTP contract spells it.
func (s SaleStatus) String() string { return nameOf(saleStatusNames[:], uint8(s)) }

// Counters are the running totals of one sale, for reports. They only grow.
type Counters struct {
	// Buys counts the buys of this sale by code; Buys[CodeOK] made an order.
	Buys [CodeCount]uint64
	// Replayed counts the buys that were answered from a known key; they are
	// not in Buys.
	Replayed uint64
	// Entered counts by the state that orders entered: Entered[StateReserved]
	// counts every reservation, a promotion included, but not the return from
	// a rejected payment.
	Entered [StateRefunded + 1]uint64
	// Tickets counts the tickets of the orders in Entered, and of the parts that were
	// cancelled or refunded, which enter nothing. Tickets[StatePaid] is the highest number that
	// a ticket of the sale has.
	Tickets [StateRefunded + 1]uint64
	// PromoteBlocked counts how often the head of the waitlist did not fit
	// although tickets were available.
	PromoteBlocked uint64
}

// SaleView is a copy of a sale as of a decision.
type SaleView struct {
	SaleSpec
	Number    uint16
	CreatedAt int64
	Revision  uint32 // counts the seller's changes; creating it was the first
	// ChangedBy is whose the newest of them was, "" when nobody said so, ChangedSeq its
	// decision, and ChangedAt that one's log time.
	ChangedBy  string
	ChangedSeq uint64
	ChangedAt  int64

	Paused    bool
	Closed    bool
	Cancelled bool

	Sold      uint32 // paid tickets
	Held      uint32 // reserved and paying tickets
	Withheld  uint32 // refunded tickets that the seller has not released
	Available uint32 // Quantity - Sold - Held - Withheld
	Waiting   uint32 // orders in the waitlist

	// ServedSeq is the seq of the newest waiting order that was promoted: a
	// waiting client with a lower seq than the head knows that its turn came.
	ServedSeq uint64
	Counters  Counters

	AsOfSeq  uint64   // the last decision that this view includes
	AsOfTime int64    // the log time of that decision
	AsOf     Position // of the batch that this view includes last
}

// Status returns where the sale stands at now (nanoseconds).
func (v *SaleView) Status(now int64) SaleStatus {
	return saleStatus(v.Paused, v.Closed, v.Cancelled, v.StartsAt, now)
}

func saleStatus(paused, closed, cancelled bool, startsAt, now int64) SaleStatus {
	switch {
	case cancelled:
		return SaleCancelled
	case closed:
		return SaleClosed
	case paused:
		return SalePaused
	case now < startsAt:
		return SaleScheduled
	default:
		return SaleOpen
	}
}

// OrderView is a copy of an order as of a decision.
type OrderView struct {
	Seq       uint64
	Sale      uint16
	SaleID    string
	User      string
	State     OrderState
	Quantity  uint8 // held, or wanted while waiting
	Requested uint8 // as the buyer asked
	Min       uint8
	Attempts  uint8  // payment attempts so far; the newest is the live one while paying
	VoidsDue  uint32 // bit n-1 is set when attempt n took money that must be given back
	Voided    uint32 // bit n-1 is set when the money of attempt n was given back
	// Bounced has bit n-1 set when a refund of attempt n failed, and Failed when it failed for
	// good: nothing is sent any more, and the money is not back. Of those Acknowledged has the ones of
	// which a seller has taken note. RefundReason says why the newest of them failed.
	Bounced, Failed, Acknowledged uint32
	RefundReason                  PayReason
	// Parts are what of the order was given back, in order; their numbers begin at 1.
	Parts []Part
	// Tickets are the order's, once it was paid, and stay: by their numbers, which follow each
	// other. PaidSeq is the decision that minted them, and PaidBirth the birth in which that lies;
	// zero before the first, as Birth.
	Tickets   []Ticket
	PaidSeq   uint64
	PaidBirth ClusterID
	// Dispute is what the provider says of a dispute of the newest attempt's money.
	Dispute Dispute
	// CaptureDue says that the newest attempt is accepted and not yet captured.
	CaptureDue bool
	// Captured says that the money of the newest attempt, which was accepted, was captured.
	Captured  bool
	Reason    PayReason // why the newest attempt was rejected; ReasonNone when it was not
	Position  uint32    // in the waitlist, from 1; 0 when not waiting
	CreatedAt int64
	Deadline  int64  // end of the hold; 0 when nothing is or was held
	Overdue   bool   // paying beyond the hard limit, or for too long in the line
	Lined     bool   // paying, and the newest attempt stands in the line: the provider was not called for it
	Reference string // what the buyer's side calls it; "" for none
	// Birth is the cluster's birth in which Seq lies; zero for an order that was made before
	// the first: the cluster is a copy, and what was paid for that order is not its own.
	Birth   ClusterID
	AsOfSeq uint64
	AsOf    Position
}

// UID returns the order's uid.
func (v *OrderView) UID() string { return FormatUID(v.Sale, v.Seq) }

// TicketsOf returns how many tickets an attempt to pay the order was for: those that it has,
// and the parts that were given back since. So the amount of a charge never changes.
func (v *OrderView) TicketsOf(attempt uint8) int64 {
	tickets := int64(v.Quantity)
	for _, part := range v.Parts {
		if part.Attempts >= attempt {
			tickets += int64(part.Quantity)
		}
	}
	return tickets
}

// PartTickets returns how many tickets the parts in a state have.
func (v *OrderView) PartTickets(state PartState) (tickets int64) {
	for _, part := range v.Parts {
		if part.State == state {
			tickets += int64(part.Quantity)
		}
	}
	return tickets
}

// TakenTickets returns for how many tickets the order's capture took money, or will: those
// that it has, and the parts that were refunded and not spared.
func (v *OrderView) TakenTickets() int64 {
	tickets := int64(v.Quantity)
	for _, part := range v.Parts {
		if part.State != PartUnpaid && part.State != PartSpared {
			tickets += int64(part.Quantity)
		}
	}
	return tickets
}

// RestOf returns for how many tickets the money of an attempt must go back, or went, when all of it
// must: those that it was for, but for parts whose money was never captured or went back before.
func (v *OrderView) RestOf(attempt uint8) int64 {
	tickets := v.TicketsOf(attempt)
	if attempt == v.Attempts {
		tickets -= v.PartTickets(PartSpared) + v.PartTickets(PartReturned)
	}
	return tickets
}

// ValidTickets returns how many of the order's tickets are not revoked.
func (v *OrderView) ValidTickets() (count int) {
	for i := range v.Tickets {
		count += int(flagBits(!v.Tickets[i].Revoked))
	}
	return count
}

// WasPaid reports whether the newest attempt's money was accepted, so that it was captured, will
// be, or, when it went back since, may have been before that was noted. Of an order that costs
// nothing it says the same, and there is no charge.
func (v *OrderView) WasPaid() bool { return v.State == StatePaid || v.State == StateRefunded }

// IsForeign reports whether the order was made before the cluster's first birth.
func (v *OrderView) IsForeign() bool { return v.Birth == ClusterID{} }
