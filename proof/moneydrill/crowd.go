package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"onsale/api/client"
	"onsale/api/contract"
	"onsale/sequencer"
)

// crowd is everybody who buys, each under a name of their own.
type crowd struct {
	stage  *stage
	ledger *ledger
	seller *seller
	visits atomic.Uint64

	mu    sync.Mutex
	sales []string // that are bought from now, the newest last
}

// insideMax bounds the buyers who are inside at once, and buyTries how often one asks.
const (
	insideMax = 500
	buyTries  = 8
	payTries  = 5
)

// come lets buyers in at a steady rate until open ends, and waits until all have left.
func (c *crowd) come(ctx, open context.Context, perSecond float64) {
	ticks := time.NewTicker(time.Duration(float64(time.Second) / perSecond))
	defer ticks.Stop()
	inside := make(chan struct{}, insideMax)
	var group sync.WaitGroup
	defer group.Wait()
	for {
		select {
		case <-open.Done():
			return
		case <-ticks.C:
		}
		select {
		case inside <- struct{}{}:
			group.Go(func() {
				c.visit(ctx)
				<-inside
			})
		default:
			c.ledger.count("buyers who found it crowded")
		}
	}
}

// offer lets the crowd buy from a sale; of those before the newest few are left.
func (c *crowd) offer(sale string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sales = append(c.sales, sale)
	c.sales = c.sales[max(0, len(c.sales)-openSales):]
}

const openSales = 3

// withdraw is for a sale that is about to be cancelled.
func (c *crowd) withdraw(sale string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sales = slices.DeleteFunc(c.sales, func(s string) bool { return s == sale })
}

func (c *crowd) pick() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.sales) == 0 {
		return ""
	}
	return c.sales[rand.IntN(len(c.sales))]
}

// userName is the name of the buyer of a visit.
func userName(visit uint64) string { return fmt.Sprintf("buyer-%d", visit) }

// buyer is one visit.
type buyer struct {
	*crowd
	name  string
	order *order
}

func (c *crowd) visit(ctx context.Context) {
	sale := c.pick()
	if sale == "" {
		return
	}
	b := &buyer{crowd: c, name: userName(c.visits.Add(1))}
	if !b.buy(ctx, sale, uint8(1+rand.IntN(2))) {
		return
	}
	switch choice := rand.IntN(100); {
	case choice < 5: // leaves without a word
		return
	case choice < 13:
		b.giveBack(ctx, b.order.Bought)
		return
	case choice < 23 && b.order.Bought > 1:
		b.giveBack(ctx, 1)
	}
	b.pay(ctx)
}

// door is a client of any door. Its error is a programmer's.
func (b *buyer) door() *client.Client {
	doors := b.stage.doors()
	at, err := b.stage.buyer(b.name, doors[rand.IntN(len(doors))])
	if err != nil {
		panic(err)
	}
	return at
}

// buy asks until there is a decision, always under one key; false for no tickets. Who gave up
// is looked up at the end.
func (b *buyer) buy(ctx context.Context, sale string, tickets uint8) bool {
	p := client.Purchase{Quantity: tickets, Sale: sale, Key: b.name}
	for range buyTries {
		told, err := b.door().Buy(ctx, p)
		if err == nil {
			b.ledger.count("buys " + told.State + told.Reason)
			if told.Order == "" {
				return false
			}
			b.order = b.ledger.bought(told.Order, b.name, sale, int(tickets))
			return told.State == "reserved"
		}
		if ctx.Err() != nil || final(err) {
			return false
		}
		wait(ctx, time.Duration(200+rand.IntN(800))*time.Millisecond)
	}
	return false
}

// final reports whether an answer is one that asking again does not change.
func final(err error) bool {
	problem, is := errors.AsType[*contract.Problem](err)
	return is && !problem.Kind().Entry().Retry && !errors.Is(err, sequencer.ErrOutcomeUnknown)
}

// giveBack gives tickets back that are not paid.
func (b *buyer) giveBack(ctx context.Context, tickets int) {
	_, err := b.door().CancelTickets(ctx, b.order.UID, uint8(tickets), b.name+"-back")
	b.ledger.note(b.order, func(a *order) {
		switch {
		case err == nil:
			a.GivenBack += tickets
		case !final(err):
			a.Unsure = true
		}
	})
	if err == nil {
		b.ledger.count("given back before they were paid")
	}
}

// pay tries one means after the other until the order is paid, or this buyer has had enough.
func (b *buyer) pay(ctx context.Context) {
	m := anyMeans()
	for range payTries {
		told, err := b.door().Pay(ctx, b.order.UID, m.name)
		switch {
		case err == nil && told.Status == contract.PaymentAccepted:
			b.paid(ctx, m)
			return
		case err == nil && told.NextAction != nil:
			if m.answer == "" {
				b.ledger.count("authentications abandoned")
				return
			}
			b.authenticate(ctx, told.NextAction, m.answer)
		case err == nil && told.Status == contract.PaymentRejected:
			b.ledger.count("payments rejected: " + told.Reason)
			if told.ExpiresAt == nil || told.RetryAt != nil {
				return
			}
			m = anyMeans()
		case err == nil:
			b.ledger.count("payments without an outcome yet")
		case ctx.Err() != nil || final(err):
			return
		case errors.Is(err, sequencer.ErrOutcomeUnknown):
			b.ledger.count("answers to payments lost")
		}
		wait(ctx, time.Duration(300+rand.IntN(2000))*time.Millisecond)
	}
}

// paid notes it, and lets the seller take the order back now and then.
func (b *buyer) paid(ctx context.Context, m means) {
	b.ledger.count("payments accepted")
	b.ledger.note(b.order, func(a *order) { a.Accepted, a.Method = true, m.name })
	if rand.IntN(100) < m.refunds {
		wait(ctx, time.Duration(rand.IntN(8000))*time.Millisecond)
		b.seller.refund(ctx, b.order)
	}
}

// authenticate is what a buyer does on the bank's page.
func (b *buyer) authenticate(ctx context.Context, next *contract.NextAction, answer string) {
	wait(ctx, time.Duration(rand.IntN(3000))*time.Millisecond)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, next.RedirectURL, strings.NewReader(url.Values{"answer": {answer}}.Encode()))
	if err != nil {
		return
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	told, err := b.stage.web.Do(request)
	if err != nil {
		return // the provider is down: the buyer asks again
	}
	told.Body.Close()
	if told.StatusCode == http.StatusOK {
		b.ledger.count("authentications " + answer + "d")
	}
}
