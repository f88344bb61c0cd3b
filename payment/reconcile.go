package payment

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"onsale/internal/amount"
	"onsale/sequencer"
)

// The kinds of differences between the provider's books and the orders.
const (
	DifferenceUnknownOrder = "unknown_order"    // a charge of an order or attempt that was never made
	DifferenceBuyer        = "another_buyer"    // the charge under the attempt's key is of another buyer or order
	DifferenceAmount       = "amount"           // charged another amount, or in another currency, than the order costs
	DifferenceNotCaptured  = "not_captured"     // the order is paid and its money was not taken
	DifferenceNotReturned  = "not_returned"     // the money should have gone back
	DifferenceNotPaid      = "not_paid"         // money is held or taken for an attempt that did not pay the order
	DifferenceTwice        = "charged_twice"    // two attempts of one order hold or took money
	DifferenceNoCharge     = "without_charge"   // an attempt that was accepted is not in the books
	DifferencePart         = "refunded_in_part" // money of a paid order went back at the provider, and nobody refunded it here
	DifferenceAccount      = "other_account"    // charged under another account, and what is due cannot be asked about or told here
	DifferenceSum          = "sum"              // what is held in one currency is not what the orders cost, and no charge says why
)

// Difference is one place where books and orders do not agree.
type Difference struct {
	Kind     string `json:"kind"`
	Key      string `json:"payment"`
	Order    string `json:"order,omitempty"` // uid
	Amount   int64  `json:"amount"`          // minor units
	Currency string `json:"currency"`
	Detail   string `json:"detail"`
}

// Reconciliation is what comparing all books with all orders gave.
type Reconciliation struct {
	Provider string `json:"provider"`
	// Account is whose books these are, and Accepted the one under which charges are made now.
	Account   string `json:"account"`
	Accepted  string `json:"accepted_account"`
	Charges   int    `json:"charges"`   // in the provider's books
	Orders    int    `json:"orders"`    // that somebody began to pay
	Unsettled int    `json:"unsettled"` // of these, not compared: their settling goes on
	// OtherAccount attempts were charged under other accounts, whose books are not read here.
	OtherAccount int `json:"other_account_attempts"`
	// ForeignOrders are not compared, nor among Orders: this cluster is a copy, and they were
	// made before. OtherCharges in the books are of none of this cluster's births: another
	// cluster's, or another system's.
	ForeignOrders int `json:"foreign_orders"`
	OtherCharges  int `json:"other_charges"`
	// LostCharges are of orders that were lost when the cluster was born again, and hold no
	// money any more: no differences.
	LostCharges int          `json:"lost_charges"`
	Money       []Takings    `json:"money"` // by currency, of which some was taken
	Differences []Difference `json:"differences"`
	More        bool         `json:"more_differences"` // the list was cut
	look        []uint64     // orders whose money did not stay where it went
	disputed    []uint64     // orders whose dispute stands otherwise than is known
}

// Takings are what the provider took in one currency, in its minor units.
type Takings struct {
	Currency string `json:"currency"`
	Captured int64  `json:"captured_amount"`
	Refunded int64  `json:"refunded_amount"` // of that
	// Orders is what the paid orders cost that are settled, and Unsettled what is held for
	// others: together they are what was captured and not refunded, if nothing differs.
	Orders    int64 `json:"orders_amount"`
	Unsettled int64 `json:"unsettled_amount"`
	// Disputed is what of it the buyers' banks took back, or may.
	Disputed int64 `json:"disputed_amount"`
}

// DifferencesMax bounds the differences that are told.
const DifferencesMax = 1000

// comparePage is how many charges or orders are read at once.
const comparePage = 1000

// settleTime is after what a difference is looked at again: what moves while the books
// are read is none.
const settleTime = 2 * time.Second

// Reconcile compares the provider's books with the orders of this replica. A
// difference is told when it is there twice. ErrOff without a provider: there are no books.
func (d *Desk) Reconcile(ctx context.Context) (*Reconciliation, error) {
	if d.provider == nil {
		return nil, ErrOff
	}
	result, err := d.reconcile(ctx)
	if err == nil {
		d.counters.differences.Store(int64(len(result.Differences)))
		d.counters.reconciled.Store(d.config.Clock().Unix())
	}
	return result, err
}

