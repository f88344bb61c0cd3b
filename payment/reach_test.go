package payment_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"onsale/payment"
	"onsale/payment/paymenttest"
	"onsale/sequencer"
)

var errNoWayOut = errors.New("no way out of here")

// severed is a provider that can be reached or not.
type severed struct {
	payment.Provider
	away *away
}

func (s severed) err() error {
	if s.away.is.Load() {
		return s.away.err
	}
	return nil
}

func (s severed) Authorise(ctx context.Context, c payment.Charge, method string) (payment.Status, error) {
	if err := s.err(); err != nil {
		return payment.Status{}, err
	}
	return s.Provider.Authorise(ctx, c, method)
}

func (s severed) Find(ctx context.Context, c payment.Charge) (payment.Status, error) {
	if err := s.err(); err != nil {
		return payment.Status{}, err
	}
	return s.Provider.Find(ctx, c)
}

func (s severed) Cancel(ctx context.Context, c payment.Charge) (payment.Status, error) {
	if err := s.err(); err != nil {
		return payment.Status{}, err
	}
	return s.Provider.Cancel(ctx, c)
}

func (s severed) Lookup(ctx context.Context, key string) (*payment.Entry, error) {
	if err := s.err(); err != nil {
		return nil, err
	}
	return s.Provider.Lookup(ctx, key)
}

// away is a node and a desk whose provider can be reached or not, and whose time is the
// bubble's.
type away struct {
	*paymenttest.Node
	desk  *payment.Desk
	is    atomic.Bool
	err   error
	asked atomic.Int32 // how often another node was to lead
	leads atomic.Bool  // another one does then
}

func newAway(t *testing.T, err error) *away {
	a := &away{Node: paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100}), err: err}
	config := paymenttest.QuickConfig()
	config.SettleInterval, config.RetryPauseMax = time.Second, 10*time.Second
	config.HandOver = func() bool {
		if a.stopped() && a.asked.Load() == 0 {
			t.Error("the clock was stopped before another node was let lead")
		}
		a.asked.Add(1)
		return a.leads.Load()
	}
	a.desk = paymenttest.NewDesk(t, config, a.Node, severed{newBooks(t), a})
	return a
}

func (a *away) stopped() (is bool) {
	a.Read(func(s sequencer.Reader) { is = s.HoldsStopped() })
	return is
}

// pass lets the log's time and the bubble's go by together.
func (a *away) pass(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		time.Sleep(time.Second)
		a.Pass(time.Second)
	}
}

// begin lets buyers begin to pay.
func (a *away) begin(t *testing.T, buyers int) (orders []uint64) {
	t.Helper()
	for i := range buyers {
		user := fmt.Sprint("u", i)
		seq := a.Buy(t, user)
		orders = append(orders, seq)
		go func() {
			_, _ = a.desk.Pay(t.Context(), payment.Request{Order: seq, Sale: 1, User: user, Method: "tok_accept"})
		}()
	}
	synctest.Wait()
	return orders
}

// While nobody can pay nobody's hour runs: the clock of holds stops where no other node can
// lead, which is asked now and then, and when the provider is there again everybody has the time that was left, ten minutes
// at least who had begun to pay.
func TestHoldsWaitForTheProvider(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAway(t, errNoWayOut)
		idle := a.Buy(t, "idle")
		a.is.Store(true)
		paying := a.begin(t, 3)
		a.pass(25 * time.Second)
		if a.stopped() {
			t.Fatal("the clock stopped at once")
		}
		a.pass(10 * time.Second)
		if !a.stopped() {
			t.Fatal("nobody can pay, and the clock runs")
		}
		a.pass(3 * time.Hour)
		if asked := a.asked.Load(); asked < 3*60-2 || asked > 3*60+2 {
			t.Errorf("another node was to lead %d times in three hours", asked)
		}
		for _, seq := range append(paying, idle) {
			if state := a.StateOf(seq); !state.Holds() {
				t.Errorf("order %d is %s", seq, state)
			}
		}

		a.is.Store(false)
		a.pass(time.Minute)
		if a.stopped() {
			t.Error("the provider is there, and the clock is stopped")
		}
		for _, seq := range paying {
			if view := a.Order(seq); view.State != sequencer.StateReserved || view.Reason != sequencer.ReasonUnavailable {
				t.Errorf("whoever could not pay has %+v", view)
			}
		}
		a.pass(55 * time.Minute)
		if state := a.StateOf(idle); state != sequencer.StateReserved {
			t.Errorf("an hour's hold is %s after an hour of which it was stopped", state)
		}
		a.pass(5 * time.Minute)
		if state := a.StateOf(idle); state != sequencer.StateExpired {
			t.Errorf("the hold is %s", state)
		}
	})
}

// Where another node leads instead this one stops no clock: the way out of it alone may be
// broken.
func TestAnotherNodeMayReachTheProvider(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAway(t, errNoWayOut)
		a.leads.Store(true)
		a.is.Store(true)
		a.begin(t, 3)
		a.pass(40 * time.Second)
		if a.asked.Load() != 1 || a.stopped() {
			t.Errorf("another was to lead %d times, the clock is stopped: %t", a.asked.Load(), a.stopped())
		}
	})
}

// A provider that says that it has too much to do, that declines, or that fails now and then
// stops no clock; neither does one order's own trouble.
func TestClockRunsOn(t *testing.T) {
	for what, c := range map[string]struct {
		err    error
		buyers int
		flaps  bool
	}{
		"it throttles":      {fmt.Errorf("429: %w", payment.ErrThrottled), 5, false},
		"one order's fault": {errNoWayOut, 1, false},
		"every 20 s":        {errNoWayOut, 5, true},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAway(t, c.err)
				a.is.Store(true)
				a.begin(t, c.buyers)
				for range 10 {
					a.pass(20 * time.Second)
					if a.stopped() {
						t.Fatal("the clock is stopped")
					}
					a.is.Store(!c.flaps || !a.is.Load())
				}
			})
		})
	}
}

// The next leader finds the clock stopped, asks the provider without anybody paying, and lets
// the clock go on.
func TestNextLeaderLetsTheClockGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100})
		seq := n.Buy(t, "ann")
		n.Tell(t, sequencer.Command{Kind: sequencer.KindHoldStop, Count: 3600})
		d := paymenttest.NewDesk(t, paymenttest.QuickConfig(), n, newBooks(t))
		time.Sleep(10 * time.Second)
		n.Read(func(s sequencer.Reader) {
			if s.HoldsStopped() || !s.HoldsLive() {
				t.Error("the clock is stopped")
			}
		})
		if answer := paymenttest.Pay(t, d, seq, "ann", "tok_accept"); answer.State != sequencer.StatePaid {
			t.Errorf("%+v", answer)
		}
	})
}
