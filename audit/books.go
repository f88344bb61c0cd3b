package audit

import "onsale/sequencer"

// bookedSale is a sale as the recorded decisions tell it.
type bookedSale struct {
	number uint16
	spec   sequencer.SaleSpec

	sold, held, withheld int64
	paused, cancelled    bool

	// queue is who waits, in order; who left is still in it until the head
	// comes there. waiting counts those who have not left.
	queue   []*bookedOrder
	waiting int

	// refusedNeed is the fewest tickets that would have satisfied a buyer who
	// was refused for want of them since tickets last came free; 0 means nobody was.
	refusedNeed int64

	begun bool // an attempt to pay one of its orders

	lastTicket uint64 // the highest number that was given out

	orders             uint64
	soldOut, notEnough uint64 // buys that were refused so
}

func (s *bookedSale) available() int64 {
	return int64(s.spec.Quantity) - s.sold - s.held - s.withheld
}

// head returns who has waited longest, nil when nobody waits.
func (s *bookedSale) head() *bookedOrder {
	for len(s.queue) > 0 && s.queue[0].state != sequencer.StateWaitlisted {
		s.queue = s.queue[1:]
	}
	if len(s.queue) == 0 {
		return nil
	}
	return s.queue[0]
}

// bookedOrder is an order as the recorded decisions tell it.
type bookedOrder struct {
	seq       uint64
	sale      *bookedSale
	user      string
	state     sequencer.OrderState
	quantity  uint8
	requested uint8
	min       uint8
	attempts  uint8
	overdue   bool
	captured  bool   // the newest attempt's money
	leeway    bool   // was given once
	lined     bool   // its newest attempt stands in the line
	linedTo   int64  // until when it may, by the holds' own time
	deadline  int64  // of the hold, by the holds' own time
	declines  int    // of its attempts
	triedAt   int64  // when its newest attempt began
	came      uint32 // bit n-1: attempt n took money for nothing, or had it given back
	gone      uint32 // bit n-1: the money of attempt n is back
	bounced   map[refundOf]bookedBounce
	money     bookedMoney
	dispute   sequencer.Dispute
	tickets   *bookedTickets  // nil before it was paid
	accounts  []bookedAccount // under which it was charged; more than one for few
}

// userOfSale is whose tickets the cap counts.
type userOfSale struct {
	user string
	sale uint16
}

// books are all sales and orders.
type books struct {
	sales   []*bookedSale
	orders  map[uint64]*bookedOrder
	tickets map[userOfSale]int // of live orders
	users   map[string]struct{}
	refused map[string]bookedDeclines      // by user
	keys    map[sequencer.KeyDigest]uint64 // the order that a key made
}

func newBooks() books {
	return books{
		orders: map[uint64]*bookedOrder{}, tickets: map[userOfSale]int{},
		users: map[string]struct{}{}, refused: map[string]bookedDeclines{}, keys: map[sequencer.KeyDigest]uint64{},
	}
}

func (b *books) sale(number uint16) *bookedSale {
	if number == 0 || int(number) > len(b.sales) {
		return nil
	}
	return b.sales[number-1]
}

// move books an order from its state to another one, tickets and all.
func (b *books) move(o *bookedOrder, to sequencer.OrderState, quantity uint8) {
	b.count(o, -1)
	o.state, o.quantity = to, quantity
	b.count(o, +1)
}

func (b *books) count(o *bookedOrder, sign int64) {
	tickets := sign * int64(o.quantity)
	switch o.state {
	case sequencer.StateWaitlisted:
		o.sale.waiting += int(sign)
	case sequencer.StateReserved, sequencer.StatePaying:
		o.sale.held += tickets
	case sequencer.StatePaid:
		o.sale.sold += tickets
	case sequencer.StateRefunded:
		o.sale.withheld += tickets
	}
	if !o.state.Live() {
		return
	}
	who := userOfSale{o.user, o.sale.number}
	b.tickets[who] += int(tickets)
	if b.tickets[who] == 0 {
		delete(b.tickets, who)
	}
}
