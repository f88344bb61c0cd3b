package contract

import (
	"time"

	"onsale/internal/localtime"
	"onsale/sequencer"
)

// NewSale is what a seller says of a sale to create. Absent fields get the
// defaults that are named.
type NewSale struct {
	ID       string     `json:"id"`
	Item     string     `json:"item"`
	Quantity uint32     `json:"quantity"`
	Cap      *uint8     `json:"cap,omitempty"` // DefaultCap
	Waitlist uint32     `json:"waitlist,omitempty"`
	Price    *int64     `json:"price"` // needed: 0 sells for nothing, and is said
	Currency string     `json:"currency"`
	StartsAt *time.Time `json:"starts_at,omitempty"` // AtOnce
	Zone     string     `json:"zone,omitempty"`      // IANA name of where times are told; "" is UTC
	Test     bool       `json:"test,omitempty"`      // a rehearsal: it takes loads, and moves no money
	// BuysPerSecond is how many each process that buyers come to lets through; 0 for all.
	BuysPerSecond uint32    `json:"buys_per_second,omitempty"`
	Hold          *Duration `json:"hold,omitempty"` // DefaultHold
	// PromotedHold is the hold of who was promoted from the waitlist; absent or 0 as Hold.
	PromotedHold *Duration `json:"promoted_hold,omitempty"`
	Grace        *Duration `json:"grace,omitempty"`      // DefaultGrace
	SkipUnfit    bool      `json:"skip_unfit,omitempty"` // promote past who does not fit
	// Who lets so many holds run out within the cool-down buys nothing more before the
	// oldest of them is as long ago. Both or neither.
	ExpiredHoldsMax uint8     `json:"expired_holds_max,omitempty"`
	CoolDown        *Duration `json:"cool_down,omitempty"`
}

// AtOnce returns the start of a sale that begins when it is decided, whatever clocks
// say: the epoch.
func AtOnce() time.Time { return time.Unix(0, 0).UTC() }

// The defaults of a new sale.
const (
	DefaultCap   = 2
	DefaultHold  = time.Hour
	DefaultGrace = 10 * time.Minute
)

// SaleChange changes a sale: absent fields stay as they are. Everything can be
// changed until the sale starts. While it runs: the quantity, down to what is sold,
// held or withheld (alone), and what is marked "running".
type SaleChange struct {
	Item         *string    `json:"item,omitempty"`
	Quantity     *uint32    `json:"quantity,omitempty"`
	Cap          *uint8     `json:"cap,omitempty"`
	Waitlist     *uint32    `json:"waitlist,omitempty"` // running; who waits already stays
	Price        *int64     `json:"price,omitempty"`
	Currency     *string    `json:"currency,omitempty"`
	StartsAt     *time.Time `json:"starts_at,omitempty"`
	Zone         *string    `json:"zone,omitempty"`          // running; the start stays when it is
	Hold         *Duration  `json:"hold,omitempty"`          // running; of reservations from then on
	PromotedHold *Duration  `json:"promoted_hold,omitempty"` // running; of promotions from then on
	Grace        *Duration  `json:"grace,omitempty"`
	SkipUnfit    *bool      `json:"skip_unfit,omitempty"` // running

	ExpiredHoldsMax *uint8    `json:"expired_holds_max,omitempty"` // running
	CoolDown        *Duration `json:"cool_down,omitempty"`         // running
	BuysPerSecond   *uint32   `json:"buys_per_second,omitempty"`   // running
}

// Seen says for which sale a pause or its end is: the one whose newest change the seller saw.
type Seen struct {
	ChangedSeq uint64 `json:"changed_seq"` // SaleDetail.ChangedSeq
}

// Release says how many withheld tickets are to be sold again: more than those that were, once.
type Release struct {
	Tickets    int64  `json:"tickets"`
	ChangedSeq uint64 `json:"changed_seq"` // SaleDetail.ChangedSeq as the seller saw it
}

// Extension says how much more time the live holds of a sale get, once.
type Extension struct {
	By         Duration `json:"by"`
	ChangedSeq uint64   `json:"changed_seq"` // SaleDetail.ChangedSeq as the seller saw it
}

