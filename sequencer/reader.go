package sequencer

// Reader is a State to read from. Whoever hands one out keeps batches away for the time
// of one call: a Reader must not outlive that call. The views that it returns may.
type Reader interface {
	// Level returns the level of the formats in which the cluster writes.
	Level() uint16
	// AsOf returns the last decision and the place of the last batch.
	AsOf() AsOf
	// Sale returns the sale with a number.
	Sale(number uint16) (SaleView, bool)
	// Order returns the order with a seq.
	Order(seq uint64) (OrderView, bool)
	// OrdersOf returns a user's orders with a seq above after, lowest first, at most
	// limit of them.
	OrdersOf(user []byte, after uint64, limit int) []OrderView
	// OrdersIn returns a sale's orders, within its bounds, and from where to go on; 0 at the end.
	OrdersIn(q *OrderQuery) (views []OrderView, next uint64)
	// Revocations returns which tickets of a sale were revoked behind a place, within its bounds,
	// and whether and from where to go on.
	Revocations(sale uint16, after uint64, limit int) (list []Revocation, next uint64, more bool)
	// TicketedIn returns a sale's orders that were ever paid behind a place, by their tickets'
	// numbers, within its bounds, and whether and from where to go on.
	TicketedIn(sale uint16, after uint64, limit int) (views []OrderView, next uint64, more bool)
	// Unsettled returns orders with a seq above after about which the payment provider
	// must still be asked, and UnsettledCount how many there are.
	Unsettled(after uint64, limit int) []OrderView
	UnsettledCount() int
	// RefundsFailedCount returns how many attempts' and parts' refunds failed for good, and no seller has
	// taken note of.
	RefundsFailedCount() int
	// UnsettledOf returns how many of them with a seq above after are of one sale, within its bounds,
	// and from where to go on; 0 at the end.
	UnsettledOf(sale uint16, after uint64) (count int, next uint64)
	// Disputes returns the seqs of at most limit orders whose charge is or was disputed, the most
	// urgent first, and DisputeCounts how many there are by status, and until when evidence may be given
	// for the first that needs a response.
	Disputes(limit int) []uint64
	DisputeCounts() (counts [DisputeStatusMax + 1]int, evidenceBy int64)
	// ForeignUnsettledCount returns how many of them were made before the first birth, so
	// that nobody here may speak about them.
	ForeignUnsettledCount() int
	// Account returns the account at the payment provider for new charges, "" before the first,
	// and AccountOf the one of an attempt, "" for one that costs nothing or never began.
	Account() string
	AccountOf(order uint64, attempt uint8) string
	// NextAttempt returns the log time before which no attempt to pay an order begins; 0 for
	// at once, TimeMax for never.
	NextAttempt(order uint64) int64
	// Seq returns the seq of the newest decision.
	Seq() uint64
	// HoldsLive reports whether there is an order whose hold, or payment's limit, will end;
	// HoldsStopped whether the clock of holds is stopped.
	HoldsLive() bool
	HoldsStopped() bool
	// Births returns the cluster's births, oldest first.
	Births() []Birth
	// OrdersWithAttempts returns orders that somebody began to pay, and from where to
	// go on; 0 at the end.
	OrdersWithAttempts(after uint64, limit int) (views []OrderView, next uint64)
}

var _ Reader = (*State)(nil)
