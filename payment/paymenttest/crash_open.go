package paymenttest

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"onsale/payment"
	"onsale/sequencer"
)

// OpenCrashes say with what a leader is tested that dies while buyers authenticate.
type OpenCrashes struct {
	// Open returns an account of the provider with nothing in it, and what completes an
	// authentication there. It is called in a bubble.
	Open func(t testing.TB) (provider payment.Provider, complete func(secret string))
	// Asks waits for its buyer, and Good pays at once.
	Asks, Good string
	// Passes is at up to which pass of a step the leader dies.
	Passes int
	// CallTimeout is the desk's; all other times follow from it.
	CallTimeout time.Duration
}

// CrashWhileOpen lets the leader die at every step of the protocol while one buyer is away to
// authenticate, one comes back, and one takes another card. The next desk sends the first one
// there again, and all three pay, once.
func CrashWhileOpen(t *testing.T, with OpenCrashes) {
	must := slices.DeleteFunc(payment.Steps(), func(s payment.Step) bool { return s == payment.StepVoided }) // no money goes back
	atEveryStep(t, with.Passes, func(t *testing.T, step payment.Step, nth int) bool { return crashWhileOpen(t, step, nth, with) }, must...)
}

func crashWhileOpen(t *testing.T, step payment.Step, nth int, with OpenCrashes) (died bool) {
	t.Helper()
	provider, complete := with.Open(t)
	n := NewNode(t, sequencer.SaleSpec{Price: 100})
	first := &Process{Node: n, Provider: provider}
	c := QuickConfig()
	c.CallTimeout, c.AbandonAfter = with.CallTimeout, with.CallTimeout*5/2
	second := c
	var passed atomic.Int32
	c.Reached = func(at payment.Step) {
		if first.Dead() || at == step && int(passed.Add(1)) == nth {
			first.Kill()
			runtime.Goexit()
		}
	}
	d := payment.NewDesk(c, first, first)
	away, back, another := n.Buy(t, "away"), n.Buy(t, "back"), n.Buy(t, "another")

	var told atomic.Pointer[payment.NextAction]
	var buyers sync.WaitGroup
	asking, leave := context.WithCancel(context.Background())
	pay := func(seq uint64, user, method string) payment.Answer {
		ctx, cancel := context.WithTimeout(asking, with.CallTimeout*4)
		defer cancel()
		answer, _ := d.Pay(ctx, payment.Request{Order: seq, Sale: 1, User: user, Method: method}) // a dead one answers nobody
		return answer
	}
	for _, buyer := range []func(){
		func() { told.Store(pay(away, "away", with.Asks).NextAction) },
		func() {
			if next := pay(back, "back", with.Asks).NextAction; next != nil {
				complete(next.ClientSecret)
			}
			pay(back, "back", with.Asks)
		},
		func() { pay(another, "another", with.Asks); pay(another, "another", with.Good) },
	} {
		buyers.Go(buyer)
	}
	for end := time.Now().Add(with.CallTimeout * 8); !first.Dead() && time.Now().Before(end); {
		time.Sleep(with.CallTimeout / 8)
	}
	died = !first.Kill() // dead now at the latest

	next := NewDesk(t, second, n, provider)
	if answer := Pay(t, next, away, "away", with.Asks); told.Load() != nil && answer.NextAction != nil && *answer.NextAction != *told.Load() {
		t.Errorf("died at %s: sent to %+v, then to %+v", step, told.Load(), answer.NextAction)
	}
	for seq, buyer := range map[uint64][2]string{away: {"away", with.Asks}, back: {"back", with.Asks}, another: {"another", with.Good}} {
		Eventually(t, buyer[0]+" pays, after a death at "+string(step), func() bool {
			answer := Pay(t, next, seq, buyer[0], buyer[1])
			if answer.NextAction != nil {
				complete(answer.NextAction.ClientSecret)
			}
			return answer.State == sequencer.StatePaid
		})
	}
	MustAgree(t, n, next)
	_ = d.Close() // the process died, or its context is over
	leave()
	buyers.Wait()
	return died
}
