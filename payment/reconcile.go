package payment

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
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

const (
	// comparePage is how many charges are asked for at once.
	comparePage = 1000
	// attemptsPage is how many orders are looked at at once, while no batch is decided.
	attemptsPage = 128
)

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
		d.node.Read(func(s sequencer.Reader) { views, next = s.OrdersWithAttempts(after, attemptsPage) })
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
