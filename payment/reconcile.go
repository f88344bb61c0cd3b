package payment

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"onsale/sequencer"
)

// The kinds of differences between the provider's books and the orders.
const (
	DifferenceUnknownOrder = "unknown_order"  // a charge of an order or attempt that was never made
	DifferenceAmount       = "amount"         // charged another amount, or in another currency, than the order costs
	DifferenceNotCaptured  = "not_captured"   // the order is paid and its money was not taken
	DifferenceNotReturned  = "not_returned"   // the money should have gone back
	DifferenceNotPaid      = "not_paid"       // money is held or taken for an attempt that did not pay the order
	DifferenceTwice        = "charged_twice"  // two attempts of one order hold or took money
	DifferenceNoCharge     = "without_charge" // an attempt that was accepted is not in the books
)

// Difference is one place where books and orders do not agree.
type Difference struct {
	Kind   string `json:"kind"`
	Key    string `json:"payment"`
	Amount int64  `json:"amount"` // minor units
	Detail string `json:"detail"`
}

// Reconciliation is what comparing all books with all orders gave.
type Reconciliation struct {
	Provider    string       `json:"provider"`
	Charges     int          `json:"charges"`   // in the provider's books
	Orders      int          `json:"orders"`    // that somebody began to pay
	Unsettled   int          `json:"unsettled"` // of these, not compared: their settling goes on
	Money       []Takings    `json:"money"`     // by currency, of which some was taken
	Differences []Difference `json:"differences"`
	More        bool         `json:"more_differences"` // the list was cut
}

// Takings are what the provider took in one currency, in its minor units.
type Takings struct {
	Currency string `json:"currency"`
	Captured int64  `json:"captured_amount"`
	Refunded int64  `json:"refunded_amount"` // of that
}

// DifferencesMax bounds the differences that are told.
const DifferencesMax = 1000

// comparePage is how many charges or orders are read at once.
const comparePage = 1000

// settleTime is after what a difference is looked at again: what moves while the books
// are read is none.
const settleTime = 2 * time.Second

// Reconcile compares the provider's books with the orders of this replica. A
// difference is told when it is there twice.
func (d *Desk) Reconcile(ctx context.Context) (*Reconciliation, error) {
	result, err := d.reconcile(ctx)
	if err == nil {
		d.counters.differences.Store(int64(len(result.Differences)))
		d.counters.reconciled.Store(d.config.Clock().Unix())
	}
	return result, err
}

func (d *Desk) reconcile(ctx context.Context) (*Reconciliation, error) {
	first, err := d.compare(ctx, nil)
	if err != nil || len(first.Differences) == 0 {
		return first, err
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
	books  map[string]Entry // of this cluster's orders, by key
}

func (d *Desk) compare(ctx context.Context, only map[string]bool) (*Reconciliation, error) {
	c := comparison{desk: d, only: only, books: map[string]Entry{}, result: &Reconciliation{Provider: d.provider.Name(), Money: []Takings{}, Differences: []Difference{}}}
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
		c.differs(DifferenceUnknownOrder, key, e.Amount, "the books have a charge of %s, and no such attempt began", e.Phase)
	}
	return c.result, ctx.Err()
}

func (c *comparison) readBooks(ctx context.Context) error {
	cursor := ""
	for {
		entries, next, err := c.desk.metered.Ledger(ctx, cursor, comparePage)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if !c.isOurs(&e) {
				continue // another cluster's, or another system's
			}
			c.books[e.Key] = e
			c.result.Charges++
			c.take(&e)
		}
		if cursor = next; cursor == "" {
			return nil
		}
	}
}

// take adds what was taken, and what of it went back.
func (c *comparison) take(e *Entry) {
	if e.CapturedAmount == 0 {
		return
	}
	at, known := slices.BinarySearchFunc(c.result.Money, e.Currency, func(t Takings, currency string) int { return cmp.Compare(t.Currency, currency) })
	if !known {
		c.result.Money = slices.Insert(c.result.Money, at, Takings{Currency: e.Currency})
	}
	c.result.Money[at].Captured += e.CapturedAmount
	c.result.Money[at].Refunded += e.RefundedAmount
}

// isOurs reports whether a charge is of this cluster: by its key, or by its order,
// because a charge under a key that we should not have used is a difference too.
func (c *comparison) isOurs(e *Entry) bool {
	_, seq, _, err := sequencer.ParsePaymentRef([]byte(e.Key))
	if err != nil {
		_, seq, err = sequencer.ParseUID([]byte(e.Order))
	}
	return err == nil && seq>>sequencer.ClusterShift == uint64(c.desk.config.Number())
}

// order compares one order with the charges of its attempts.
func (c *comparison) order(v *sequencer.OrderView) {
	c.result.Orders++
	unsettled := v.State == sequencer.StatePaying || v.CaptureDue || v.VoidsDue != 0
	charge, shown := c.desk.charge(v, v.Attempts)
	uid, holding := c.desk.uid(v), 0
	unsettled = unsettled || !shown
	for number := uint8(1); number <= v.Attempts; number++ {
		key := sequencer.PaymentRef(uid, number)
		e, booked := c.books[key]
		delete(c.books, key)
		if unsettled || charge.Amount == 0 {
			continue
		}
		charge.Key = key
		c.attempt(v, number, charge, e, booked)
		if e.Phase == Authorised || e.Phase == Captured {
			holding++
		}
	}
	if unsettled {
		c.result.Unsettled++
	}
	if holding > 1 {
		c.differs(DifferenceTwice, sequencer.PaymentRef(uid, v.Attempts), charge.Amount, "%d attempts hold or took money", holding)
	}
}

// attempt compares one settled attempt with what should have been charged. Only the
// newest one of a paid order may have taken money.
func (c *comparison) attempt(v *sequencer.OrderView, number uint8, due Charge, e Entry, booked bool) {
	paid := v.State == sequencer.StatePaid && number == v.Attempts
	returned := v.Voided&(1<<(number-1)) != 0
	switch {
	case booked && (e.Amount != due.Amount || e.Currency != due.Currency):
		c.differs(DifferenceAmount, due.Key, e.Amount, "charged %d %s, the order costs %d %s", e.Amount, e.Currency, due.Amount, due.Currency)
	case paid && !booked:
		c.differs(DifferenceNoCharge, due.Key, due.Amount, "the order is paid")
	case paid && e.Phase != Captured:
		c.differs(DifferenceNotCaptured, due.Key, due.Amount, "the order is paid, the charge is %s", e.Phase)
	case returned && e.CapturedAmount != e.RefundedAmount, returned && e.Phase == Authorised:
		c.differs(DifferenceNotReturned, due.Key, e.CapturedAmount-e.RefundedAmount, "the charge is %s", e.Phase)
	case !paid && (e.Phase == Authorised || e.Phase == Captured):
		c.differs(DifferenceNotPaid, due.Key, e.Amount, "the order is %s, the charge is %s", v.State, e.Phase)
	}
}

func (c *comparison) differs(kind, key string, amount int64, format string, args ...any) {
	if c.only != nil && !c.only[kind+key] {
		return
	}
	if len(c.result.Differences) >= DifferencesMax {
		c.result.More = true
		return
	}
	c.result.Differences = append(c.result.Differences, Difference{kind, key, amount, fmt.Sprintf(format, args...)})
}
