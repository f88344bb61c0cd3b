package naive

import (
	"sort"

	"onsale/sequencer"
)

// sale is one sale. The available tickets are never kept, always counted.
type sale struct {
	spec      sequencer.SaleSpec
	number    uint16
	revision  uint32 // seller's commands that were OK
	createdAt int64

	lastActor string // of those commands, as are the seq and the time
	lastSeq   uint64
	lastTime  int64

	paused, closed, cancelled bool

	sold, held, withheld int64
	waiting              []*order // by seq
	servedSeq            uint64
	counters             sequencer.Counters
	lastTicket           int64 // number that was given out
}

func (s *sale) available() int64 { return int64(s.spec.Quantity) - s.sold - s.held - s.withheld }

// order is one order, whatever became of it.
type order struct {
	seq        uint64
	sale       *sale
	user       string
	reference  string
	key        sequencer.KeyDigest
	createdAt  int64
	deadline   int64 // by the holds' own time
	state      sequencer.OrderState
	quantity   uint8 // held, or wanted while waiting
	requested  uint8
	min        uint8
	attempts   uint8
	voidsDue   uint32
	voided     uint32
	declines   int   // attempts that were declined
	triedAt    int64 // when its newest attempt began
	overdue    bool
	lined      bool              // its newest attempt, of which the provider has not heard
	linedTo    int64             // until when that may be so, by the holds' own time
	promoted   bool              // from the waitlist
	ranOut     bool              // it, or a part of it, was cancelled when more than half of its hold was over
	leeway     bool              // was given once
	uncaptured bool              // accepted, and the capture was not told yet
	captured   bool              // and that was told
	bounced    map[uint8]bounced // by attempt
	dispute    sequencer.Dispute
	reason     sequencer.PayReason
	accounts   map[uint8]string // by attempt: where it is charged
	parts      []part           // that were given back
	tickets    []sequencer.Ticket
	paidSeq    uint64 // of the decision that gave them
}

// bounced is what is kept of refunds that failed.
type bounced struct {
	times  int
	reason sequencer.PayReason
	over   bool
	seen   bool // a seller has taken note
}

// hold is how long the order's hold is.
func (o *order) hold() int64 {
	if o.promoted && o.sale.spec.PromotedHold > 0 {
		return o.sale.spec.PromotedHold
	}
	return o.sale.spec.Hold
}

// saleOf returns the sale with a number, nil when there is none.
func (m *Model) saleOf(number uint16) *sale {
	if number == 0 || int(number) > len(m.sales) {
		return nil
	}
	return m.sales[number-1]
}

// orderOf returns the order with a seq, nil when there is none.
func (m *Model) orderOf(seq uint64) *order {
	i := sort.Search(len(m.orders), func(i int) bool { return m.orders[i].seq >= seq })
	if i == len(m.orders) || m.orders[i].seq != seq {
		return nil
	}
	return m.orders[i]
}

// enter moves an order to a state and counts that it came there.
func (m *Model) enter(o *order, state sequencer.OrderState) {
	o.state = state
	o.sale.counters.Entered[state]++
	o.sale.counters.Tickets[state] += uint64(o.quantity)
}

// show fills in what a result says of the order it found.
func (m *Model) show(o *order, r *sequencer.Result) {
	r.Order, r.Sale, r.State = o.seq, o.sale.number, o.state
	r.Quantity, r.Attempt, r.Position = o.quantity, o.attempts, position(o)
	r.Deadline, r.Ticket = 0, 0
	if len(o.tickets) > 0 {
		r.Ticket = o.tickets[0].Number
	}
	if o.state.Holds() {
		r.Deadline = m.holds.Shown(o.deadline)
	}
}

// position returns the order's place in the waitlist, 0 when it does not wait.
func position(o *order) uint32 {
	if o.state != sequencer.StateWaitlisted {
		return 0
	}
	waiting := o.sale.waiting
	return uint32(sort.Search(len(waiting), func(i int) bool { return waiting[i].seq >= o.seq })) + 1
}
