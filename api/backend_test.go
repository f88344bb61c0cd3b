package api

import (
	"context"
	"sync"
	"time"

	"onsale/cluster/forward"
	"onsale/sequencer"
)

// testBackend decides at once, with the real rules, on one goroutine at a time.
type testBackend struct {
	mu    sync.Mutex
	state *sequencer.State
	views []sequencer.SaleView
	out   sequencer.Decisions
	now   func() time.Time

	hub       *forward.Hub
	load      float64
	caughtUp  int    // calls of CatchUp
	onCatchUp func() // called by it, with the lock
	onSearch  func() // called by each look for orders, with the lock; it finds one order then
	failReads error  // what OrdersOf returns
	onChange  func() // called before a command that has a revision is decided

	fail    error                   // what Decide returns instead
	decided int                     // commands that came to Decide
	lag     uint64                  // by how much reads are behind
	hold    chan struct{}           // when set, Decide waits for it
	onWait  func(seq uint64)        // called by WaitApplied
	last    sequencer.Command       // the newest command
	lastKey [16]byte                // its key
	panics  bool                    // Decide panics
	respond func() sequencer.Result // when set, what Decide returns
}

func newTestBackend(now func() time.Time) *testBackend {
	b := &testBackend{state: sequencer.New(), now: now, hub: forward.NewHub()}
	b.born(testBirth(), sequencer.BirthNew)
	return b
}

// testBirth is the id with which every test backend is born.
func testBirth() sequencer.ClusterID { return sequencer.ClusterID{0xa1, 15: 1} }

// born lets the backend's cluster be born, or again from what it has.
func (b *testBackend) born(id sequencer.ClusterID, cause sequencer.BirthCause) {
	b.do(sequencer.Command{Kind: sequencer.KindBirth, Key: sequencer.KeyDigest(id), Amount: b.now().UnixNano(), Count: uint32(cause)})
}

// refOf returns what names an attempt to pay an order of a test backend.
func refOf(uid string, attempt uint8) string { return sequencer.PaymentRef(testBirth(), uid, attempt) }

func (b *testBackend) Decide(c *sequencer.Command) (sequencer.Result, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.decided++
	if b.hold != nil {
		<-b.hold
	}
	switch {
	case b.panics:
		panic("a bug")
	case b.fail != nil:
		return sequencer.Result{}, b.fail
	case b.respond != nil:
		return b.respond(), nil
	}
	if c.Revision != 0 && b.onChange != nil {
		b.onChange()
	}
	b.last, b.lastKey = *c, c.Key
	b.apply(*c)
	return b.out.Results[0], nil
}

// DecideAs decides as Decide does: tokens are the listener's.
func (b *testBackend) DecideAs(_ []byte, c *sequencer.Command) (sequencer.Result, error) {
	return b.Decide(c)
}

// Watch tells of every change of anything.
func (b *testBackend) Watch(order uint64, changed func()) (stop func()) {
	return b.hub.Watch(order, changed)
}

func (b *testBackend) Load() float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.load
}

func (b *testBackend) CatchUp(context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.caughtUp++
	if b.onCatchUp != nil {
		b.onCatchUp()
	}
	return b.fail
}

func (b *testBackend) apply(commands ...sequencer.Command) {
	b.state.Apply(&sequencer.Batch{Time: b.now().UnixNano(), Commands: commands}, &b.out)
	views := make([]sequencer.SaleView, b.state.SaleCount())
	for i := range views {
		views[i], _ = b.state.Sale(uint16(i + 1))
	}
	b.views = views
	b.hub.All()
}

// do decides a command that no route makes yet.
func (b *testBackend) do(c sequencer.Command) sequencer.Result {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.apply(c)
	return b.out.Results[0]
}

// set changes the backend while requests may run.
func (b *testBackend) set(change func(*testBackend)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(b)
}

func (b *testBackend) Sales() []sequencer.SaleView {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.views
}

func (b *testBackend) SaleByID(id string) (*sequencer.SaleView, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	number, known := b.state.SaleNumber(id)
	if !known {
		return nil, false
	}
	return &b.views[number-1], true
}

func (b *testBackend) Order(ctx context.Context, seq, reached uint64) (sequencer.OrderView, sequencer.AsOf, bool, error) {
	if reached = max(seq, reached); reached <= b.decidedSeq() {
		if err := b.WaitApplied(ctx, reached); err != nil {
			return sequencer.OrderView{}, sequencer.AsOf{}, false, err
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	view, found := b.state.Order(seq)
	return view, b.asOf(), found, nil
}

func (b *testBackend) OrdersOf(ctx context.Context, user []byte, after uint64, limit int, reached uint64) ([]sequencer.OrderView, sequencer.AsOf, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state.OrdersOf(user, after, limit), b.asOf(), b.failReads
}

func (b *testBackend) OrdersIn(ctx context.Context, q *sequencer.OrderQuery, reached uint64) ([]sequencer.OrderView, uint64, sequencer.AsOf, error) {
	if err := b.WaitApplied(ctx, reached); err != nil {
		return nil, 0, sequencer.AsOf{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	own := *q
	if b.onSearch != nil {
		b.onSearch()
		own.Limit = 1
	}
	views, next := b.state.OrdersIn(&own)
	return views, next, b.asOf(), b.failReads
}

// decidedSeq is how far the leader is.
func (b *testBackend) decidedSeq() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state.Seq()
}

// asOf is where reads are; b is locked.
func (b *testBackend) asOf() sequencer.AsOf {
	at := b.state.AsOf()
	at.Seq -= b.lag
	at.Height -= b.lag
	return at
}

func (b *testBackend) AppliedPosition() sequencer.Position {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.asOf().Position
}

func (b *testBackend) AppliedSeq() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state.Seq() - b.lag
}

func (b *testBackend) WaitApplied(ctx context.Context, seq uint64) error {
	for {
		if b.AppliedSeq() >= seq {
			return nil
		}
		b.mu.Lock()
		onWait := b.onWait
		b.mu.Unlock()
		if onWait != nil {
			onWait(seq)
		}
		select {
		case <-ctx.Done():
			return sequencer.ErrBehind
		case <-time.After(time.Millisecond):
		}
	}
}
