package contract

import (
	"time"

	"onsale/sequencer"
)

// Report sums a sale up.
type Report struct {
	Sale     string         `json:"sale"`
	Item     string         `json:"item"`
	Status   string         `json:"status"`
	Requests ReportRequests `json:"requests"`
	Tickets  ReportTickets  `json:"tickets"`
	Money    ReportMoney    `json:"money"`
	Orders   ReportOrders   `json:"orders"`
	Waitlist ReportWaitlist `json:"waitlist"`
	// Latency is absent when no node was asked, or it has answered no buy yet.
	Latency  *ReportLatency `json:"latency,omitempty"`
	AsOfSeq  uint64         `json:"as_of_seq"`
	AsOfTime time.Time      `json:"as_of_time"`
}

// ReportRequests counts the decided buys.
type ReportRequests struct {
	Total    uint64            `json:"total"`    // without replays
	Accepted uint64            `json:"accepted"` // made an order
	Refused  uint64            `json:"refused"`
	ByReason map[string]uint64 `json:"by_reason"` // of the refusals
	Replayed uint64            `json:"replayed"`  // known idempotency keys
}

// ReportTickets says where the tickets are; sold + held + withheld + available
// is the quantity.
type ReportTickets struct {
	Quantity  uint32 `json:"quantity"`
	Sold      uint32 `json:"sold"`
	Held      uint32 `json:"held"`
	Withheld  uint32 `json:"withheld"`
	Available uint32 `json:"available"`
	Expired   uint64 `json:"expired"`   // ever
	Cancelled uint64 `json:"cancelled"` // ever
	Refunded  uint64 `json:"refunded"`  // ever
}

// ReportMoney is in minor units of the currency.
type ReportMoney struct {
	Currency string `json:"currency"`
	Price    int64  `json:"price"`
	Gross    int64  `json:"gross"`    // ever paid
	Refunded int64  `json:"refunded"` // of that
	Net      int64  `json:"net"`      // what the sold tickets cost
}

// ReportOrders counts the orders by what became of them.
type ReportOrders struct {
	Reserved  uint64 `json:"reserved"` // reservations ever, promotions included
	Paid      uint64 `json:"paid"`
	Expired   uint64 `json:"expired"`
	Cancelled uint64 `json:"cancelled"`
	Refunded  uint64 `json:"refunded"`
}

// ReportWaitlist says how the waitlist did.
type ReportWaitlist struct {
	Entered   uint64 `json:"entered"`
	Waiting   uint32 `json:"waiting"`
	ServedSeq uint64 `json:"served_seq"`
	Blocked   uint64 `json:"promote_blocked"` // how often the head did not fit
}

// ReportOf sums a sale up, with its status at now.
func ReportOf(v *sequencer.SaleView, now int64) Report {
	entered, tickets := &v.Counters.Entered, &v.Counters.Tickets
	gross := int64(tickets[sequencer.StatePaid]) * v.Price
	refunded := int64(tickets[sequencer.StateRefunded]) * v.Price
	return Report{
		Sale: v.ID, Item: v.Item, Status: v.Status(max(now, v.AsOfTime)).String(),
		Requests: requestsOf(&v.Counters),
		Tickets: ReportTickets{
			Quantity: v.Quantity, Sold: v.Sold, Held: v.Held, Withheld: v.Withheld, Available: v.Available,
			Expired: tickets[sequencer.StateExpired], Cancelled: tickets[sequencer.StateCancelled], Refunded: tickets[sequencer.StateRefunded],
		},
		Money: ReportMoney{Currency: v.Currency, Price: v.Price, Gross: gross, Refunded: refunded, Net: gross - refunded},
		Orders: ReportOrders{
			Reserved: entered[sequencer.StateReserved], Paid: entered[sequencer.StatePaid], Expired: entered[sequencer.StateExpired],
			Cancelled: entered[sequencer.StateCancelled], Refunded: entered[sequencer.StateRefunded],
		},
		Waitlist: ReportWaitlist{
			Entered: entered[sequencer.StateWaitlisted], Waiting: v.Waiting, ServedSeq: v.ServedSeq, Blocked: v.Counters.PromoteBlocked,
		},
		AsOfSeq: v.AsOfSeq, AsOfTime: Time(v.AsOfTime),
	}
}

func requestsOf(counters *sequencer.Counters) ReportRequests {
	requests := ReportRequests{Accepted: counters.Buys[sequencer.CodeOK], Replayed: counters.Replayed, ByReason: byCode(&counters.Buys)}
	delete(requests.ByReason, sequencer.CodeOK.String())
	for code, count := range counters.Buys {
		requests.Total += count
		if sequencer.Code(code) != sequencer.CodeOK {
			requests.Refused += count
		}
	}
	return requests
}
