package sequencer

import "hash/maphash"

// Bounds of one look at a sale's orders, so that whoever reads keeps batches away for well
// under a millisecond, however many orders there are and however few of them match. A page of
// a hundred orders is several looks, between which batches are decided.
const (
	// OrdersSeenMax bounds the orders that are looked at, of all sales. Of one user's in a sale
	// all are looked at, which are OrdersPerUserMax at most.
	OrdersSeenMax = 2048
	// OrdersShownMax bounds those that are copied.
	OrdersShownMax = 32
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
			views = s.appendView(views, number, limit)
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
			views = s.appendView(views, is.order, limit)
		}
	}
	return views, 0
}

// ordersOfUserIn looks at what a user ordered in a sale, along the links that buys follow.
func (s *State) ordersOfUserIn(q *OrderQuery, limit int) (views []OrderView, next uint64) {
	user := []byte(q.User)
	var found [OrdersPerUserMax]uint32
	count := 0
	own := s.ownedBy(user, maphash.Bytes(s.hashSeed, user), q.Sale)
	for at := own.inSale; at != 0 && s.orders.at(at-1).seq > q.After; at = s.previousInSale(at - 1) {
		found[count] = at - 1
		count++
	}

	for i := count - 1; i >= 0; i-- { // the links go back in time
		if len(views) >= limit {
			return views, s.orders.at(found[i+1]).seq
		}
		number := found[i]
		if s.matches(number, q) && (q.Reference == "" || string(s.reference(number)) == q.Reference) {
			views = s.appendView(views, number, limit)
		}
	}
	return views, 0
}

// appendView appends a copy of an order to what is found, of which there are limit at most: they get
// their place at once, since copying them again and again would take most of a look.
func (s *State) appendView(views []OrderView, number uint32, limit int) []OrderView {
	if views == nil {
		views = make([]OrderView, 0, limit)
	}
	return append(views, s.view(number))
}

// matches reports whether an order is of the sale and in the state that are looked for.
func (s *State) matches(number uint32, q *OrderQuery) bool {
	o := s.orders.at(number)
	return o.sale == q.Sale && (q.State == StateNone || s.effective(o) == q.State)
}
