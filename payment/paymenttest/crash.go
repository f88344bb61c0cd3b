package paymenttest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"onsale/payment"
	"onsale/sequencer"
)

// ErrDead is returned by a Process that died.
var ErrDead = errors.New("this process is dead")

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
		return ErrDead
	}
	return p.Node.Leader()
}

func (p *Process) Decide(c *sequencer.Command) (sequencer.Result, error) {
	if p.dead.Load() {
		return sequencer.Result{}, ErrDead
	}
	return p.Node.Decide(c)
}

func (p *Process) guarded(do func() (payment.Status, error)) (payment.Status, error) {
	if p.dead.Load() {
		return payment.Status{}, ErrDead
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

func (p *Process) Return(ctx context.Context, c payment.Charge, refund uint8) (payment.Status, error) {
	return p.guarded(func() (payment.Status, error) { return p.Provider.Return(ctx, c, refund) })
}

func (p *Process) ReturnPart(ctx context.Context, c payment.Charge, part payment.Part) (payment.Status, error) {
	return p.guarded(func() (payment.Status, error) { return p.Provider.ReturnPart(ctx, c, part) })
}

func (p *Process) Cancel(ctx context.Context, c payment.Charge) (payment.Status, error) {
	return p.guarded(func() (payment.Status, error) { return p.Provider.Cancel(ctx, c) })
}

// Crashes say with what and how long a dying leader is tested, or a dying provider.
type Crashes struct {
	// Open returns an account of the provider with nothing in it. It is called in a bubble, which
	// everything that it starts must be of.
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
	// ProviderDies says that at each step the provider's process dies in place of the leader, and
	// comes back. Reopen returns it then, from what it was; nil when it is as it was.
	ProviderDies bool
	Reopen       func(t testing.TB, was payment.Provider) payment.Provider
	// CallTimeout is the desk's; all other times follow from it.
	CallTimeout time.Duration
}

// CrashAtEveryStep lets the leader die at every step of the protocol, with every kind
// of payment under way, and the next desk settles what it left: nobody is charged
// twice, nobody without tickets, nobody has tickets without a charge. With ProviderDies the
// leader lives, and asks on until the provider is back.
func CrashAtEveryStep(t *testing.T, with Crashes) {
	atEveryStep(t, with.Passes, func(t *testing.T, step payment.Step, nth int) bool { return crashOnce(t, step, nth, with) },
		payment.Steps()...)
}

// atEveryStep runs a cell for each pass of each step, each in a bubble of its own and beside
// others. Somebody must have died at each of the steps that are named.
func atEveryStep(t *testing.T, passes int, cell func(t *testing.T, step payment.Step, nth int) (died bool), must ...payment.Step) {
	var mu sync.Mutex
	died := map[payment.Step]int{}
	t.Run("at", func(t *testing.T) {
		for _, step := range payment.Steps() {
			for nth := 1; nth <= passes; nth++ {
				t.Run(fmt.Sprintf("%s,%d", step, nth), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						if cell(t, step, nth) {
							mu.Lock()
							defer mu.Unlock()
							died[step]++
						}
					})
				})
			}
		}
	})
	for _, step := range must {
		if died[step] == 0 {
			t.Errorf("nobody died at step %s", step)
		}
	}
}
