package forward

import (
	"context"
	"time"

	"onsale/internal/ticket"
	"onsale/raftfsm/peer"
	"onsale/sequencer"
)

// Node is the replica that this process runs (raftfsm.Node), as a Replica and a Server
// need it.
type Node interface {
	Decider
	Position
	Views
	Changes
	// Load says how full the inbox is, 0 to 1.
	Load() float64
}

// Decider gives commands their place in the order while it leads; else its errors are
// *sequencer.NotLeaderError.
type Decider interface {
	// Leader returns nil when Decide would take a command now, else its error.
	Leader() error
	// Decide and DecideMany give commands their place in the order and return
	// when they are decided.
	Decide(c *sequencer.Command) (sequencer.Result, error)
	DecideMany(frames []byte, count int, results []sequencer.Result) error
	// Past fills results with decisions that were made before, from a seq on, all
	// of one batch; ErrToldNoMore when this node has not kept them.
	Past(first uint64, results []sequencer.Result) error
}

// Position says how far a replica is.
type Position interface {
	// ReadIndex returns the seq of the newest decision after making sure that
	// this node leads; *sequencer.NotLeaderError when it does not.
	ReadIndex(ctx context.Context) (uint64, error)
	AppliedSeq() uint64
	// AppliedPosition returns the place of the last batch that is shown.
	AppliedPosition() sequencer.Position
	WaitApplied(ctx context.Context, seq uint64) error
}

// Views are what a replica shows.
type Views interface {
	Sales() []sequencer.SaleView
	// SalesAfter returns the sales that changed after a seq and time, oldest change
	// first; never older than AppliedSeq was before.
	SalesAfter(seq uint64, time int64) []sequencer.SaleView
	SaleByID(id string) (*sequencer.SaleView, bool)
	// Read calls read with the state as of the last batch applied here, which must be
	// short: no batch is decided meanwhile.
	Read(read func(sequencer.Reader))
}

// Changes tell what changed in a replica.
type Changes interface {
	// Changes returns the orders that changed in blocks above a height, and the
	// height up to which that is so; incomplete when any order may have changed.
	Changes(height uint64) (orders []uint64, upTo uint64, complete bool)
	// WaitChanges returns when something has changed above a height, or ctx ends.
	WaitChanges(ctx context.Context, height uint64)
}

// Control answers the cluster's administration: a verb with a JSON body is
// answered with JSON. It must bound its own time by ctx.
type Control interface {
	Control(ctx context.Context, from peer.Identity, verb string, body []byte) ([]byte, error)
}

// Payments answers what other processes ask of payments, by a verb of package payments.
// It must bound its own time by ctx.
type Payments interface {
	Payment(ctx context.Context, from peer.Identity, verb byte, body []byte) ([]byte, error)
}

// Sellers decides a seller's command for who sent it with a token: the leader itself checks
// the token, and writes whose it is into the command. codes.ErrToken.
type Sellers interface {
	Seller(token []byte, c *sequencer.Command) (sequencer.Result, error)
}

// reads answers questions about orders, bounded by ctx.
type reads interface {
	Order(ctx context.Context, seq, reached uint64) (view sequencer.OrderView, asOf sequencer.AsOf, found bool, err error)
	OrdersOf(ctx context.Context, user []byte, after uint64, limit int, reached uint64) (views []sequencer.OrderView, asOf sequencer.AsOf, err error)
	// TicketCodes signs an order's valid tickets, and TicketKeys returns the public keys.
	TicketCodes(ctx context.Context, view *sequencer.OrderView) ([]ticket.Coded, error)
	TicketKeys(ctx context.Context) (ticket.ClusterKeys, error)
}

// waitMillisecondsMax bounds how long a question may ask a node to wait.
const waitMillisecondsMax = 60_000

// within returns a context for a wait that came over the wire.
func within(parent context.Context, milliseconds uint32) (context.Context, context.CancelFunc) {
	return context.WithTimeout(parent, time.Duration(min(milliseconds, waitMillisecondsMax))*time.Millisecond)
}

// waitOf returns how long ctx still allows, in milliseconds.
func waitOf(ctx context.Context) uint32 {
	deadline, bounded := ctx.Deadline()
	if !bounded {
		return waitMillisecondsMax
	}
	return uint32(max(0, min(time.Until(deadline).Milliseconds(), waitMillisecondsMax)))
}
