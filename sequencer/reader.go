package sequencer

// Reader is a State to read from. Whoever hands one out keeps batches away for the time
// of one call: a Reader must not outlive that call. The views that it returns may.
type Reader interface {
	// Order returns the order with a seq.
	Order(seq uint64) (OrderView, bool)
	// OrdersOf returns a user's orders with a seq above after, lowest first, at most
	// limit of them.
	OrdersOf(user []byte, after uint64, limit int) []OrderView
	// Unsettled returns orders with a seq above after about which the payment provider
	// must still be asked, and UnsettledCount how many there are.
	Unsettled(after uint64, limit int) []OrderView
	UnsettledCount() int
	// OrdersWithAttempts returns orders that somebody began to pay, and from where to
	// go on; 0 at the end.
	OrdersWithAttempts(after uint64, limit int) (views []OrderView, next uint64)
}

var _ Reader = (*State)(nil)