func (d *Desk) reconcile(ctx context.Context) (*Reconciliation, error) {
	first, err := d.compare(ctx, nil)
	if err != nil {
		return nil, err
	}
	for _, order := range first.disputed {
		d.look(ctx, order, true)
	}
	if len(first.Differences) == 0 {
		return first, nil
	}
	for _, order := range first.look {
		d.look(ctx, order, false)
	}
	select {
	case <-time.After(settleTime):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	again := map[string]bool{}
	for _, difference := range first.Differences {
		again[difference.Kind+difference.Key] = true
	}
	second, err := d.compare(ctx, again)
	if err == nil {
		second.More = first.More // what was cut is not looked at again
	}
	return second, err
}

// comparison is one pass over both sides.
type comparison struct {
	desk   *Desk
	only   map[string]bool // differences to tell; nil for all
	result *Reconciliation
	births births
	books  map[string]Entry // of this cluster's orders, by key
}

func (d *Desk) compare(ctx context.Context, only map[string]bool) (*Reconciliation, error) {
	result := &Reconciliation{Provider: d.provider.Name(), Money: []Takings{}, Differences: []Difference{}}
	account, err := d.metered.account(ctx, "")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoAnswer, err)
	}
	result.Account = account
	d.node.Read(func(s sequencer.Reader) { result.Accepted = s.Account() })
	c := comparison{desk: d, only: only, births: d.births(), books: map[string]Entry{}, result: result}
	if err := c.readBooks(ctx); err != nil {
		return nil, fmt.Errorf("%w: its books: %w", ErrNoAnswer, err)
	}
	for after, more := uint64(0), true; more && ctx.Err() == nil; {
		var views []sequencer.OrderView
		var next uint64
		d.node.Read(func(s sequencer.Reader) { views, next = s.OrdersWithAttempts(after, comparePage) })
		for i := range views {
			c.order(&views[i])
		}
		after, more = next, next != 0
	}
	for _, key := range slices.Sorted(maps.Keys(c.books)) { // what no order took out
		e := c.books[key]
		if e.Birth != c.births.newest && !e.hasMoney() {
			c.result.LostCharges++
			continue
		}
		c.differs(DifferenceUnknownOrder, &e.Charge, e.Amount, "the books have a charge of %s, and no such attempt began", e.Phase)
	}
	c.sums()
	return c.result, ctx.Err()
}

func (c *comparison) readBooks(ctx context.Context) error {
	return c.desk.readBooks(ctx, func(e *Entry) {
		if !c.births.have(&e.Charge) {
			c.result.OtherCharges++
			return
		}
		c.books[e.Key] = *e
		c.result.Charges++
		c.take(e)
	})
}

// take adds what was taken, and what of it went back.
func (c *comparison) take(e *Entry) {
	if e.CapturedAmount == 0 {
		return
	}
	sum := c.takings(e.Currency)
	sum.Captured += e.CapturedAmount
	sum.Refunded += e.RefundedAmount
	if e.Dispute.Status != sequencer.DisputeNone && e.Dispute.Status != sequencer.DisputeWon {
		sum.Disputed += e.Dispute.Amount
	}
}

// takings returns the sums of a currency.
func (c *comparison) takings(currency string) *Takings {
	at, known := slices.BinarySearchFunc(c.result.Money, currency, func(t Takings, currency string) int { return cmp.Compare(t.Currency, currency) })
	if !known {
		c.result.Money = slices.Insert(c.result.Money, at, Takings{Currency: currency})
	}
	return &c.result.Money[at]
}

// sums compares what is held in each currency with what the orders cost. Every difference has
// been named by its charge: this one is found by other means.
func (c *comparison) sums() {
	if len(c.result.Differences) > 0 || c.result.More {
		return
	}
	for i := range c.result.Money {
		m := &c.result.Money[i]
		if held := m.Captured - m.Refunded; held != m.Orders+m.Unsettled {
			c.differs(DifferenceSum, &Charge{Key: m.Currency, Currency: m.Currency}, held-m.Orders-m.Unsettled,
				"%s are held, the orders cost %s, %s are unsettled", amount.Money(held, m.Currency), amount.Money(m.Orders, m.Currency), amount.Money(m.Unsettled, m.Currency))
		}
	}
}

