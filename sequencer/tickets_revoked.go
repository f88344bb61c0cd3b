package sequencer

// Bounds of one look at the tickets that were revoked, as for orders (OrderQuery).
const (
	// RevokedSeenMax bounds the revoked tickets that are looked at, of all sales.
	RevokedSeenMax = 4096
	// RevokedShownMax bounds those that are copied.
	RevokedShownMax = 1000
)

// Revocation is a ticket that was revoked.
type Revocation struct {
	// Place counts the revoked tickets of all sales, from 1.
	Place  uint64
	Order  uint64 // its seq
	Number uint32
}

// Revocations returns which tickets of a sale were revoked behind a place, in the order in which
// they were, at most limit of them. It looks at so many as its bounds say, and returns the place
// behind which to go on, at or behind after; more is false when there is nothing left there. What
// it returned may be fewer than the limit, or none, long before that.
func (s *State) Revocations(sale uint16, after uint64, limit int) (list []Revocation, next uint64, more bool) {
	t := &s.tickets
	limit = max(1, min(limit, RevokedShownMax))
	at := min(after, uint64(t.revoked.length))
	for seen := 0; at < uint64(t.revoked.length); seen++ {
		if seen == RevokedSeenMax || len(list) == limit {
			return list, at, true
		}
		is := t.revoked.at(uint32(at))
		at++
		if o := s.orders.at(is.order); o.sale == sale {
			list = append(list, Revocation{Place: at, Order: o.seq, Number: is.number})
		}
	}
	return list, at, false
}
