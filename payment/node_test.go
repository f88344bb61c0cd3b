package payment_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"onsale/payment"
	"onsale/payment/sandbox"
	"onsale/sequencer"
)

// oneNode is a replica without raft: a state behind a lock, whose time the test sets.
type oneNode struct {
	mu     sync.Mutex
	state  *sequencer.State
	now    int64
	leader error
	// deposed: a majority has another leader, and this node has not heard of it.
	deposed bool
}

func newNode(t testing.TB, spec sequencer.SaleSpec) *oneNode {
	n := &oneNode{state: sequencer.New(), now: time.Now().UnixNano()}
	spec.ID, spec.Item, spec.Currency, spec.Cap = "gig", "Gig", "EUR", 10
	if spec.Quantity == 0 {
		spec.Quantity = 1000
	}
	if spec.Hold == 0 {
		spec.Hold = int64(time.Hour)
	}
	result, err := n.Decide(&sequencer.Command{Kind: sequencer.KindSaleCreate, Body: sequencer.AppendSaleSpec(nil, &spec)})
	if err != nil || result.Code != sequencer.CodeOK {
		t.Fatal(result.Code, err)
	}
	return n
}

func (n *oneNode) Leader() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.leader
}

func (n *oneNode) Decide(c *sequencer.Command) (sequencer.Result, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.leader != nil {
		return sequencer.Result{}, n.leader
	}
	var d sequencer.Decisions
	n.state.Apply(&sequencer.Batch{Time: n.now, Commands: []sequencer.Command{*c}}, &d)
	return d.Results[0], nil
}

// pass lets time go by.
func (n *oneNode) pass(d time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.now += int64(d)
	n.state.Apply(&sequencer.Batch{Time: n.now}, new(sequencer.Decisions))
}

func (n *oneNode) ReadIndex(context.Context) (uint64, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.deposed {
		return 0, sequencer.ErrNoLeader
	}
	return n.state.Seq(), n.leader
}

func (n *oneNode) Order(seq uint64) (sequencer.OrderView, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.state.Order(seq)
}

func (n *oneNode) SaleByID(string) (*sequencer.SaleView, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	view, known := n.state.Sale(1)
	return &view, known
}

func (n *oneNode) Unsettled(after uint64, limit int) []sequencer.OrderView {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.state.Unsettled(after, limit)
}

func (n *oneNode) UnsettledCount() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.state.UnsettledCount()
}

func (n *oneNode) OrdersWithAttempts(after uint64, limit int) ([]sequencer.OrderView, uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.state.OrdersWithAttempts(after, limit)
}

// buy returns the seq of a new order of two tickets.
func (n *oneNode) buy(t testing.TB, user string) uint64 {
	t.Helper()
	result, err := n.Decide(&sequencer.Command{Kind: sequencer.KindBuy, Sale: 1, Quantity: 2, User: []byte(user)})
	if err != nil || result.State != sequencer.StateReserved {
		t.Fatal(result, err)
	}
	return result.Order
}

func (n *oneNode) stateOf(seq uint64) sequencer.OrderState {
	view, _ := n.Order(seq)
	return view.State
}

// newBooks returns a sandbox in memory, and newDesk a quick desk; both end with the test.
func newBooks(t testing.TB) *sandbox.Books {
	t.Helper()
	books, err := sandbox.Open(sandbox.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { books.Close() })
	return books
}

func quickConfig() payment.Config {
	c := payment.DefaultConfig()
	c.CallTimeout, c.AbandonAfter, c.SettleInterval, c.RetryPauseMax = 300*time.Millisecond, 600*time.Millisecond, 5*time.Millisecond, 50*time.Millisecond
	return c
}

func newDesk(t testing.TB, c payment.Config, n *oneNode, p payment.Provider) *payment.Desk {
	t.Helper()
	d := payment.NewDesk(c, n, p)
	t.Cleanup(func() { d.Close() })
	return d
}

func pay(t testing.TB, d *payment.Desk, seq uint64, user, method string) payment.Answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	answer, err := d.Pay(ctx, payment.Request{Order: seq, User: user, Method: method})
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if is() {
			return
		}
	}
	t.Fatal("not in time: " + what)
}

// mustAgree waits until everything is settled, and compares books and orders.
func mustAgree(t testing.TB, n *oneNode, d *payment.Desk) *payment.Reconciliation {
	t.Helper()
	eventually(t, "everything is settled", func() bool { return n.UnsettledCount() == 0 })
	found, err := d.Reconcile(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if len(found.Differences) > 0 {
		t.Fatalf("%+v", found)
	}
	return found
}