// order compares one order with the charges of its attempts.
func (c *comparison) order(v *sequencer.OrderView) {
	if v.IsForeign() {
		c.result.ForeignOrders++
		return
	}
	c.result.Orders++
	unsettled := v.State == sequencer.StatePaying || v.CaptureDue || v.VoidsDue != 0 || v.PartTickets(sequencer.PartDue) > 0
	var charge Charge
	holding := 0
	for number := uint8(1); number <= v.Attempts; number++ {
		var shown bool
		if charge, shown = c.desk.charge(v, number); !shown {
			unsettled, charge = true, Charge{Order: c.desk.uid(v)}.attempt(v.Birth, number)
		}
		e, booked := c.books[charge.Key]
		delete(c.books, charge.Key)
		if v.WasPaid() && number == v.Attempts && e.Dispute.Status != sequencer.DisputeNone && e.Dispute != v.Dispute {
			c.result.disputed = append(c.result.disputed, v.Seq)
		}
		if held := e.CapturedAmount - e.RefundedAmount; unsettled && held != 0 {
			c.takings(e.Currency).Unsettled += held
		}
		switch {
		case charge.Amount == 0 || !shown:
			continue
		case charge.Account != c.result.Account:
			c.elsewhere(v, number, &charge)
			if e.hasMoney() {
				c.differs(DifferenceUnknownOrder, &e.Charge, e.Amount, "the books have a charge of %s, and that attempt began under %s", e.Phase, charge.Account)
			}
			continue
		case unsettled:
			c.due(v, number, &charge, e, booked)
			continue
		}
		c.attempt(v, number, &charge, e, booked)
		if (e.Phase == Authorised || e.Phase == Captured) && !charge.isAnothers(&e.Charge) {
			holding++
		}
	}
	if unsettled {
		c.result.Unsettled++
	}
	if holding > 1 {
		c.differs(DifferenceTwice, &charge, charge.Amount, "%d attempts hold or took money", holding)
	}
}

// elsewhere counts an attempt under another account, and names what is due for it, which
// nobody asks or tells here.
func (c *comparison) elsewhere(v *sequencer.OrderView, number uint8, charge *Charge) {
	c.result.OtherAccount++
	if !isUnsettled(v, number) {
		return
	}
	what, minor := "must go back", charge.priceOf(v, number)*v.RestOf(number)
	switch newest := number == v.Attempts; {
	case newest && v.State == sequencer.StatePaying:
		what = "may be taken"
	case newest && v.CaptureDue:
		what, minor = "must be captured", charge.priceOf(v, number)*int64(v.Quantity)
	case newest && v.VoidsDue&(1<<(number-1)) == 0:
		what, minor = "of parts "+dueParts(v)+" must go back", charge.priceOf(v, number)*v.PartTickets(sequencer.PartDue)
	}
	c.differs(DifferenceAccount, charge, minor, "the money %s under %s, these are the books of %s: it waits for that account's key, or is settled by hand", what, charge.Account, c.result.Account)
}

// dueParts lists the numbers of an order's parts whose money must go back.
func dueParts(v *sequencer.OrderView) string {
	var numbers []string
	for i := range v.Parts {
		if v.Parts[i].State == sequencer.PartDue {
			numbers = append(numbers, strconv.Itoa(i+1))
		}
	}
	return strings.Join(numbers, ", ")
}

// due names what is due for an attempt of an order that is not settled, when the books deny
// it: settling will not end it.
func (c *comparison) due(v *sequencer.OrderView, number uint8, due *Charge, e Entry, booked bool) {
	over := e.Phase == Cancelled || e.Phase == Declined
	newest := number == v.Attempts
	switch {
	case booked && due.isAnothers(&e.Charge):
	case newest && v.CaptureDue && (!booked || over || e.Phase == Refunded):
		c.differs(DifferenceNotCaptured, due, due.priceOf(v, number)*int64(v.Quantity), "the order is paid, the charge is %s", phaseIn(e, booked))
	case newest && e.Phase == Captured && partBounced(v):
		c.differs(DifferenceNotReturned, due, due.priceOf(v, number)*v.PartTickets(sequencer.PartDue), "the refund of a part failed, and is sent once more")
	case v.VoidsDue&v.Bounced&(1<<(number-1)) != 0 && e.Phase == Captured:
		c.differs(DifferenceNotReturned, due, e.CapturedAmount-e.RefundedAmount, "a refund failed (%s), and is sent once more", v.RefundReason)
	case v.VoidsDue&(1<<(number-1)) != 0 && (!booked || over && newest && v.Captured):
		c.differs(DifferenceNotReturned, due, due.Amount, "the money must go back, the charge is %s", phaseIn(e, booked))
	}
}

// partBounced reports whether a part must go back whose refund failed once.
func partBounced(v *sequencer.OrderView) bool {
	return slices.ContainsFunc(v.Parts, func(p sequencer.Part) bool { return p.State == sequencer.PartDue && p.Fails > 0 })
}

// priceOf returns what a ticket of an order costs, of which c is the charge of an attempt.
func (c *Charge) priceOf(v *sequencer.OrderView, attempt uint8) int64 {
	return c.Amount / v.TicketsOf(attempt)
}

