package api

import (
	"context"

	"onsale/internal/auditlog"
	"onsale/internal/ticket"
	"onsale/payment"
	"onsale/sequencer"
)

// Backend is one cluster as the API serves it.
type Backend interface {
	Decider
	SaleViews
	Applied
	OrderViews
}

// Decider is the way into a cluster's log.
type Decider interface {
	// Decide gives a command its place in the cluster's one order. It blocks
	// until the decision is committed, and keeps neither the command nor what it
	// refers to after it has returned. Its errors are the sequencer's:
	// ErrOverloaded, ErrNoLeader, ErrOutcomeUnknown, ErrStopping, ErrSuperseded, and
	// ErrStorageLow for a buy.
	Decide(c *sequencer.Command) (sequencer.Result, error)
	// Load says how full the way to the leader is, 0 to 1.
	Load() float64
}

// SaleViews shows a cluster's sales, as this process has applied them.
type SaleViews interface {
	// Sales returns all sales by number: the sale with number n is at n-1. What
	// is returned never changes.
	Sales() []sequencer.SaleView
	// SaleByID keeps id no longer than the call. What is returned never changes.
	SaleByID(id string) (*sequencer.SaleView, bool)
}

// Applied says how far the sales are, and waits for more.
type Applied interface {
	// AppliedSeq returns the seq of the last decision that the sales show.
	AppliedSeq() uint64
	// AppliedPosition returns the place of the last batch that the sales show.
	AppliedPosition() sequencer.Position
	// WaitApplied returns when AppliedSeq has reached seq, or
	// sequencer.ErrBehind when ctx ends before.
	WaitApplied(ctx context.Context, seq uint64) error
	// CatchUp returns when the sales show everything that the leader had decided
	// at the call. ErrNoLeader, ErrBehind. Equal calls share one question.
	CatchUp(ctx context.Context) error
}

// OrderViews shows a cluster's orders.
type OrderViews interface {
	// Order returns the order with a seq, as of at least reached and seq; what it
	// returns is as of asOf, unless nobody has decided as much. It waits no
	// longer than ctx. ErrBehind, ErrNoLeader.
	Order(ctx context.Context, seq, reached uint64) (view sequencer.OrderView, asOf sequencer.AsOf, found bool, err error)
	// Watch lets changed be called after every change of an order from now on that
	// Order can show, perhaps without one, until stop. changed must neither block nor
	// call the backend.
	Watch(order uint64, changed func()) (stop func())
	// OrdersOf returns the user's orders with a seq above after, lowest first, at
	// most limit of them, as Order does.
	OrdersOf(ctx context.Context, user []byte, after uint64, limit int, reached uint64) (views []sequencer.OrderView, asOf sequencer.AsOf, err error)
}

// AuditLog writes down who did what, and who was refused what (auditlog.Log).
type AuditLog interface {
	// Write writes a line and returns when it is on the disk.
	Write(e auditlog.Entry) error
	// Refused writes a line about a refused attempt, or counts it.
	Refused(e auditlog.Entry)
}

// SellerBackend is a cluster as its sellers' listener serves it.
type SellerBackend interface {
	Backend
	// DecideAs decides a seller's command, whose actor is set, for who sent it with a token.
	// It keeps neither. Its errors are Decide's; a command that was sent to the leader and
	// not answered is ErrOutcomeUnknown, and contract.ErrUnauthorized means that the leader
	// does not take the token.
	DecideAs(token []byte, c *sequencer.Command) (sequencer.Result, error)
	// OrdersIn looks for orders of a sale as sequencer.State does, as of at least reached. It
	// waits no longer than ctx. ErrBehind.
	OrdersIn(ctx context.Context, q *sequencer.OrderQuery, reached uint64) (views []sequencer.OrderView, next uint64, asOf sequencer.AsOf, err error)
}

