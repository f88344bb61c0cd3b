package sequencer

// order is one order's record: 64 bytes without a pointer, so that ten million
// of them are 640 MB that the garbage collector does not look through.
type order struct {
	seq       uint64
	createdAt int64 // log time
	deadline  int64 // end of the hold by the holds' clock; 0 while it never had one
	key       KeyDigest
	user      textRef
	previous  uint32 // the user's order before, as its number + 1; 0 for the first
	sale      uint16
	state     OrderState
	quantity  uint8
	requested uint8
	min       uint8
	attempts  uint8
	voidsDue  uint8 // bit n-1: attempt n took money that must go back; from the 9th on see tries
	voided    uint8 // bit n-1: the money of attempt n went back; the same
	flags     orderFlags
	reason    PayReason // why the newest attempt was rejected
}

// orderFlags are what is so of an order. The bits are part of the snapshot format.
type orderFlags uint8

const (
	// isOverdue: the payment of now outlasted its hard limit.
	isOverdue orderFlags = 1 << iota
	// isCaptureDue: the newest attempt was accepted and its money is not known to be
	// captured.
	isCaptureDue
	// wasPromoted: its tickets came to it on the waitlist.
	wasPromoted
	// gaveBackLate: it, or a part of it, was cancelled in the second half of its hold.
	gaveBackLate
	// hadLeeway: its hold was made longer because the provider could not be reached.
	hadLeeway
	// wasCaptured: the money of the newest attempt, which was accepted, is known to have been
	// captured.
	wasCaptured
	orderFlagsMax = wasCaptured<<1 - 1
)

// set sets or clears a flag.
func (f *orderFlags) set(flag orderFlags, to bool) {
	*f &^= flag
	if to {
		*f |= flag
	}
}

func (o *order) has(flag orderFlags) bool { return o.flags&flag != 0 }

// sameBody reports whether a buy asks for what the order was asked for.
func (o *order) sameBody(c *Command) bool {
	return o.sale == c.Sale && o.requested == c.Quantity && o.min == leastOf(c)
}

// least returns how many tickets a waiting order takes at least: what its buyer asked for,
// less where a part was given back meanwhile.
func (o *order) least() uint8 { return min(o.min, o.quantity) }

// leastOf returns how many tickets a buy takes at least.
func leastOf(c *Command) uint8 {
	if c.Min == 0 {
		return c.Quantity
	}
	return c.Min
}

// orderNumber finds an order by its seq: orders are kept in the order of their
// seqs, so this is a binary search.
func (s *State) orderNumber(seq uint64) (uint32, bool) {
	low, high := uint32(0), s.orders.length
	for low < high {
		middle := low + (high-low)/2
		if s.orders.at(middle).seq < seq {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, low < s.orders.length && s.orders.at(low).seq == seq
}

// edit returns an order for writing and takes its fingerprint out of the hash;
// done must follow.
func (s *State) edit(number uint32) *order {
	o := s.orders.edit(number)
	s.ordersHash -= o.movingFingerprint()
	return o
}

// done puts an edited order's fingerprint back.
func (s *State) done(o *order) { s.ordersHash += o.movingFingerprint() }

// enter moves an order into a state and counts it.
func (s *State) enter(o *order, sale *sale, state OrderState) {
	o.state = state
	sale.counters.Entered[state]++
	sale.counters.Tickets[state] += uint64(o.quantity)
}

// effective returns the order's state as everybody sees it: who waited when the
// sale closed is cancelled, without a write to each of a million orders.
func (s *State) effective(o *order) OrderState {
	if o.state == StateWaitlisted && s.sales[o.sale-1].closed {
		return StateCancelled
	}
	return o.state
}