// phaseIn returns where a charge stands in the books.
func phaseIn(e Entry, booked bool) string {
	if !booked {
		return "not in the books"
	}
	return string(e.Phase)
}

// attempt compares one settled attempt with what should have been charged. Only the
// newest one of a paid order may have taken money.
func (c *comparison) attempt(v *sequencer.OrderView, number uint8, due *Charge, e Entry, booked bool) {
	paid := v.State == sequencer.StatePaid && number == v.Attempts
	returned := v.Voided&(1<<(number-1)) != 0
	price := due.priceOf(v, number)
	cost := price * int64(v.Quantity) // of the tickets that are still paid
	taken, back := price*v.TakenTickets(), price*v.PartTickets(sequencer.PartReturned)
	failed := price * (v.PartTickets(sequencer.PartFailed) + v.PartTickets(sequencer.PartAcknowledged))
	if paid {
		c.takings(due.Currency).Orders += cost
	}
	switch {
	case booked && due.isAnothers(&e.Charge):
		c.differs(DifferenceBuyer, due, e.Amount,
			"the charge is of order %q, birth %q, buyer %q", e.Order, e.Birth, e.Buyer)
	case booked && (e.Amount != due.Amount || e.Currency != due.Currency):
		c.differs(DifferenceAmount, &e.Charge, e.Amount, "charged %s, the order costs %s", amount.Money(e.Amount, e.Currency), amount.Money(due.Amount, due.Currency))
	case paid && !booked:
		c.differs(DifferenceNoCharge, due, cost, "the order is paid")
	case paid && e.Phase != Captured:
		c.differs(DifferenceNotCaptured, due, cost, "the order is paid, the charge is %s", e.Phase)
	case paid && e.RefundedAmount > back:
		c.result.look = append(c.result.look, v.Seq) // a part that had failed may be back by another way
		c.differs(DifferencePart, due, e.RefundedAmount-back, "the order is paid, %s of %s went back at the provider",
			amount.Money(e.RefundedAmount-back, e.Currency), amount.Money(e.CapturedAmount-back, e.Currency))
	case paid && e.CapturedAmount != taken:
		c.differs(DifferenceAmount, due, e.CapturedAmount, "%s were captured, the order costs %s", amount.Money(e.CapturedAmount, e.Currency), amount.Money(taken, due.Currency))
	case paid && e.RefundedAmount < back && !e.Refunding:
		c.result.look = append(c.result.look, v.Seq)
		c.differs(DifferenceNotReturned, due, back-e.RefundedAmount, "of the parts that went back, this did not")
	case paid && failed > 0:
		c.result.look = append(c.result.look, v.Seq)
		c.differs(DifferenceNotReturned, due, failed, "the refund of a part failed, and is not sent again")
	case v.Failed&(1<<(number-1)) != 0:
		c.result.look = append(c.result.look, v.Seq) // it may be back by another way
		c.differs(DifferenceNotReturned, due, e.CapturedAmount-e.RefundedAmount, "its refund failed (%s), and is not sent again", v.RefundReason)
	case returned && !booked:
		c.differs(DifferenceNoCharge, due, due.Amount, "its money went back")
	case returned && e.Phase == Captured && !e.Refunding:
		c.result.look = append(c.result.look, v.Seq)
		c.differs(DifferenceNotReturned, due, e.CapturedAmount-e.RefundedAmount, "the charge is %s", e.Phase)
	case returned && e.RefundedAmount != taken && number == v.Attempts && v.Captured:
		c.differs(DifferenceNotReturned, due, taken-e.RefundedAmount, "the charge is %s", e.Phase)
	case returned && e.CapturedAmount != e.RefundedAmount, returned && e.Phase == Authorised:
		c.differs(DifferenceNotReturned, due, e.CapturedAmount-e.RefundedAmount, "the charge is %s", e.Phase)
	case !paid && (e.Phase == Authorised || e.Phase == Captured):
		c.differs(DifferenceNotPaid, due, e.Amount, "the order is %s, the charge is %s", v.State, e.Phase)
	}
}

// differs notes a difference about a charge, of an amount in minor units. Its detail is for
// people, who read money in its currency.
func (c *comparison) differs(kind string, of *Charge, minor int64, format string, args ...any) {
	if c.only != nil && !c.only[kind+of.Key] {
		return
	}
	if len(c.result.Differences) >= DifferencesMax {
		c.result.More = true
		return
	}
	c.result.Differences = append(c.result.Differences, Difference{kind, of.Key, of.Order, minor, of.Currency, fmt.Sprintf(format, args...)})
}
