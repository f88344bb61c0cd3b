package api

import (
	"context"

	"onsale/sequencer"
)

// Decider gives commands their place in the one global order. Decide blocks
// until the command's decision is committed, and keeps neither the command nor
// what it refers to after it has returned. Its errors are the sequencer's:
// ErrOverloaded, ErrNoLeader (a *NotLeaderError), ErrOutcomeUnknown, ErrStopping.
type Decider interface {
	Decide(c *sequencer.Command) (sequencer.Result, error)
	// Leader returns nil when Decide would take a command now, else its error.
	// A replica that does not lead may not know yet what the leader knows, so
	// nothing is refused as unknown before it was asked.
	Leader() error
}

// Sales shows the sales as this replica knows them.
type Sales interface {
	// Sales returns all sales by number: the sale with number n is at n-1. What
	// is returned never changes.
	Sales() []sequencer.SaleView
	// SaleByID keeps id no longer than the call. What is returned never changes.
	SaleByID(id string) (*sequencer.SaleView, bool)
}

// Orders shows the orders as this replica knows them.
type Orders interface {
	// Order returns the order with a seq.
	Order(seq uint64) (sequencer.OrderView, bool)
	// OrdersOf returns the user's orders with a seq above after, lowest first,
	// at most limit of them.
	OrdersOf(user []byte, after uint64, limit int) []sequencer.OrderView
}

// Progress says how far this replica has come.
type Progress interface {
	// AppliedSeq returns the seq of the last decision that reads show.
	AppliedSeq() uint64
	// WaitApplied returns when AppliedSeq has reached seq, or
	// sequencer.ErrBehind when ctx ends before.
	WaitApplied(ctx context.Context, seq uint64) error
}

// Backend is what the API serves.
type Backend interface {
	Decider
	Sales
	Orders
	Progress
}
