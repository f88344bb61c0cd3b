package paymenttest

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"onsale/payment"
	"onsale/sequencer"
)

var errDead = errors.New("this process is dead")

// Process is the process of a payment coordinator, which can die: from then on nothing of
// it reaches the log or the provider.
type Process struct {
	payment.Node
	payment.Provider
	dead atomic.Bool
}

// Kill lets the process die; false when it was dead.
func (p *Process) Kill() bool { return !p.dead.Swap(true) }

// Dead reports whether the process died.
func (p *Process) Dead() bool { return p.dead.Load() }

func (p *Process) Leader() error {
	if p.dead.Load() {
		return errDead
	}
	return p.Node.Leader()
}

func (p *Process) Decide(c *sequencer.Command) (sequencer.Result, error) {
	if p.dead.Load() {
		return sequencer.Result{}, errDead
	}
	return p.Node.Decide(c)
}

func (p *Process) guarded(do func() (payment.Status, error)) (payment.Status, error) {
	if p.dead.Load() {
		return payment.Status{}, errDead
	}
	return do()
}

func (p *Process) Authorise(ctx context.Context, c payment.Charge, method string) (payment.Status, error) {
	return p.guarded(func() (payment.Status, error) { return p.Provider.Authorise(ctx, c, method) })
}

func (p *Process) Find(ctx context.Context, c payment.Charge) (payment.Status, error) {
	return p.guarded(func() (payment.Status, error) { return p.Provider.Find(ctx, c) })
}

func (p *Process) Capture(ctx context.Context, c payment.Charge, amount int64) (payment.Status, error) {
	return p.guarded(func() (payment.Status, error) { return p.Provider.Capture(ctx, c, amount) })
}

func (p *Process) ReturnPart(ctx context.Context, c payment.Charge, part payment.Part) (payment.Status, error) {
	return p.guarded(func() (payment.Status, error) { return p.Provider.ReturnPart(ctx, c, part) })
}

func (p *Process) Cancel(ctx context.Context, c payment.Charge) (payment.Status, error) {
	return p.guarded(func() (payment.Status, error) { return p.Provider.Cancel(ctx, c) })
}

// Crashes say with what and how long a dying leader is tested.
type Crashes struct {
	// Open returns an account of the provider with nothing in it.
	Open func(t testing.TB) payment.Provider
	// Methods are what buyers pay with, each once in a run. Good pays at once, and
	// NeverPay those that never do.
	Methods  []string
	Good     string
	NeverPay []string
	// Bounces pays at once, and its first refund fails later; Disputed does, and is disputed soon
	// after its capture; "" for none.
	Bounces, Disputed string
	// Passes is at up to which pass of a step the leader dies.
	Passes int
	// Throttles says that the provider refuses calls with a 429, until throttlesMax were refused.
	Throttles bool
	// CallTimeout is the desk's; all other times follow from it.
	CallTimeout time.Duration
}

// CrashAtEveryStep lets the leader die at every step of the protocol, with every kind
// of payment under way, and the next desk settles what it left: nobody is charged
// twice, nobody without tickets, nobody has tickets without a charge.
func CrashAtEveryStep(t *testing.T, with Crashes) {
	died := map[payment.Step]int{}
	for _, step := range payment.Steps() {
		for nth := 1; nth <= with.Passes; nth++ {
			if crashOnce(t, step, nth, with) {
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
func crashOnce(t *testing.T, step payment.Step, nth int, with Crashes) (died bool) {
	t.Helper()
	n, books, methods := NewNode(t, sequencer.SaleSpec{Price: 100}), with.Open(t), with.Methods
	if with.Throttles {
		books = &throttling{Provider: books}
	}
	first := &Process{Node: n, Provider: books}
	c := QuickConfig()
	c.CallTimeout, c.AbandonAfter = with.CallTimeout, with.CallTimeout*5/2
	if with.Throttles {
		c.Rate = throttledRate
	}
	second := c
	var passed atomic.Int32
	c.Reached = func(at payment.Step) {
		if first.Dead() || at == step && int(passed.Add(1)) == nth {
			first.Kill()
			runtime.Goexit()
		}
	}
	d := payment.NewDesk(c, first, first)
	told := make([]atomic.Int32, len(methods)) // the state that the buyer was told, + 1
	orders := make([]uint64, len(methods))
	beside := besideOf(t, n, with)
	asking, leave := context.WithCancel(context.Background())
	var buyers sync.WaitGroup
	for i, method := range methods {
		orders[i] = n.Buy(t, method)
		buyers.Go(func() {
			ctx, cancel := context.WithTimeout(asking, with.CallTimeout*15/2)
			defer cancel()
			answer, err := d.Pay(ctx, payment.Request{Order: orders[i], Sale: 1, User: method, Method: method})
			if err == nil {
				told[i].Store(int32(answer.State) + 1)
			}
		})
	}
	for i := range beside {
		buyers.Go(func() { beside[i].pay(asking, d, n, first, with.CallTimeout) })
	}
	time.Sleep(with.CallTimeout * 15 / 4)
	for end := time.Now().Add(time.Minute); nth == 1 && !first.Dead() && time.Now().Before(end); {
		time.Sleep(with.CallTimeout / 4) // every step is passed once, on a slow machine too
	}
	died = !first.Kill() // dead now at the latest
	next := NewDesk(t, second, n, books)
	MustAgree(t, n, next)
	for i, seq := range orders {
		state := n.StateOf(seq)
		if was := sequencer.OrderState(told[i].Load() - 1); told[i].Load() != 0 && was == sequencer.StatePaid && state != was {
			t.Errorf("%s, died at %s: told %s, is %s", methods[i], step, was, state)
		}
		paid := state == sequencer.StatePaid && !slices.Contains(with.NeverPay, methods[i])
		if !paid && state != sequencer.StateReserved { // the provider took it, or never heard of it
			t.Errorf("%s, died at %s: %s", methods[i], step, state)
		}
		if state == sequencer.StateReserved { // and it can be paid now, or once a call that took too long is settled
			Eventually(t, methods[i]+", died at "+string(step)+", is paid again", func() bool {
				return Pay(t, next, seq, methods[i], with.Good).State == sequencer.StatePaid
			})
		}
	}
	for i := range beside {
		beside[i].check(t, n, next, step)
	}
	MustAgree(t, n, next)
	_ = d.Close() // the process died, or its context is over
	leave()
	buyers.Wait()
	return died
}
