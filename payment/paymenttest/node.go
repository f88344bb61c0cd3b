// Package paymenttest has what tests of desks and providers share: a replica without
// raft, quick desks, and a leader that dies at every step of the protocol.
package paymenttest

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"onsale/payment"
	"onsale/sequencer"
)

// Node is a replica without raft: a state behind a lock, whose time the test sets.
type Node struct {
	mu     sync.Mutex
	state  *sequencer.State
	now    int64
	leader error
	// deposed: a majority has another leader, and this node has not heard of it.
	deposed bool
}

// NewNode returns a replica with a sale "gig" of this kind, which has the number 1. It was
// born as BirthID.
func NewNode(t testing.TB, spec sequencer.SaleSpec) *Node { return NewNodeBorn(t, BirthID(), spec) }

// NewNodeBorn returns a replica of a cluster of its own.
func NewNodeBorn(t testing.TB, id sequencer.ClusterID, spec sequencer.SaleSpec) *Node {
	n := &Node{state: sequencer.New(), now: time.Now().UnixNano()}
	n.Born(t, id, sequencer.BirthNew)
	spec.ID = "gig"
	n.AddSale(t, spec)
	return n
}

// Born lets the cluster be born, or again from what it has.
func (n *Node) Born(t testing.TB, id sequencer.ClusterID, cause sequencer.BirthCause) {
	t.Helper()
	n.mu.Lock()
	now := n.now
	n.mu.Unlock()
	if result, err := n.Decide(birth(id, cause, now)); err != nil || result.Code != sequencer.CodeOK {
		t.Fatal(result.Code, err)
	}
}

// AddSale creates a sale and returns its number. What the spec does not say is filled in.
func (n *Node) AddSale(t testing.TB, spec sequencer.SaleSpec) uint16 {
	t.Helper()
	result, err := n.Decide(saleCreate(spec))
	if err != nil || result.Code != sequencer.CodeOK {
		t.Fatal(result.Code, err)
	}
	return result.Sale
}

func saleCreate(spec sequencer.SaleSpec) *sequencer.Command {
	spec.Item = cmp.Or(spec.Item, "Gig")
	spec.Currency = cmp.Or(spec.Currency, "EUR")
	spec.Cap = cmp.Or(spec.Cap, 10)
	spec.Quantity = cmp.Or(spec.Quantity, 1000)
	spec.Hold = cmp.Or(spec.Hold, int64(time.Hour))
	return &sequencer.Command{Kind: sequencer.KindSaleCreate, Body: sequencer.AppendSaleSpec(nil, &spec)}
}

// Account is the account of a sandbox whose Config.Account is AccountID.
const (
	Account   = "sandbox/test/" + AccountID
	AccountID = "a"
)

// Leader implements payment.Node.
func (n *Node) Leader() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.leader
}

// Decide implements payment.Node.
func (n *Node) Decide(c *sequencer.Command) (sequencer.Result, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.leader != nil {
		return sequencer.Result{}, n.leader
	}
	var d sequencer.Decisions
	n.state.Apply(&sequencer.Batch{Time: n.now, Commands: []sequencer.Command{*c}}, &d)
	return d.Results[0], nil
}

// Pass lets time go by.
func (n *Node) Pass(d time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.now += int64(d)
	n.state.Apply(&sequencer.Batch{Time: n.now}, new(sequencer.Decisions))
}

// ReadIndex implements payment.Node.
func (n *Node) ReadIndex(ctx context.Context) (uint64, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return 0, fmt.Errorf("%w: %w", sequencer.ErrNoLeader, err)
	}
	if n.deposed {
		return 0, sequencer.ErrNoLeader
	}
	return n.state.Seq(), n.leader
}

// Depose lets a majority have another leader, of which this node does not hear.
func (n *Node) Depose() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.deposed = true
}

// SetLeader lets the node lead when err is nil, and refuse with err otherwise.
func (n *Node) SetLeader(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.leader = err
}

// Tell lets the node decide a command.
func (n *Node) Tell(t testing.TB, c sequencer.Command) {
	t.Helper()
	if _, err := n.Decide(&c); err != nil {
		t.Fatal(err)
	}
}

// Read implements payment.Node.
func (n *Node) Read(read func(sequencer.Reader)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	read(n.state)
}

// SaleByID implements payment.Node.
func (n *Node) SaleByID(id string) (*sequencer.SaleView, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return saleByID(n.state, id)
}

func saleByID(s *sequencer.State, id string) (*sequencer.SaleView, bool) {
	number, known := s.SaleNumber(id)
	if !known {
		return nil, false
	}
	view, known := s.Sale(number)
	return &view, known
}

// UnsettledCount returns how many orders are not settled.
func (n *Node) UnsettledCount() (count int) {
	n.Read(func(s sequencer.Reader) { count = s.UnsettledCount() })
	return count
}

// Buy returns the seq of a new order of two tickets of the first sale.
func (n *Node) Buy(t testing.TB, user string) uint64 {
	t.Helper()
	return n.BuyIn(t, 1, user, 2)
}

// BuyIn returns the seq of a new order in a sale.
func (n *Node) BuyIn(t testing.TB, sale uint16, user string, quantity uint8) uint64 {
	t.Helper()
	c := sequencer.Command{Kind: sequencer.KindBuy, Sale: sale, Quantity: quantity, User: []byte(user)}
	result, err := n.Decide(&c)
	if err != nil || result.State != sequencer.StateReserved {
		t.Fatal(result, err)
	}
	return result.Order
}

// Order returns an order; the zero OrderView for one that is not known.
func (n *Node) Order(seq uint64) (view sequencer.OrderView) {
	n.Read(func(s sequencer.Reader) { view, _ = s.Order(seq) })
	return view
}

// StateOf returns an order's state.
func (n *Node) StateOf(seq uint64) sequencer.OrderState { return n.Order(seq).State }

// QuickConfig returns the configuration of a desk that waits for little.
func QuickConfig() payment.Config {
	c := payment.DefaultConfig()
	c.CallTimeout, c.AbandonAfter, c.SettleInterval, c.RetryPauseMax = 300*time.Millisecond, 600*time.Millisecond, 5*time.Millisecond, 50*time.Millisecond
	return c
}

// NewDesk returns a desk that ends with the test.
func NewDesk(t testing.TB, c payment.Config, n *Node, p payment.Provider) *payment.Desk {
	t.Helper()
	d := payment.NewDesk(c, n, p)
	t.Cleanup(func() { _ = d.Close() }) // a test may have closed it
	return d
}

// Pay pays an order of the first sale and returns what its buyer is told.
func Pay(t testing.TB, d *payment.Desk, seq uint64, user, method string) payment.Answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	answer, err := d.Pay(ctx, payment.Request{Order: seq, Sale: 1, User: user, Method: method})
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// Eventually fails the test when something does not become true within a minute.
func Eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if is() {
			return
		}
	}
	t.Fatal("not in time: " + what)
}

// MustAgree waits until everything is settled, and compares books and orders.
func MustAgree(t testing.TB, n *Node, d *payment.Desk) *payment.Reconciliation {
	t.Helper()
	Eventually(t, "everything is settled", func() bool { return n.UnsettledCount() == 0 })
	found, err := d.Reconcile(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if len(found.Differences) > 0 {
		t.Fatalf("%+v", found)
	}
	return found
}
