package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"onsale/api/auth"
	"onsale/bench"
)

// proofTickets is how many tickets the sale of a proof has.
const proofTickets = 100

// What the proof's buyers do: each sends so many buys of one ticket at once, each
// under a key of its own.
const (
	proofKeys  = 4
	proofFirst = 30  // buyers who come first: their cap binds
	proofThen  = 100 // buyers who come then: the tickets bind
)

// errNotSold is returned when a shop sold what it must not, or did not what it must.
var errNotSold = errors.New("the shop does not sell as it must")

// prove buys from many connections at once in a sale of proofTickets tickets, and
// returns nil when the shop kept the cap, sold every ticket once, gave every
// repeated key its first order again, and says the same in its books.
func prove(ctx context.Context, stand bench.Stand, sale string) error {
	p := &proof{stand: stand, sale: sale, orders: map[uint64]string{}, held: map[uint64]int{}}
	if err := p.buy(ctx, 1, proofFirst); err != nil {
		return err
	}
	for buyer := range uint64(proofFirst) {
		if got := p.held[buyer+1]; got != bench.ShopCap {
			return fmt.Errorf("%w: buyer %d asked for %d tickets and holds %d; the cap is %d", errNotSold,
				buyer+1, proofKeys, got, bench.ShopCap)
		}
	}
	if err := p.buy(ctx, proofFirst+1, proofThen); err != nil {
		return err
	}
	if err := p.check(ctx); err != nil {
		return err
	}
	if err := p.repeat(ctx); err != nil {
		return err
	}
	return p.check(ctx) // repetitions sold nothing
}

type proof struct {
	stand bench.Stand
	sale  string

	mu     sync.Mutex
	orders map[uint64]string // uid by key
	held   map[uint64]int    // tickets by buyer
}

// proofAnswer is what an answer says: a decision, or the code of a problem.
type proofAnswer struct{ State, Reason, Order, Code string }

// ask sends a buyer's request under a key and returns its answer.
func (p *proof) ask(ctx context.Context, buyer, key uint64) (answer proofAnswer, err error) {
	address, err := p.stand.Address(ctx)
	if err != nil {
		return answer, err
	}
	now, defaults := time.Now(), auth.DefaultConfig()
	token, err := auth.Issue(testSecret, auth.Claims{User: fmt.Sprint("buyer-", buyer), Issuer: defaults.Issuer,
		Audience: defaults.Audience, Issued: now, Expires: now.Add(time.Hour)})
	if err != nil {
		return answer, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/v1/tickets?q=1&sale="+p.sale, nil)
	if err != nil {
		return answer, err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Idempotency-Key", fmt.Sprint("k-", key))
	got, err := http.DefaultClient.Do(request)
	if err != nil {
		return answer, err
	}
	defer got.Body.Close()
	return answer, json.NewDecoder(got.Body).Decode(&answer)
}

// buy lets buyers buy, all keys of all of them at once.
func (p *proof) buy(ctx context.Context, first, count uint64) error {
	group, ctx := errgroup.WithContext(ctx)
	for i := range uint64(proofKeys) {
		group.Go(func() error {
			for buyer := first; buyer < first+count; buyer++ {
				key := buyer*proofKeys + i
				answer, err := p.ask(ctx, buyer, key)
				if err == nil {
					err = p.took(buyer, key, answer)
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

func (p *proof) took(buyer, key uint64, answer proofAnswer) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case answer.State == "reserved":
		p.orders[key] = answer.Order
		p.held[buyer]++
	case answer.Reason != "sold_out" && answer.Reason != "cap_exceeded":
		return fmt.Errorf("%w: answer %+v", errNotSold, answer)
	}
	return nil
}

// check compares what was told with the books and the rules.
func (p *proof) check(ctx context.Context) error {
	uids := map[string]bool{}
	for _, uid := range p.orders {
		uids[uid] = true
	}
	if len(p.orders) != proofTickets || len(uids) != proofTickets {
		return fmt.Errorf("%w: %d reservations of %d orders were told, %d tickets were for sale", errNotSold,
			len(p.orders), len(uids), proofTickets)
	}
	for buyer, held := range p.held {
		if held > bench.ShopCap {
			return fmt.Errorf("%w: buyer %d holds %d tickets, the cap is %d", errNotSold, buyer, held, bench.ShopCap)
		}
	}
	books, err := p.stand.Books(ctx, p.sale)
	if err != nil {
		return err
	}
	return books.Exact(proofTickets, proofTickets)
}

// repeat sends every key that got an order once more.
func (p *proof) repeat(ctx context.Context) error {
	for key, uid := range p.orders {
		answer, err := p.ask(ctx, key/proofKeys, key)
		if err != nil {
			return err
		}
		if answer.State != "reserved" || answer.Order != uid {
			return fmt.Errorf("%w: the key of order %s got %+v", errNotSold, uid, answer)
		}
	}
	return nil
}
