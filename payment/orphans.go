package payment

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"onsale/internal/amount"
	"onsale/sequencer"
)

// ErrNotOrphan is returned when a charge is none that may be given back as an orphan: the
// provider does not have it, it is none of this cluster's, or its order is here.
var ErrNotOrphan = errors.New("not an orphaned charge")

// Why a charge is an orphan.
const (
	OrphanNoOrder   = "no_order"   // the order was decided in a history that was lost
	OrphanNoAttempt = "no_attempt" // the attempt was, and the order cannot be paid any more
)

// Orphan is a charge of one of this cluster's births that holds or took money for an order
// or attempt that the state does not have. After a restore from a backup these are what was
// paid since the backup.
type Orphan struct {
	Key            string    `json:"payment"`
	Why            string    `json:"why"`
	Order          string    `json:"order"` // uid
	Birth          string    `json:"birth"`
	Buyer          string    `json:"buyer"`  // BuyerDigest
	Amount         int64     `json:"amount"` // minor units
	Currency       string    `json:"currency"`
	Phase          Phase     `json:"phase"`
	CapturedAmount int64     `json:"captured_amount"`
	RefundedAmount int64     `json:"refunded_amount"` // of that
	CreatedAt      time.Time `json:"created_at"`
}

// Orphans are the orphaned charges that have money, the oldest first.
type Orphans struct {
	Provider string   `json:"provider"`
	Charges  int      `json:"charges"` // of this cluster's births, in the provider's books
	Orphans  []Orphan `json:"orphans"`
	More     bool     `json:"more_orphans"` // the list was cut
}

// RefundRequest asks for an orphan's money to go back.
type RefundRequest struct {
	Key    string // of the charge
	Reason string // for the record, as is the actor: whose token it was
	Actor  string
}

// OrphanRefund is the record of an orphan whose money went back.
type OrphanRefund struct {
	At       time.Time `json:"at"`
	Key      string    `json:"payment"`
	Order    string    `json:"order"` // uid
	Birth    string    `json:"birth"`
	Buyer    string    `json:"buyer"` // BuyerDigest
	Amount   int64     `json:"amount"`
	Currency string    `json:"currency"`
	Before   Phase     `json:"phase_before"` // a final one when the money was back already
	Phase    Phase     `json:"phase"`        // refunded, cancelled or declined
	Reason   string    `json:"reason"`
	Actor    string    `json:"actor"` // whose token it was
}

// OrphansMax bounds the orphans that are told at once.
const OrphansMax = 1000

// Orphans reads the provider's books for charges whose orders this replica does not have.
// An order may be on its way to the replica: caughtUp returns when it shows everything that
// the cluster had decided at the call, which is after the books were read. A charge is made
// after its attempt was committed, so what is missing then was lost, and never comes back:
// its seq lies behind the cluster's newest, and no attempt can begin for its order. ErrOff
// without a provider.
func (d *Desk) Orphans(ctx context.Context, caughtUp func(context.Context) error) (*Orphans, error) {
	if d.provider == nil {
		return nil, ErrOff
	}
	if err := caughtUp(ctx); err != nil { // so that the births are all here
		return nil, err
	}
	found := &Orphans{Provider: d.provider.Name(), Orphans: []Orphan{}}
	suspects, err := d.suspects(ctx, found)
	if err != nil {
		return nil, fmt.Errorf("%w: its books: %w", ErrNoAnswer, err)
	}
	if err := caughtUp(ctx); err != nil {
		return nil, err
	}

	for i := range suspects {
		e := &suspects[i]
		why := d.orphaned(&e.Charge)
		if why == "" {
			continue
		}
		if len(found.Orphans) == OrphansMax {
			found.More = true
			break
		}
		found.Orphans = append(found.Orphans, Orphan{
			Key: e.Key, Why: why, Order: e.Order, Birth: e.Birth, Buyer: e.Buyer,
			Amount: e.Amount, Currency: e.Currency, Phase: e.Phase, CapturedAmount: e.CapturedAmount,
			RefundedAmount: e.RefundedAmount, CreatedAt: e.CreatedAt.UTC().Truncate(time.Millisecond),
		})
	}
	return found, nil
}

// suspects returns the charges with money that this replica knows no attempt of, the oldest
// first. It keeps no others, which are almost all: an attempt that is here stays here.
func (d *Desk) suspects(ctx context.Context, found *Orphans) (suspects []Entry, err error) {
	births := d.births()
	err = d.readBooks(ctx, func(e *Entry) {
		if !births.have(&e.Charge) {
			return
		}
		found.Charges++
		if e.hasMoney() && !d.hasAttempt(&e.Charge) {
			suspects = append(suspects, *e)
		}
	})
	slices.SortStableFunc(suspects, func(a, b Entry) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.Key, b.Key))
	})
	return suspects, err
}