// SaleDetail is a sale as its seller sees it.
type SaleDetail struct {
	ID        string `json:"id"`
	Item      string `json:"item"`
	Status    string `json:"status"`
	Quantity  uint32 `json:"quantity"`
	Sold      uint32 `json:"sold"`
	Held      uint32 `json:"held"`
	Withheld  uint32 `json:"withheld"`
	Available uint32 `json:"available"`
	Waiting   uint32 `json:"waiting"`
	// UnsettledOrders are being paid, or their money is to be taken or given back; of one sale
	// that is asked for, nil in lists.
	UnsettledOrders *int `json:"unsettled_orders,omitempty"`

	Cap      uint8     `json:"cap"`
	Waitlist uint32    `json:"waitlist"`
	Price    int64     `json:"price"`
	Currency string    `json:"currency"`
	StartsAt time.Time `json:"starts_at"`
	Zone     string    `json:"zone"` // "" is UTC
	Test     bool      `json:"test"` // a rehearsal
	// BuysPerSecond is the valve; 0 while it is open.
	BuysPerSecond uint32 `json:"buys_per_second"`
	// PseudonymKey is the id of the key under which the buyers are known; "" when they are in clear.
	PseudonymKey string `json:"pseudonym_key,omitempty"`
	// StartsAtLocal is StartsAt as the clocks of the zone show it, with their offset.
	StartsAtLocal string   `json:"starts_at_local"`
	Hold          Duration `json:"hold"`
	PromotedHold  Duration `json:"promoted_hold"` // 0 is as Hold
	Grace         Duration `json:"grace"`
	SkipUnfit     bool     `json:"skip_unfit"`

	ExpiredHoldsMax uint8    `json:"expired_holds_max"`
	CoolDown        Duration `json:"cool_down"`

	// ChangedBy is whose the newest change was, "" when nobody said so; ChangedSeq is its
	// decision: see onsale inspect journal --seq.
	ChangedBy  string    `json:"changed_by"`
	ChangedSeq uint64    `json:"changed_seq"`
	ChangedAt  time.Time `json:"changed_at"`

	CreatedAt time.Time         `json:"created_at"`
	ServedSeq uint64            `json:"served_seq"`
	Buys      map[string]uint64 `json:"buys"`    // by reason; ok made an order
	Orders    map[string]uint64 `json:"orders"`  // by the state that they entered
	Tickets   map[string]uint64 `json:"tickets"` // of those orders
	Replayed  uint64            `json:"replayed"`
	Blocked   uint64            `json:"promote_blocked"`
	AsOfSeq   uint64            `json:"as_of_seq"`
	AsOf      string            `json:"as_of"`
	AsOfTime  time.Time         `json:"as_of_time"`
}

// SaleList is a page of the sales, in the order of their creation.
type SaleList struct {
	Sales   []SaleDetail `json:"sales"`
	HasMore bool         `json:"has_more"`
	Cursor  string       `json:"cursor,omitempty"` // of the next page
}

// DetailOf returns what a seller sees of a sale, with its status at now.
func DetailOf(v *sequencer.SaleView, now int64) SaleDetail {
	return SaleDetail{
		ID: v.ID, Item: v.Item, Status: v.Status(max(now, v.AsOfTime)).String(), Quantity: v.Quantity, Sold: v.Sold,
		Held: v.Held, Withheld: v.Withheld, Available: v.Available, Waiting: v.Waiting, Cap: v.Cap, Waitlist: v.Waitlist,
		Price: v.Price, Currency: v.Currency, StartsAt: Time(v.StartsAt), Zone: v.Zone, Test: v.Test, BuysPerSecond: v.BuysPerSecond, PseudonymKey: v.PseudonymKey.String(), StartsAtLocal: localtime.Show(Time(v.StartsAt), v.Zone), Hold: Duration(v.Hold), PromotedHold: Duration(v.PromotedHold), Grace: Duration(v.Grace),
		SkipUnfit: v.SkipUnfit, ExpiredHoldsMax: v.ExpiredHoldsMax, CoolDown: Duration(v.CoolDown), CreatedAt: Time(v.CreatedAt), ServedSeq: v.ServedSeq,
		Buys: byCode(&v.Counters.Buys), Orders: byState(&v.Counters.Entered), Tickets: byState(&v.Counters.Tickets),
		ChangedBy: v.ChangedBy, ChangedSeq: v.ChangedSeq, ChangedAt: Time(v.ChangedAt),
		Replayed: v.Counters.Replayed, Blocked: v.Counters.PromoteBlocked, AsOfSeq: v.AsOfSeq, AsOf: v.AsOf.String(), AsOfTime: Time(v.AsOfTime),
	}
}

// byCode names the counters that a buy can have; the rest is always 0.
func byCode(counters *[sequencer.CodeCount]uint64) map[string]uint64 {
	named := map[string]uint64{}
	for code, count := range counters {
		if count > 0 || code <= int(sequencer.CodeClosed) {
			named[sequencer.Code(code).String()] = count
		}
	}
	return named
}

func byState(counters *[sequencer.StateRefunded + 1]uint64) map[string]uint64 {
	named := map[string]uint64{}
	for state := sequencer.StateWaitlisted; state <= sequencer.StateRefunded; state++ {
		named[state.String()] = counters[state]
	}
	return named
}
