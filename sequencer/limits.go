package sequencer

// The bounds of every field. They are part of the replicated rules: a replica
// with other bounds would decide differently, so they are constants and not
// configuration. A command that is over a bound is decided CodeBadRequest.
const (
	// RefundsMax is how often a refund of one attempt is sent: once more after it failed.
	RefundsMax = 2
	// AccountBytesMax bounds the name of an account at the payment provider, in printable ASCII,
	// and AccountsMax how many a cluster ever charged under or accepted.
	AccountBytesMax = 64
	AccountsMax     = 64
	// NoteBytesMax bounds what a seller or an operator says for the record, in bytes of UTF-8.
	NoteBytesMax = 200
	// UserBytesMax bounds the id of a user or an actor, in bytes of UTF-8.
	UserBytesMax = 128
	// KeyBytesMax bounds an idempotency key, in bytes. The door checks it and
	// sends the key's digest; see DigestKey.
	KeyBytesMax = 64
	// ReferenceBytesMax bounds a purchase's reference, in bytes of printable ASCII.
	ReferenceBytesMax = 40
	// SaleIDBytesMax bounds a sale's id, in bytes of [a-z0-9-_.].
	SaleIDBytesMax = 64
	// ItemBytesMax bounds the name of what is sold, in bytes of UTF-8.
	ItemBytesMax = 256
	// ZoneBytesMax bounds the name of a sale's time zone, in bytes of [A-Za-z0-9/_+-].
	ZoneBytesMax = 64
	// SalesMax bounds the sales of one cluster, ended ones included.
	SalesMax = 1<<16 - 1
	// CapMax bounds how many tickets one user may hold in a sale.
	CapMax = 100
	// TicketsMax bounds the quantity of one sale.
	TicketsMax = 1 << 30
	// WaitlistMax bounds the waitlist of one sale, in orders.
	WaitlistMax = 1 << 30
	// PriceMax bounds the price of a ticket, in minor units.
	PriceMax = 1 << 40
	// DurationMax bounds holds, graces and extensions, in nanoseconds (30 days).
	DurationMax = 30 * 24 * 3600 * 1_000_000_000
	// PaymentLeeway is what is left of a hold at least after a payment that could not be
	// made because the provider could not be reached, in nanoseconds (10 minutes).
	PaymentLeeway = 600 * 1_000_000_000
	// TimeMax is the end of time (the year 2116), in nanoseconds since the Unix
	// epoch: far enough from overflow that a hold can be added to it.
	TimeMax = 1 << 62
	// OrdersPerUserMax bounds the orders that one user ever made in a sale, so that
	// looking through them costs a bounded time.
	OrdersPerUserMax = 64
	// AttemptsMax bounds the payment attempts of one order.
	AttemptsMax = 32
	// DeclinesFree is how many attempts of an order may be declined, and AttemptsFree how many
	// may be made whatever they come to, before AttemptPause (nanoseconds, 5 minutes) must lie
	// between the beginnings of two. So who holds tickets for an hour can try until its end,
	// also while the provider says nothing.
	DeclinesFree = 8
	AttemptsFree = 16
	AttemptPause = 300 * second
	// LineSecondsMax bounds for how long a pay_begin lets an attempt stand in the line before the
	// provider: a day.
	LineSecondsMax = 86_400
	// UserDeclinesMax bounds the declined attempts of one user, with whatever orders, in
	// UserDeclinesWindow from the first of them (nanoseconds, an hour). What is under way
	// when the bound is reached is not counted before it is declined.
	UserDeclinesMax    = 24
	UserDeclinesWindow = 3600 * second
	// OrdersMax bounds the orders of one cluster.
	OrdersMax = 1<<32 - 2
	// BatchCommandsMax bounds the commands of one batch.
	BatchCommandsMax = 1 << 16
	// CommandBytesMax bounds one encoded command.
	CommandBytesMax = 1 << 12
	// SessionsMax bounds the front-ends' sessions that are remembered.
	SessionsMax = 1 << 10
	// SkipScanMax bounds how far promote looks past a head that does not fit,
	// in orders, when the sale has SkipUnfit.
	SkipScanMax = 1024
)