// hasAttempt reports whether this replica shows a charge's attempt.
func (d *Desk) hasAttempt(c *Charge) bool {
	order, ours := d.orderOf(c.Key)
	if !ours {
		return false
	}
	p, _ := sequencer.ParsePaymentRef([]byte(c.Key)) // orderOf has read it
	view, known := d.order(order)
	return known && p.Attempt <= view.Attempts
}

// orphaned says why a charge of this cluster's births is an orphan as this replica shows it,
// "" when it is none. What is not decided here yet, or may still be paid, is none.
func (d *Desk) orphaned(c *Charge) string {
	p, err := sequencer.ParsePaymentRef([]byte(c.Key))
	if err != nil || p.Birth.String() != c.Birth || sequencer.FormatUID(p.Sale, p.Seq) != c.Order ||
		p.Seq>>sequencer.ClusterShift != uint64(d.config.Number()) {
		return "" // we made no such charge: reconciling names it
	}
	seq := p.Seq & (1<<sequencer.ClusterShift - 1)
	var view sequencer.OrderView
	var known, decided bool
	d.node.Read(func(s sequencer.Reader) {
		view, known = s.Order(seq)
		decided = seq <= s.Seq()
	})

	switch {
	case !decided:
		return ""
	case !known:
		return OrphanNoOrder
	case view.Sale != p.Sale || view.Birth != p.Birth || BuyerDigest(view.Birth, view.User) != c.Buyer:
		return "" // another's, under a key of ours: reconciling names it
	case p.Attempt <= view.Attempts:
		return ""
	}
	switch view.State {
	case sequencer.StateWaitlisted, sequencer.StateReserved, sequencer.StatePaying:
		return "" // its buyer may make the attempt again, and finds what was paid
	}
	return OrphanNoAttempt
}

// RefundOrphan gives an orphan's money back, or makes sure that none is taken. It may be
// repeated, by whoever lost the answer or by two at once: what is back does not go back
// twice. ErrNotOrphan, ErrOff, ErrNoAnswer when the provider cannot do it now, and
// ErrOutcomeUnknown when its answer was lost.
func (d *Desk) RefundOrphan(ctx context.Context, r RefundRequest, caughtUp func(context.Context) error) (*OrphanRefund, error) {
	if d.provider == nil {
		return nil, ErrOff
	}
	e, err := d.calls.Lookup(ctx, r.Key)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoAnswer, err)
	}
	if e == nil {
		return nil, fmt.Errorf("%w: the provider has no charge %s", ErrNotOrphan, r.Key)
	}
	if err := caughtUp(ctx); err != nil {
		return nil, err
	}
	if births := d.births(); !births.have(&e.Charge) || d.orphaned(&e.Charge) == "" {
		return nil, fmt.Errorf("%w: %s is of an order that is here, or of another cluster", ErrNotOrphan, r.Key)
	}

	if e.Account, err = d.metered.account(ctx, e.Order); err != nil { // it is in these books
		return nil, fmt.Errorf("%w: %w", ErrNoAnswer, err)
	}
	record := &OrphanRefund{
		At: d.config.Clock().UTC().Truncate(time.Millisecond), Key: e.Key, Order: e.Order, Birth: e.Birth, Buyer: e.Buyer,
		Amount: e.Amount, Currency: e.Currency, Before: e.Phase, Reason: r.Reason, Actor: r.Actor,
	}
	d.config.Logger.Info("an orphaned charge is given back", "payment", r.Key, "amount", amount.Money(e.Amount, e.Currency),
		"phase", e.Phase, "reason", r.Reason, "actor", r.Actor)
	status, err := d.calls.Return(ctx, e.Charge, e.Refunds+1)
	if err != nil {
		return nil, fmt.Errorf("%w: %s may be given back or not; ask again, nothing goes back twice: %w", sequencer.ErrOutcomeUnknown, r.Key, err)
	}
	if outcome := status.Returned(); outcome == sequencer.PayUnknown || outcome != sequencer.PayRefunded && e.CapturedAmount > 0 {
		return nil, fmt.Errorf("%w: %s is %s and cannot be given back now", ErrNoAnswer, r.Key, status.Phase)
	}
	if record.Phase = status.Phase; record.Before != status.Phase {
		d.counters.orphans.Add(1)
	}
	return record, nil
}
