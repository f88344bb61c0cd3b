package payment_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"onsale/payment"
	"onsale/payment/paymenttest"
	"onsale/sequencer"
)

// uncalled is a provider that nobody may call.
type uncalled struct {
	payment.Provider
	t *testing.T
}

func (u uncalled) Authorise(context.Context, payment.Charge, string) (payment.Status, error) {
	u.t.Error("authorised")
	return payment.Status{}, errNoWayOut
}

func (u uncalled) Find(context.Context, payment.Charge) (payment.Status, error) {
	u.t.Error("asked about a charge")
	return payment.Status{}, errNoWayOut
}

func (u uncalled) Capture(context.Context, payment.Charge, int64) (payment.Status, error) {
	u.t.Error("captured")
	return payment.Status{}, errNoWayOut
}

func (u uncalled) Return(context.Context, payment.Charge, uint8) (payment.Status, error) {
	u.t.Error("given back")
	return payment.Status{}, errNoWayOut
}

// free is a node with a free sale.
func free(t *testing.T) *paymenttest.Node { return paymenttest.NewNode(t, sequencer.SaleSpec{}) }

// What costs nothing is paid without a provider and without a method, or whatever is said of
// one; refunded, nothing is due.
func TestFreeIsPaid(t *testing.T) { synctest.Test(t, testFreeIsPaid) }

func testFreeIsPaid(t *testing.T) {
	for name, provider := range map[string]payment.Provider{"none": nil, "one": uncalled{newBooks(t), t}} {
		n := free(t)
		d := paymenttest.NewDesk(t, paymenttest.QuickConfig(), n, provider)
		for _, method := range []string{"", "tok_decline"} {
			user := "ann" + method
			seq := n.Buy(t, user)
			for range 2 {
				if answer := paymenttest.Pay(t, d, seq, user, method); answer.State != sequencer.StatePaid || !strings.HasSuffix(answer.Key, "-01") {
					t.Errorf("provider %s, method %q: %+v", name, method, answer)
				}
			}
			n.Tell(t, sequencer.Command{Kind: sequencer.KindRefund, Order: seq})
			synctest.Wait()
			time.Sleep(time.Second)
			if v := n.Order(seq); v.State != sequencer.StateRefunded || v.VoidsDue|v.Voided != 0 || v.Captured || v.Attempts != 1 {
				t.Errorf("provider %s, method %q, refunded: %+v", name, method, v)
			}
		}
		if count := n.UnsettledCount(); count != 0 {
			t.Errorf("provider %s: %d are unsettled", name, count)
		}
	}
}

// Who presses twice is told the same, whatever each says of a method.
func TestFreeTwiceAtOnce(t *testing.T) { synctest.Test(t, testFreeTwiceAtOnce) }

func testFreeTwiceAtOnce(t *testing.T) {
	n, config, release := free(t), paymenttest.QuickConfig(), make(chan struct{})
	config.Reached = func(at payment.Step) {
		if at == payment.StepAuthorised {
			<-release
		}
	}
	d := paymenttest.NewDesk(t, config, n, nil)
	seq, told := n.Buy(t, "ann"), make(chan payment.Answer)
	for _, method := range []string{"", "tok_a", "tok_b"} {
		go func() { told <- paymenttest.Pay(t, d, seq, "ann", method) }()
		synctest.Wait()
	}
	close(release)
	for range 3 {
		if answer := <-told; answer.State != sequencer.StatePaid || answer.Attempt != 1 {
			t.Errorf("%+v", answer)
		}
	}
}

// A sale that is cancelled while a free order is paid gets its tickets back, and nothing is due.
func TestFreeOfACancelledSale(t *testing.T) { synctest.Test(t, testFreeOfACancelledSale) }

func testFreeOfACancelledSale(t *testing.T) {
	n, config, release := free(t), paymenttest.QuickConfig(), make(chan struct{})
	config.Reached = func(at payment.Step) {
		if at == payment.StepAuthorised {
			<-release
		}
	}
	d := paymenttest.NewDesk(t, config, n, nil)
	paid, seq, told := n.Buy(t, "bob"), n.Buy(t, "ann"), make(chan payment.Answer)
	go func() { told <- paymenttest.Pay(t, d, seq, "ann", "") }()
	go func() { told <- paymenttest.Pay(t, d, paid, "bob", "") }()
	synctest.Wait()
	n.Tell(t, sequencer.Command{Kind: sequencer.KindSaleCancel, Sale: 1})
	close(release)
	for range 2 {
		if answer := <-told; answer.State != sequencer.StateCancelled {
			t.Errorf("%+v", answer)
		}
	}
	if count := n.UnsettledCount(); count != 0 {
		t.Errorf("%d are unsettled", count)
	}
}

