package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"onsale/api/client"
	"onsale/api/contract"
)

// seller opens sales, takes orders back, and cancels sales.
type seller struct {
	stage  *stage
	ledger *ledger
	log    func(format string, args ...any)

	mu        sync.Mutex
	cancelled map[string]bool // sales that it began to cancel
}

// The pace of sales. Every third is cancelled when it has been sold from for a while. A hold and
// its grace are short, so that what is abandoned ends within a run.
const (
	saleEvery   = 20 * time.Second
	saleTickets = 400
	saleHold    = 50 * time.Second
	saleGrace   = 15 * time.Second
	cancelEach  = 3
	cancelAfter = 25 * time.Second
	// sellerTries is how often the seller asks again.
	sellerTries = 60
)

// prices are of the sales in turn: currencies of two, no and three decimals.
var prices = []goods{{4900, "EUR"}, {1250, "JPY"}, {12340, "KWD"}, {1999, "EUR"}}

// sell opens a sale after the other until open ends, and cancels some.
func (s *seller) sell(ctx, open context.Context, crowd *crowd) {
	var group sync.WaitGroup
	defer group.Wait()
	for n := 1; open.Err() == nil; n++ {
		id, g := fmt.Sprintf("show-%d", n), prices[n%len(prices)]
		s.ledger.opened(id, g)
		opened := s.open(ctx, id, g)
		if opened {
			crowd.offer(id)
		}
		if opened && n%cancelEach == 0 {
			group.Go(func() {
				wait(open, cancelAfter)
				crowd.withdraw(id)
				s.cancel(ctx, id)
			})
		}
		wait(open, saleEvery)
	}
}

func (s *seller) open(ctx context.Context, id string, g goods) bool {
	hold, grace, start := contract.Duration(saleHold), contract.Duration(saleGrace), contract.AtOnce()
	sale := contract.NewSale{ID: id, Item: id, Quantity: saleTickets, Price: &g.price, Currency: g.currency, Hold: &hold, Grace: &grace, StartsAt: &start}
	for range sellerTries {
		_, err := s.at().CreateSale(ctx, sale)
		if err == nil || final(err) { // it exists: an earlier try made it
			return true
		}
		wait(ctx, 500*time.Millisecond)
	}
	return false
}

// at is a client of any node; a front-end has no routes for sellers. Its error is a programmer's.
func (s *seller) at() *client.Seller {
	nodes := s.stage.nodes
	c, err := s.stage.seller(nodes[rand.IntN(len(nodes))])
	if err != nil {
		panic(err)
	}
	return c
}

// refund takes a paid order back: all of it, or one ticket of two and perhaps the other later.
func (s *seller) refund(ctx context.Context, a *order) {
	if a.Bought-a.GivenBack > 1 && rand.IntN(2) == 0 {
		s.refundOne(ctx, a, "first")
		if rand.IntN(4) > 0 {
			return
		}
		wait(ctx, time.Duration(rand.IntN(3000))*time.Millisecond)
	}
	s.try(ctx, a, "orders refunded", func(c *client.Seller) error {
		_, err := c.RefundOrder(ctx, a.UID)
		return err
	}, func(a *order) { a.Refunded = true })
}

func (s *seller) refundOne(ctx context.Context, a *order, which string) {
	s.try(ctx, a, "one of two refunded", func(c *client.Seller) error {
		_, err := c.RefundTickets(ctx, a.UID, 1, a.UID+"-"+which)
		return err
	}, func(a *order) { a.Parts++ })
}

// try asks until there is an answer, and notes what was told.
func (s *seller) try(ctx context.Context, a *order, what string, ask func(*client.Seller) error, done func(*order)) {
	for range sellerTries {
		err := ask(s.at())
		switch {
		case err == nil:
			s.ledger.note(a, done)
			s.ledger.count(what)
			return
		case final(err):
			return
		case ctx.Err() != nil:
			s.ledger.note(a, func(a *order) { a.Unsure = true })
			return
		}
		s.ledger.note(a, func(a *order) { a.Unsure = true })
		wait(ctx, 500*time.Millisecond)
	}
}

// cancel cancels a sale: all that was paid goes back.
func (s *seller) cancel(ctx context.Context, id string) {
	s.mu.Lock()
	s.cancelled[id] = true
	s.mu.Unlock()
	s.ledger.cancelling(id)
	for range sellerTries {
		if ctx.Err() != nil {
			return
		}
		_, err := s.at().CancelSale(ctx, id)
		if err == nil {
			s.log("sale %s is cancelled", id)
			s.ledger.count("sales cancelled")
			return
		}
		wait(ctx, 500*time.Millisecond)
	}
}

// isCancelled reports whether a sale was cancelled, or may have been.
func (s *seller) isCancelled(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cancelled[id]
}
