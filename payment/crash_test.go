package payment_test

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"onsale/payment"
	"onsale/sequencer"
)

var errDead = errors.New("this process is dead")

// process is a desk's process, which can die: from then on nothing of it reaches the
// log or the provider.
type process struct {
	*oneNode
	payment.Provider
	dead atomic.Bool
}

func (p *process) Leader() error {
	if p.dead.Load() {
		return errDead
	}
	return p.oneNode.Leader()
}

func (p *process) Decide(c *sequencer.Command) (sequencer.Result, error) {
	if p.dead.Load() {
		return sequencer.Result{}, errDead
	}
	return p.oneNode.Decide(c)
}

func (p *process) guarded(do func() (payment.Status, error)) (payment.Status, error) {
	if p.dead.Load() {
		return payment.Status{}, errDead
	}
	return do()
}

func (p *process) Authorise(ctx context.Context, c payment.Charge, method string) (payment.Status, error) {
	return p.guarded(func() (payment.Status, error) { return p.Provider.Authorise(ctx, c, method) })
}

func (p *process) Find(ctx context.Context, c payment.Charge) (payment.Status, error) {
	return p.guarded(func() (payment.Status, error) { return p.Provider.Find(ctx, c) })
}

func (p *process) Capture(ctx context.Context, c payment.Charge) (payment.Status, error) {
	return p.guarded(func() (payment.Status, error) { return p.Provider.Capture(ctx, c) })
}

func (p *process) Cancel(ctx context.Context, c payment.Charge) (payment.Status, error) {
	return p.guarded(func() (payment.Status, error) { return p.Provider.Cancel(ctx, c) })
}

// The leader dies at every step of the protocol, with every kind of payment under way,
// and the next desk settles what it left: nobody is charged twice, nobody without
// tickets, nobody has tickets without a charge.
func TestCrashAtEveryStep(t *testing.T) {
	methods := []string{"tok_accept", "tok_decline", "tok_delay_30ms", "tok_lost", "tok_late_60ms", "tok_never"}
	died := map[payment.Step]int{}
	for _, step := range payment.Steps() {
		for nth := 1; nth <= 6; nth++ {
			if crashOnce(t, step, nth, methods) {
				died[step]++
			}
		}
	}
	for _, step := range payment.Steps() {
		if died[step] == 0 {
			t.Errorf("nobody died at step %s", step)
		}
	}
}

// crashOnce kills the first desk when it passes a step for the nth time.
func crashOnce(t *testing.T, step payment.Step, nth int, methods []string) (died bool) {
	t.Helper()
	n, books := newNode(t, sequencer.SaleSpec{Price: 100}), newBooks(t)
	first := &process{oneNode: n, Provider: books}
	c := quickConfig()
	c.CallTimeout, c.AbandonAfter = 40*time.Millisecond, 100*time.Millisecond
	second := c
	var passed atomic.Int32
	c.Reached = func(at payment.Step) {
		if first.dead.Load() || at == step && int(passed.Add(1)) == nth {
			first.dead.Store(true)
			runtime.Goexit()
		}
	}
	d := payment.NewDesk(c, first, first)
	told := make([]atomic.Int32, len(methods)) // the state that the buyer was told, + 1
	orders := make([]uint64, len(methods))
	refunded := n.buy(t, "refunded") // so that voids are passed too
	for i, method := range methods {
		orders[i] = n.buy(t, method)
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
			defer cancel()
			answer, err := d.Pay(ctx, payment.Request{Order: orders[i], User: method, Method: method})
			if err == nil {
				told[i].Store(int32(answer.State) + 1)
			}
		}()
	}
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	go func() {
		if answer, err := d.Pay(ctx, payment.Request{Order: refunded, User: "refunded", Method: "tok_accept"}); err == nil && answer.State == sequencer.StatePaid {
			n.Decide(&sequencer.Command{Kind: sequencer.KindRefund, Order: refunded})
		}
	}()
	time.Sleep(150 * time.Millisecond)
	died = first.dead.Swap(true) // dead now at the latest
	next := newDesk(t, second, n, books)
	mustAgree(t, n, next)
	for i, seq := range orders {
		state := n.stateOf(seq)
		if was := sequencer.OrderState(told[i].Load() - 1); told[i].Load() != 0 && was == sequencer.StatePaid && state != was {
			t.Errorf("%s, died at %s: told %s, is %s", methods[i], step, was, state)
		}
		switch methods[i] {
		case "tok_decline", "tok_never":
			if state != sequencer.StateReserved {
				t.Errorf("%s, died at %s: %s", methods[i], step, state)
			}
		default: // the provider never heard of it, or took it
			if state != sequencer.StatePaid && state != sequencer.StateReserved {
				t.Errorf("%s, died at %s: %s", methods[i], step, state)
			}
		}
		if state == sequencer.StateReserved { // and it can be paid now
			if answer := pay(t, next, seq, methods[i], "tok_accept"); answer.State != sequencer.StatePaid {
				t.Errorf("%s, died at %s: paying again gives %+v", methods[i], step, answer)
			}
		}
	}
	mustAgree(t, n, next)
	d.Close()
	return died
}
