package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
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
	p := &proof{stand: stand, secret: secret, sale: sale, orders: map[uint64]string{}, held: map[uint64]int{},
		started: time.Now()}
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
	stand   Stand
	secret  []byte
	sale    string
	started time.Time

	mu     sync.Mutex
	orders map[uint64]string // uid by key
	held   map[uint64]int    // tickets by buyer
}

// line is one keep-alive connection of one buyer after the other.
type line struct {
	net.Conn
	in      *bufio.Reader
	request *buyRequest
	body    []byte
}

func (p *proof) connect(ctx context.Context) (*line, error) {
	address, err := p.stand.Address(ctx)
	if err != nil {
		return nil, err
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	request := newBuyRequest("onsale", p.sale, 1, newMinter(p.secret, p.started))
	return &line{Conn: conn, in: bufio.NewReader(conn), request: request}, nil
}

// ask sends a buyer's request and returns its answer, valid until the next call.
func (l *line) ask(buyer, key uint64) (answer response, err error) {
	if err := l.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return answer, err
	}
	if _, err := l.Write(l.request.with(buyer, key)); err != nil {
		return answer, err
	}
	answer, l.body, err = readResponse(l.in, l.body)
	return answer, err
}

// buy lets buyers buy, all keys of all of them at once.
func (p *proof) buy(ctx context.Context, first, count uint64) error {
	var group sync.WaitGroup
	errs := make([]error, proofKeys)
	for i := range proofKeys {
		group.Go(func() {
			l, err := p.connect(ctx)
			if errs[i] = err; err != nil {
				return
			}
			defer l.Close()
			for buyer := first; buyer < first+count && errs[i] == nil; buyer++ {
				key := buyer*proofKeys + uint64(i)
				answer, err := l.ask(buyer, key)
				errs[i] = errors.Join(err, p.took(buyer, key, &answer))
			}
		})
	}
	group.Wait()
	return errors.Join(errs...)
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
	l, err := p.connect(ctx)
	if err != nil {
		return err
	}
	defer l.Close()
	for key, uid := range p.orders {
		answer, err := l.ask(key/proofKeys, key)
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
