package sequencer

import (
	"hash/maphash"
	"slices"
)

// SaleCount returns how many sales there are; their numbers are 1 to SaleCount.
func (s *State) SaleCount() int { return len(s.sales) }

// OrderCount returns how many orders were ever made.
func (s *State) OrderCount() int { return int(s.orders.length) }

// SaleNumber returns the number of the sale with an id.
func (s *State) SaleNumber(id string) (number uint16, known bool) {
	number, known = s.saleNumber[id]
	return number, known
}

// Sale returns a copy of a sale.
func (s *State) Sale(number uint16) (SaleView, bool) {
	if number == 0 || int(number) > len(s.sales) {
		return SaleView{}, false
	}
	sale := s.sales[number-1]
	return SaleView{
		SaleSpec: sale.spec, Number: number, CreatedAt: sale.createdAt, Revision: sale.revision,
		Paused: sale.paused, Closed: sale.closed, Cancelled: sale.cancelled,
		Sold: sale.sold, Held: sale.held, Withheld: sale.withheld, Available: sale.available,
		Waiting: sale.waiting, ServedSeq: sale.servedSeq, Counters: sale.counters,
		ChangedBy: sale.changed.by, ChangedSeq: sale.changed.seq, ChangedAt: sale.changed.at,
		AsOfSeq: s.seq, AsOfTime: s.now, AsOf: s.Position(),
	}, true
}

// Order returns a copy of the order with a seq.
func (s *State) Order(seq uint64) (OrderView, bool) {
	number, known := s.orderNumber(seq)
	if !known {
		return OrderView{}, false
	}
	return s.view(number), true
}

// OrdersOf returns copies of a user's orders in all sales with a seq above after, lowest
// seq first, at most limit of them. It costs time in the number of that user's orders
// above after.
func (s *State) OrdersOf(user []byte, after uint64, limit int) []OrderView {
	limit = max(0, limit)
	lowest, passed := make([]uint32, 0, min(limit, OrdersPerUserMax)), 0
	_, newest := s.user(user, maphash.Bytes(s.hashSeed, user))
	for ; newest != 0 && limit > 0 && s.orders.at(newest-1).seq > after; passed++ {
		if len(lowest) < limit {
			lowest = append(lowest, newest-1)
		} else {
			lowest[passed%limit] = newest - 1 // the chain goes back in time: the last limit are the lowest
		}
		newest = s.orders.at(newest - 1).previous
	}

	slices.Sort(lowest)
	views, name := make([]OrderView, len(lowest)), string(user)
	for i, number := range lowest {
		views[i] = s.viewFor(name, number)
	}
	return views
}

// Unsettled returns copies of the orders with a seq above after, lowest first and
// at most limit of them, about which the payment provider must still be spoken to:
// they are paying, or money is to be captured or given back.
func (s *State) Unsettled(after uint64, limit int) []OrderView {
	number, found := s.orderNumber(after)
	if found {
		number++
	}
	views := make([]OrderView, 0, min(limit, s.unsettled.length))
	for number, found = s.unsettled.next(number); found && len(views) < limit; number, found = s.unsettled.next(number + 1) {
		views = append(views, s.view(number))
	}
	return views
}

// UnsettledCount returns how many orders Unsettled knows.
func (s *State) UnsettledCount() int { return s.unsettled.length }

// RefundsFailedCount returns how many attempts' and parts' refunds failed for good, and no seller has taken
// note of.
func (s *State) RefundsFailedCount() int { return int(s.bounces.open + s.parts.open) }

// UnsettledOf returns how many of them with a seq above after are of one sale. It looks at
// OrdersSeenMax of all sales, and returns the seq of the last; 0 when there is none left.
func (s *State) UnsettledOf(sale uint16, after uint64) (count int, next uint64) {
	number, found := s.orderNumber(after)
	if found {
		number++
	}
	number, any := s.unsettled.next(number)
	for seen := 0; any; seen++ {
		if seen == OrdersSeenMax {
			return count, next
		}
		o := s.orders.at(number)
		if next = o.seq; o.sale == sale {
			count++
		}
		number, any = s.unsettled.next(number + 1)
	}
	return count, 0
}

// ForeignUnsettledCount returns how many of them were made before the first birth, so that
// nobody here may speak about them.
func (s *State) ForeignUnsettledCount() (count int) {
	if len(s.births) > 0 && s.births[0].FirstSeq == 1 {
		return 0
	}
	for number, any := s.unsettled.next(0); any; number, any = s.unsettled.next(number + 1) {
		if _, own := s.BirthOf(s.orders.at(number).seq); own {
			break // and so are all that were made later
		}
		count++
	}
	return count
}

// OrdersWithAttempts returns copies of the orders with a seq above after that
// somebody began to pay, lowest first. It looks at most at limit orders, and returns
// the seq of the last that it looked at; 0 when there is none left.
func (s *State) OrdersWithAttempts(after uint64, limit int) (views []OrderView, next uint64) {
	number, found := s.orderNumber(after)
	if found {
		number++
	}
	for ; number < s.orders.length && limit > 0; limit-- {
		if o := s.orders.at(number); o.attempts > 0 {
			views = append(views, s.view(number))
		}
		next = s.orders.at(number).seq
		number++
	}
	if number == s.orders.length {
		next = 0
	}
	return views, next
}

func (s *State) view(number uint32) OrderView {
	return s.viewFor(string(s.texts.get(s.orders.at(number).user)), number)
}

// viewFor is view for who knows the order's user already.
func (s *State) viewFor(user string, number uint32) OrderView {
	o := s.orders.at(number)
	sale := s.sales[o.sale-1]
	due, done := s.voids(number, o)
	v := OrderView{
		Seq: o.seq, Sale: o.sale, SaleID: sale.spec.ID, User: user,
		State: s.effective(o), Quantity: o.quantity, Requested: o.requested, Min: o.min,
		Attempts: o.attempts, VoidsDue: due, CreatedAt: o.createdAt, Deadline: s.shown(o.deadline),
		Overdue: o.has(isOverdue), Lined: s.isLined(number), Voided: done, CaptureDue: o.has(isCaptureDue), Captured: o.has(wasCaptured), Reason: o.reason, AsOfSeq: s.seq, AsOf: s.Position(),
		Reference: string(s.reference(number)),
	}
	if birth, any := s.BirthOf(o.seq); any {
		v.Birth = birth.Cluster
	}
	s.showBounces(number, &v)
	v.Parts = s.showParts(number)
	v.Dispute = s.disputeOf(number)
	s.showTickets(number, &v)
	if v.State == StateWaitlisted {
		v.Position = sale.wait.position(number)
	}
	return v
}
