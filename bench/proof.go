package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// ProofTickets is how many tickets the sale of a proof has.
const ProofTickets = 100

// What the proof's buyers do: each sends so many buys of one ticket at once, each
// under a key of its own.
const (
	proofKeys  = 4
	proofFirst = 30  // buyers who come first: their cap binds
	proofThen  = 100 // buyers who come then: the tickets bind
)

// errNotSold is returned when a shop sold what it must not, or did not what it must.
var errNotSold = errors.New("the shop does not sell as it must")

// Prove buys from many connections at once in a sale of ProofTickets tickets, and
// returns nil when the shop kept the cap, sold every ticket once, gave every
// repeated key its first order again, and says the same in its books.
func Prove(ctx context.Context, stand Stand, secret []byte, sale string) error {
	p := &proof{stand: stand, secret: secret, sale: sale, orders: map[uint64]string{}, held: map[uint64]int{}}
	if err := p.buy(ctx, 1, proofFirst); err != nil {
		return err
	}
	for buyer := range uint64(proofFirst) {
		if got := p.held[buyer+1]; got != ShopCap {
			return fmt.Errorf("%w: buyer %d asked for %d tickets and holds %d; the cap is %d", errNotSold,
				buyer+1, proofKeys, got, ShopCap)
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
	stand  Stand
	secret []byte
	sale   string

	mu     sync.Mutex
	orders map[uint64]string // uid by key
	held   map[uint64]int    // tickets by buyer
}

// ask sends a buyer's request under a key and returns its answer.
func (p *proof) ask(ctx context.Context, buyer, key uint64) (answer response, err error) {
	address, err := p.stand.Address(ctx)
	if err != nil {
		return answer, err
	}
	text := newBuyRequest(address, p.sale, 1, newMinter(p.secret, time.Now())).with(buyer, key)
	request, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(text)))
	if err != nil {
		return answer, err
	}
	request.URL.Scheme, request.URL.Host, request.RequestURI = "http", address, ""
	got, err := (&http.Client{Timeout: 30 * time.Second}).Do(request.WithContext(ctx))
	if err != nil {
		return answer, err
	}
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	return response{status: got.StatusCode, body: body}, err
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
					err = p.took(buyer, key, &answer)
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

func (p *proof) took(buyer, key uint64, answer *response) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch outcome := answer.outcome(); outcome {
	case "reserved":
		p.orders[key] = field(answer.body, `"order":"`)
		p.held[buyer]++
	case "sold_out", "cap_exceeded":
	default:
		return fmt.Errorf("%w: answer %q (%s)", errNotSold, outcome, answer.body)
	}
	return nil
}

// check compares what was told with the books and the rules.
func (p *proof) check(ctx context.Context) error {
	uids := map[string]bool{}
	for _, uid := range p.orders {
		uids[uid] = true
	}
	if len(p.orders) != ProofTickets || len(uids) != ProofTickets {
		return fmt.Errorf("%w: %d reservations of %d orders were told, %d tickets were for sale", errNotSold,
			len(p.orders), len(uids), ProofTickets)
	}
	for buyer, held := range p.held {
		if held > ShopCap {
			return fmt.Errorf("%w: buyer %d holds %d tickets, the cap is %d", errNotSold, buyer, held, ShopCap)
		}
	}
	books, err := p.stand.Books(ctx, p.sale)
	if err != nil {
		return err
	}
	return books.exact(ProofTickets, ProofTickets)
}

// repeat sends every key that got an order once more.
func (p *proof) repeat(ctx context.Context) error {
	for key, uid := range p.orders {
		answer, err := p.ask(ctx, key/proofKeys, key)
		if err != nil {
			return err
		}
		if answer.status != 202 || !bytes.Contains(answer.body, []byte(`"order":"`+uid+`"`)) {
			return fmt.Errorf("%w: the key of order %s got %s", errNotSold, uid, answer.body)
		}
	}
	return nil
}

// exact compares a shop's books with how many tickets there were, and how many
// buyers were told that they hold.
func (b *Books) exact(tickets, told uint64) error {
	if b.Held != told || b.Held+b.Available != tickets || b.MostHeld > ShopCap {
		return fmt.Errorf("%w: %d of %d tickets were told, the books hold %d and have %d left, at most %d for one buyer",
			errNotSold, told, tickets, b.Held, b.Available, b.MostHeld)
	}
	return nil
}
