package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"onsale/api/auth"
	"onsale/api/client"
	"onsale/api/contract"
	"onsale/sequencer"
)

const (
	mainSale     = "main"
	laterSale    = "later" // starts long after the run
	mainQuantity = 10_000_000
	patience     = 20 * time.Second // of a client, with one request and its repetitions
	askTimeout   = 4 * time.Second  // of one request
	// usersPerClient buy by turns, so that caps are met. Others take their place over
	// time, each after about visitsPerUser visits: a user may make
	// sequencer.OrdersPerUserMax orders of a sale, and a long run must not end with refusals
	// only.
	usersPerClient = 500
	visitsPerUser  = 32
	// windowUsers come to each small sale, each as often as it may order at most: the
	// model of the sale knows no limit of orders, and porcupine's work stays bounded.
	windowUsers     = 12
	windowVisitsMax = 700
)

// methods are what buyers pay with, the good ones more often.
var methods = [...]string{"tok_accept", "tok_accept", "tok_accept", "tok_decline", "tok_delay_20ms", "tok_lost", "tok_late_50ms", "tok_double_webhook", "tok_never",
	"tok_3ds_passes_300ms", "tok_3ds_fails_300ms", "tok_refund_fails_200ms"}

// crowd is the buyers.
type crowd struct {
	stage   *stage
	history *history
	window  atomic.Pointer[window] // the small sale that is on
	group   sync.WaitGroup
	stop    chan struct{}
	keys    atomic.Uint64
}

// window is a small sale of its own users.
type window struct {
	id     string
	visits atomic.Int64
}

// user returns who comes next; false when enough came.
func (w *window) user() (string, bool) {
	n := w.visits.Add(1)
	return fmt.Sprintf("%s-%d", w.id, n%windowUsers), n <= windowVisitsMax
}

// gather starts clients that buy until disperse.
func gather(s *stage, h *history, clients int) *crowd {
	c := &crowd{stage: s, history: h, stop: make(chan struct{})}
	for i := range clients {
		c.group.Go(func() { c.shop(i) })
	}
	return c
}

func (c *crowd) disperse() {
	close(c.stop)
	c.group.Wait()
}

func (c *crowd) stopped() bool {
	select {
	case <-c.stop:
		return true
	default:
		return false
	}
}

// shopper is one client with its connections, and its users' tokens.
type shopper struct {
	*crowd
	number int
	random *rand.Rand
	web    *http.Client
	doors  []string
	tokens map[string]string
}

func newShopper(c *crowd, number int) *shopper {
	return &shopper{crowd: c, number: number, random: rand.New(rand.NewPCG(uint64(number), 7)), doors: c.stage.doors(),
		web: newWeb(), tokens: map[string]string{}}
}

func newWeb() *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 2}, Timeout: askTimeout}
}

func (c *crowd) shop(number int) {
	s := newShopper(c, number)
	defer s.web.CloseIdleConnections()
	for visits := 0; !c.stopped(); visits++ {
		if w := c.window.Load(); w != nil && s.random.IntN(12) == 0 {
			if user, comes := w.user(); comes {
				s.visit(user, w.id)
				continue
			}
		}
		sale := mainSale
		if s.random.IntN(100) == 0 {
			sale = laterSale
		}
		s.visit(fmt.Sprintf("buyer-%d-%d", number, visits/visitsPerUser+s.random.IntN(usersPerClient)), sale)
	}
}

// visit is what one buyer does: buy, perhaps repeat it, then pay, cancel or leave, or one of two.
func (s *shopper) visit(user, sale string) {
	key, quantity := fmt.Sprintf("%s-%d", user, s.keys.Add(1)), uint8(1)
	if sale == mainSale {
		quantity += uint8(s.random.IntN(3) / 2)
	}
	bought := s.buy(user, sale, key, quantity)
	if s.random.IntN(20) == 0 {
		s.buy(user, sale, key, quantity)
	}
	if !bought.known || bought.order == "" {
		return
	}
	switch n := s.random.IntN(10); {
	case sale != mainSale && n < 6:
		s.cancel(user, sale, bought.order)
	case sale != mainSale:
	case n < 2 || quantity == 2 && n < 5:
		switch paid := s.pay(user, bought.order); {
		case paid && quantity == 2:
			s.refundOne(user, bought.order)
		case paid && s.random.IntN(4) == 0:
			s.refundAll(user, bought.order)
		}
	case quantity == 2 && n < 7:
		s.cancelOne(user, bought.order)
	case n < 7:
		s.cancel(user, sale, bought.order)
	}
}

