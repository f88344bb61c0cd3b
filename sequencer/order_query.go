package sequencer

// Bounds of one look at a sale's orders, so that whoever reads keeps batches away for well
// under a millisecond, however many orders there are and however few of them match.
const (
	// OrdersSeenMax bounds the orders that are looked at, of all sales.
	OrdersSeenMax = 2048
	// UserOrdersSeenMax bounds them when a user's are asked for, which lie apart.
	UserOrdersSeenMax = 128
	// OrdersShownMax bounds those that are copied.
	OrdersShownMax = 101
)

// OrderQuery says which orders of a sale are looked for.
type OrderQuery struct {
	Sale  uint16
	After uint64     // orders with a seq above
	State OrderState // StateNone for any
	// User and Reference are the orders' exactly; empty for any.
	User, Reference string
	Limit           int // 1 to OrdersShownMax
}

// OrdersIn returns copies of the orders of a sale, lowest seq first. It looks at so many
// orders as its bounds say, and returns the seq behind which to go on looking; 0 when there is
// nothing left. What it returned may be fewer than the limit, or none, long before that.
func (s *State) OrdersIn(q *OrderQuery) (views []OrderView, next uint64) {
	limit := max(1, min(q.Limit, OrdersShownMax))
	if q.User != "" {
		return s.ordersOfUserIn(q, limit)
	}
	number, found := s.orderNumber(q.After)
	if found {
		number++
	}
	if q.Reference != "" {
		return s.ordersReferred(q, number, limit)
	}
	for seen := 0; number < s.orders.length; number, seen = number+1, seen+1 {
		if seen == OrdersSeenMax || len(views) >= limit {
			return views, s.orders.at(number - 1).seq
		}
		if s.matches(number, q) {
			views = append(views, s.view(number))
		}
	}
	return views, 0
}

// ordersReferred looks at the orders that have a reference, from a number on.
func (s *State) ordersReferred(q *OrderQuery, from uint32, limit int) (views []OrderView, next uint64) {
	at := s.referenceFrom(from)
	for seen := 0; at < s.references.length; at, seen = at+1, seen+1 {
		is := s.references.at(at)
		if seen == OrdersSeenMax || len(views) >= limit {
			return views, s.orders.at(is.order - 1).seq
		}
		if string(s.texts.get(is.text)) == q.Reference && s.matches(is.order, q) {
			views = append(views, s.view(is.order))
		}
	}
	return views, 0
}

// ordersOfUserIn looks at a user's orders.
func (s *State) ordersOfUserIn(q *OrderQuery, limit int) (views []OrderView, next uint64) {
	all := s.OrdersOf([]byte(q.User), q.After, UserOrdersSeenMax)
	for i := range all {
		if len(views) >= limit {
			return views, all[i-1].Seq
		}
		is := &all[i]
		if is.Sale == q.Sale && (q.State == StateNone || is.State == q.State) && (q.Reference == "" || is.Reference == q.Reference) {
			views = append(views, *is)
		}
	}
	if len(all) < UserOrdersSeenMax {
		return views, 0
	}
	return views, all[len(all)-1].Seq
}

// matches reports whether an order is of the sale and in the state that are looked for.
func (s *State) matches(number uint32, q *OrderQuery) bool {
	o := s.orders.at(number)
	return o.sale == q.Sale && (q.State == StateNone || s.effective(o) == q.State)
}
