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

// crash is one cell: who dies passes a step for the nth time, while everybody pays.
type crash struct {
	with   Crashes
	step   payment.Step
	nth    int32
	node   *Node
	first  *Process // of the first desk
	books  *mortal
	passed atomic.Int32
	died   atomic.Bool

	mu   sync.Mutex
	over bool           // the provider lives from now on
	back sync.WaitGroup // the provider, that died

	orders []uint64
	told   []atomic.Int32 // by order: the state that the buyer was told, + 1
	beside []beside
}

// crashOnce reports whether somebody died, and not only because the cell was over.
func crashOnce(t *testing.T, step payment.Step, nth int, with Crashes) (died bool) {
	t.Helper()
	books := with.Open(t)
	if with.Throttles {
		books = &throttling{Provider: books}
	}
	c := &crash{with: with, step: step, nth: int32(nth), node: NewNode(t, sequencer.SaleSpec{Price: 100}), books: &mortal{is: books}}
	c.first = &Process{Node: c.node, Provider: c.books}
	second := QuickConfig()
	second.CallTimeout, second.AbandonAfter = with.CallTimeout, with.CallTimeout*5/2
	if with.Throttles {
		second.Rate = throttledRate
	}
	config := second
	config.Reached = func(at payment.Step) { c.reached(t, at) }
	d := payment.NewDesk(config, c.first, c.first)
	buyers, leave := c.sell(t, d)
	next := d
	if with.ProviderDies {
		buyers.Wait()
		c.awaitBack(t)
	} else {
		c.awaitDeath()
		next = NewDesk(t, second, c.node, c.books)
	}
	died = c.died.Load()
	MustAgree(t, c.node, next)
	c.check(t, next)
	MustAgree(t, c.node, next)
	_ = d.Close() // the process died, or its context is over
	leave()
	buyers.Wait()
	return died
}

// reached is called by the first desk at each step.
func (c *crash) reached(t testing.TB, at payment.Step) {
	dies := at == c.step && c.passed.Add(1) == c.nth
	switch {
	case c.with.ProviderDies && dies:
		c.killProvider(t)
	case c.with.ProviderDies:
	case dies || c.first.Dead():
		c.died.Store(true)
		c.first.Kill()
		runtime.Goexit()
	}
}

// killProvider ends the provider's process, which is back before long.
func (c *crash) killProvider(t testing.TB) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return
	}
	c.died.Store(true)
	c.books.kill()
	c.back.Go(func() {
		time.Sleep(c.with.CallTimeout * 2)
		c.books.revive(func(was payment.Provider) payment.Provider {
			if c.with.Reopen == nil {
				return was
			}
			return c.with.Reopen(t, was)
		})
	})
}

// awaitBack waits until all is settled that buyers began, and the provider lives for good.
func (c *crash) awaitBack(t testing.TB) {
	t.Helper()
	Eventually(t, "everything is settled", func() bool { return c.node.UnsettledCount() == 0 })
	c.mu.Lock()
	c.over = true
	c.mu.Unlock()
	c.back.Wait()
}

// sell lets buyers pay by every method, and those beside them; leave ends who still asks.
func (c *crash) sell(t testing.TB, d *payment.Desk) (buyers *sync.WaitGroup, leave context.CancelFunc) {
	buyers = new(sync.WaitGroup)
	c.orders, c.told = make([]uint64, len(c.with.Methods)), make([]atomic.Int32, len(c.with.Methods))
	c.beside = besideOf(t, c.node, c.with)
	asking, leave := context.WithCancel(context.Background())
	for i, method := range c.with.Methods {
		c.orders[i] = c.node.Buy(t, method)
		buyers.Go(func() {
			ctx, cancel := context.WithTimeout(asking, c.with.CallTimeout*15/2)
			defer cancel()
			answer, err := d.Pay(ctx, payment.Request{Order: c.orders[i], Sale: 1, User: method, Method: method})
			if err == nil {
				c.told[i].Store(int32(answer.State) + 1)
			}
		})
	}
	for i := range c.beside {
		buyers.Go(func() { c.beside[i].pay(asking, d, c.node, c.first, c.with.CallTimeout) })
	}
	return buyers, leave
}

// awaitDeath waits until the first desk is dead, and kills it when it does not come by its step.
func (c *crash) awaitDeath() {
	time.Sleep(c.with.CallTimeout * 15 / 4)
	for end := time.Now().Add(time.Minute); c.nth == 1 && !c.first.Dead() && time.Now().Before(end); {
		time.Sleep(c.with.CallTimeout / 4) // every step is passed once
	}
	c.first.Kill()
}

// check holds every order against what its buyer was told, and lets who did not pay do so.
func (c *crash) check(t testing.TB, next *payment.Desk) {
	t.Helper()
	for i, seq := range c.orders {
		method, state := c.with.Methods[i], c.node.StateOf(seq)
		if was := sequencer.OrderState(c.told[i].Load() - 1); c.told[i].Load() != 0 && was == sequencer.StatePaid && state != was {
			t.Errorf("%s, died at %s: told %s, is %s", method, c.step, was, state)
		}
		paid := state == sequencer.StatePaid && !slices.Contains(c.with.NeverPay, method)
		if !paid && state != sequencer.StateReserved { // the provider took it, or never heard of it
			t.Errorf("%s, died at %s: %s", method, c.step, state)
		}
		if state == sequencer.StateReserved { // and it can be paid now, or once a call that took too long is settled
			Eventually(t, method+", died at "+string(c.step)+", is paid again", func() bool {
				return Pay(t, next, seq, method, c.with.Good).State == sequencer.StatePaid
			})
		}
	}
	for i := range c.beside {
		c.beside[i].check(t, c.node, next, c.step)
	}
}
