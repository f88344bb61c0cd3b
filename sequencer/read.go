package sequencer

import "hash/maphash"

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
		AsOfSeq: s.seq, AsOfTime: s.now,
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

// OrdersOf returns copies of a user's orders with a seq above after, lowest seq
// first, at most limit of them.
func (s *State) OrdersOf(user []byte, after uint64, limit int) []OrderView {
	var numbers [OrdersPerUserMax]uint32
	count := 0
	_, newest := s.user(user, maphash.Bytes(s.hashSeed, user))
	for newest != 0 && s.orders.at(newest-1).seq > after {
		numbers[count] = newest - 1
		count++
		newest = s.orders.at(newest - 1).previous
	}
	views := make([]OrderView, 0, max(0, min(limit, count)))
	for i := count - 1; i >= 0 && len(views) < limit; i-- {
		views = append(views, s.view(numbers[i]))
	}
	return views
}

func (s *State) view(number uint32) OrderView {
	o := s.orders.at(number)
	sale := s.sales[o.sale-1]
	v := OrderView{
		Seq: o.seq, Sale: o.sale, SaleID: sale.spec.ID, User: string(s.userIDs.get(o.user)),
		State: s.effective(o), Quantity: o.quantity, Requested: o.requested, Min: o.min,
		Attempts: o.attempts, VoidsDue: o.voidsDue, CreatedAt: o.createdAt, Deadline: o.deadline,
		Overdue: o.overdue, AsOfSeq: s.seq,
	}
	if v.State == StateWaitlisted {
		v.Position = sale.wait.position(number)
	}
	return v
}