// Cluster is one entry of the table that says which sale is served where.
type Cluster struct {
	Name string
	// Number is part of the uids of the cluster's orders. It is unique in a
	// table.
	Number uint8
	// Serves says whether a sale is this cluster's to show and to sell; nil means every
	// sale that it has. Orders are found by their uids, whatever it says: who holds
	// tickets of a sale that is sold elsewhere now can still pay and cancel them.
	Serves func(sale string) bool
	// EverReached says whether the backend has shown its sales at least once, so that none
	// means that the cluster has none; nil means that it always does.
	EverReached func() bool
	Backend     Backend
	// Payments takes the money for the cluster's orders; nil where none is taken.
	Payments Payments
	// Tickets has its tickets signed; nil where nobody can.
	Tickets Tickets
}

// Tickets are signed by a cluster's nodes.
type Tickets interface {
	// TicketCodes returns the codes of the valid tickets of an order, as the view shows it or as
	// it is by now; none where the nodes have no key.
	TicketCodes(ctx context.Context, view *sequencer.OrderView) ([]ticket.Coded, error)
	// TicketKeys returns the keys that the codes are checked with: ticket.ErrOff.
	TicketKeys(ctx context.Context) (ticket.ClusterKeys, error)
}

// Revocations says which tickets of a sale were revoked, as sequencer.State does, as of at least
// reached. It waits no longer than ctx. ErrBehind.
type Revocations func(ctx context.Context, sale uint16, after uint64, limit int, reached uint64) (RevokedPage, error)

// RevokedPage is one look at the revoked tickets of a sale.
type RevokedPage = struct {
	Revoked []sequencer.Revocation
	Next    uint64
	More    bool
	AsOf    sequencer.AsOf
}

// TicketedIn looks for the orders of a sale that have tickets, as sequencer.State does, as of at
// least reached. It waits no longer than ctx. ErrBehind.
type TicketedIn func(ctx context.Context, sale uint16, after uint64, limit int, reached uint64) (TicketedPage, error)

// TicketedPage is one look at the orders of a sale that have tickets.
type TicketedPage = struct {
	Orders []sequencer.OrderView
	Next   uint64
	More   bool
	AsOf   sequencer.AsOf
}

// Payments is a cluster's way to its payment provider.
type Payments interface {
	Payer
	Books
}

// Payer takes buyers' payments.
type Payer interface {
	// Pay asks for an attempt to pay an order. It returns when the attempt has an
	// outcome, or without one when ctx ends. Its errors are the sequencer's and
	// payment.ErrOff; after ErrOutcomeUnknown an attempt may be under way.
	Pay(ctx context.Context, r payment.Request) (payment.Answer, error)
	// Place returns where an order's attempt is in the line before the provider; nil when it
	// does not wait there.
	Place(ctx context.Context, order uint64) (*payment.Place, error)
	// Notice brings a provider's webhook to where it is checked: payment.ErrNotice.
	Notice(ctx context.Context, provider, signature string, body []byte) error
	// Unsettled returns of how many orders of a sale a payment is under way, or money is to
	// be taken or given back, as this process shows them; false when it cannot tell.
	Unsettled(sale uint16) (orders int, known bool)
}

// Books compares the provider's books with the orders.
type Books interface {
	// Reconcile compares the provider's books with the orders.
	Reconcile(ctx context.Context) (*payment.Reconciliation, error)
	// Orphans returns the charges of this cluster whose orders it does not have, and
	// RefundOrphan gives one's money back: payment.ErrNotOrphan.
	Orphans(ctx context.Context) (*payment.Orphans, error)
	RefundOrphan(ctx context.Context, r payment.RefundRequest) (*payment.OrphanRefund, error)
	// Disputes returns the charges that buyers' banks were asked to take back.
	Disputes(ctx context.Context) (*payment.Disputes, error)
}

func (c *Cluster) serves(sale string) bool { return c.Serves == nil || c.Serves(sale) }

func (c *Cluster) everReached() bool { return c.EverReached == nil || c.EverReached() }

// Clusters is the table. Clusters returns it as of now, by number; it is called
// for every request, and what it returned never changes.
type Clusters interface {
	Clusters() []Cluster
}

type oneCluster []Cluster

func (o oneCluster) Clusters() []Cluster { return o }

// OneCluster returns a table with one entry.
func OneCluster(number uint8, backend Backend) Clusters {
	return oneCluster{{Number: number, Backend: backend}}
}