// Without a provider nobody pays what costs something, and what an earlier provider is due
// stays as it is; without a method neither, with one.
func TestWithoutProvider(t *testing.T) { synctest.Test(t, testWithoutProvider) }

func testWithoutProvider(t *testing.T) {
	n, books, ctx := paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100}), newBooks(t), t.Context()
	due, seq := n.Buy(t, "due"), n.Buy(t, "ann")
	n.Tell(t, sequencer.Command{Kind: sequencer.KindPayBegin, Order: due, User: []byte("due"), Amount: 200, Reference: []byte(paymenttest.Account)})
	n.Tell(t, sequencer.Command{Kind: sequencer.KindPayResult, Order: due, Attempt: 1, Outcome: sequencer.PayAccepted})
	d := paymenttest.NewDesk(t, paymenttest.QuickConfig(), n, nil)
	request := payment.Request{Order: seq, Sale: 1, User: "ann", Method: "tok_accept"}
	if _, err := d.Pay(ctx, request); !errors.Is(err, payment.ErrOff) {
		t.Errorf("paid without a provider: %v", err)
	}
	caughtUp := func(context.Context) error { return nil }
	_, reconciled := d.Reconcile(ctx)
	_, orphans := d.Orphans(ctx, caughtUp)
	_, refunded := d.RefundOrphan(ctx, payment.RefundRequest{Key: "x"}, caughtUp)
	for what, err := range map[string]error{"webhook": d.Notice("stripe", "", nil), "reconciled": reconciled, "orphans": orphans, "refunded": refunded} {
		if !errors.Is(err, payment.ErrOff) {
			t.Errorf("%s without a provider: %v", what, err)
		}
	}
	time.Sleep(time.Minute)
	if v := n.Order(due); !v.CaptureDue || v.State != sequencer.StatePaid {
		t.Errorf("what was due: %+v", v)
	}
	request.Method = ""
	if _, err := paymenttest.NewDesk(t, paymenttest.QuickConfig(), n, books).Pay(ctx, request); !errors.Is(err, payment.ErrMethod) {
		t.Errorf("paid without a method: %v", err)
	}
	if v := n.Order(seq); v.State != sequencer.StateReserved || v.Attempts != 0 {
		t.Errorf("an attempt began: %+v", v)
	}
}

// The clock of holds that an unreachable provider stopped goes on when there is none any more.
func TestClockGoesOnWithoutProvider(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := free(t)
		n.Buy(t, "ann")
		n.Tell(t, sequencer.Command{Kind: sequencer.KindHoldStop, Count: 3600})
		paymenttest.NewDesk(t, paymenttest.QuickConfig(), n, nil)
		paymenttest.Eventually(t, "the clock of holds goes on", func() (goes bool) {
			n.Read(func(s sequencer.Reader) { goes = !s.HoldsStopped() })
			return goes
		})
	})
}

// The leader dies at every step that a free order passes, and the next one, which has no
// provider either, settles it.
func TestFreeCrashes(t *testing.T) {
	for _, step := range []payment.Step{payment.StepBegun, payment.StepAuthorised, payment.StepDecided} {
		synctest.Test(t, func(t *testing.T) {
			n, config := free(t), paymenttest.QuickConfig()
			first, second := &paymenttest.Process{Node: n}, config
			var passed atomic.Bool
			config.Reached = func(at payment.Step) {
				if at == step {
					passed.Store(first.Kill())
					runtime.Goexit()
				}
			}
			d := payment.NewDesk(config, first, nil)
			seq := n.Buy(t, "ann")
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			go func() { _, _ = d.Pay(ctx, payment.Request{Order: seq, Sale: 1, User: "ann"}) }() // dies with the desk
			synctest.Wait()
			if !passed.Load() {
				t.Fatalf("nobody died at %s", step)
			}
			next := paymenttest.NewDesk(t, second, n, nil)
			paymenttest.Eventually(t, "what was begun is settled", func() bool { return n.UnsettledCount() == 0 })
			if answer := paymenttest.Pay(t, next, seq, "ann", ""); answer.State != sequencer.StatePaid || answer.Attempt != 1 {
				t.Errorf("died at %s: %+v", step, answer)
			}
			_ = d.Close() // it is dead
		})
	}
}
