package sequencer

// Bounds of one look at the orders that have tickets, as for all orders (OrderQuery).
const (
	// TicketedSeenMax bounds the orders that are looked at, of all sales.
	TicketedSeenMax = 2048
	// TicketedShownMax bounds those that are copied.
	TicketedShownMax = 32
)

// TicketedIn returns copies of the orders of a sale that were ever paid behind a place, by their
// tickets' numbers: at most limit of them. Places count such orders of all sales, from 1. It looks
// at so many as its bounds say, and returns the place behind which to go on, at or behind after;
// more is false when there is nothing left there. What it returned may be fewer than the limit, or
// none, long before that.
func (s *State) TicketedIn(sale uint16, after uint64, limit int) (views []OrderView, next uint64, more bool) {
	t := &s.tickets
	limit = max(1, min(limit, TicketedShownMax))
	at := min(after, uint64(t.minted.length))
	for seen := 0; at < uint64(t.minted.length); seen++ {
		if seen == TicketedSeenMax || len(views) == limit {
			return views, at, true
		}
		number := t.minted.at(uint32(at)).order
		at++
		if s.orders.at(number).sale == sale {
			views = s.appendView(views, number, limit)
		}
	}
	return views, at, false
}