// buyer returns a user's client at some door.
func (s *shopper) buyer(user string) *client.Client {
	token := s.tokens[user]
	if token == "" {
		var err error
		if token, err = s.stage.token(user, auth.RoleBuyer); err != nil {
			panic(err)
		}
		s.tokens[user] = token
	}
	b, err := client.New(client.Config{Address: s.doors[s.random.IntN(len(s.doors))], Token: token, HTTP: s.web})
	if err != nil {
		panic(err)
	}
	return b
}

// ask repeats a request at any door until there is an answer, patience ends, or the
// crowd disperses.
func (s *shopper) ask(user string, send func(context.Context, *client.Client) error) (err error) {
	for began := time.Now(); ; {
		ctx, cancel := context.WithTimeout(context.Background(), askTimeout)
		err = send(ctx, s.buyer(user))
		cancel()
		if err == nil || !s.mayRepeat(err) || time.Since(began) > patience {
			return err
		}
		time.Sleep(time.Duration(5+s.random.IntN(60)) * time.Millisecond)
	}
}

// mayRepeat reports whether an error says that there is no answer yet. Every other
// error must be one that the API's description has.
func (s *shopper) mayRepeat(err error) bool {
	problem, ok := errors.AsType[*contract.Problem](err)
	if !ok {
		s.history.fail("no connection or answer")
		return true
	}
	s.history.fail(problem.Code)
	for _, known := range []error{sequencer.ErrNoLeader, sequencer.ErrOverloaded, sequencer.ErrStorageLow, sequencer.ErrStopping, sequencer.ErrOutcomeUnknown, sequencer.ErrBehind} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// buy sends a purchase until it is decided, and returns the last copy. Every copy that may
// have been taken goes into the history: one without an answer may be decided at any time
// to the end.
func (s *shopper) buy(user, sale, key string, quantity uint8) operation {
	var o operation
	err := s.ask(user, func(ctx context.Context, b *client.Client) error {
		o = operation{client: s.number, kind: "buy", user: user, key: key, sale: sale, call: s.history.now()}
		told, err := b.Buy(ctx, client.Purchase{Quantity: quantity, Sale: sale, Key: key})
		o.finish = s.history.now()
		if err == nil {
			o.known, o.order, o.state, o.reason, o.seq, o.replayed = true, told.Order, told.State, told.Reason, told.Seq, told.Replayed
		}
		if mayBeTaken(err) {
			s.history.add(o)
		}
		return err
	})
	if err != nil && !s.mayRepeat(err) {
		s.history.odd(fmt.Sprintf("%s buys: %v", user, err))
	}
	return o
}

// mayBeTaken reports whether a purchase that ended so may have a place in line: it was
// decided, or nobody can say.
func mayBeTaken(err error) bool {
	if _, refused := errors.AsType[*contract.Problem](err); refused {
		return errors.Is(err, sequencer.ErrOutcomeUnknown)
	}
	dial, failed := errors.AsType[*net.OpError](err)
	return !failed || dial.Op != "dial"
}

// cancel is repeated like everything; who cancels what is cancelled is told so again.
func (s *shopper) cancel(user, sale, uid string) {
	o := operation{client: s.number, kind: "cancel", user: user, sale: sale, order: uid, call: s.history.now()}
	var told *contract.Order
	err := s.ask(user, func(ctx context.Context, b *client.Client) (err error) {
		told, err = b.CancelOrder(ctx, uid)
		return err
	})
	o.finish = s.history.now()
	if err == nil {
		o.known, o.state = true, told.State
		if told.State == "cancelled" {
			s.history.note(s.history.cancelled, uid, user, told)
		}
	} else if !s.mayRepeat(err) {
		s.history.odd(fmt.Sprintf("%s cancels %s: %v", user, uid, err))
	}
	s.history.add(o)
}
