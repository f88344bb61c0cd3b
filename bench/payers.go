package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"onsale/api/auth"
	"onsale/api/client"
	"onsale/api/contract"
	"onsale/internal/failpoint"
	"onsale/payment"
	"onsale/sequencer"
)

// paidSale is the sale of the payment runs, and what a ticket costs.
const (
	paidSale  = "paid"
	paidPrice = 4900
)

// open creates the sale when it is not there.
func (s *stage) open(ctx context.Context) error {
	seller, err := s.seller(ctx)
	if err != nil {
		return err
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		hold := contract.Duration(time.Hour)
		_, err = seller.CreateSale(ctx, contract.NewSale{ID: paidSale, Item: "Paid", Quantity: 1 << 20, Price: paidPrice, Currency: "EUR", Hold: &hold})
		if err == nil || errors.Is(err, contract.ErrSaleExists) {
			break
		}
		if time.Now().After(deadline) {
			return err
		}
	}
	return s.doorOpen(ctx)
}

// doorOpen waits until the front-end shows the sale.
func (s *stage) doorOpen(ctx context.Context) error {
	buyer, err := s.buyer("nobody", new(http.Transport))
	if err != nil {
		return err
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if _, err = buyer.Ticket(ctx, paidSale); err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the front-end shows no sale: %w", err)
		}
	}
}

func (s *stage) seller(ctx context.Context) (*client.Seller, error) {
	leader, err := s.leader(ctx)
	if err != nil {
		return nil, err
	}
	token, err := operatorToken(s.secret)
	if err != nil {
		return nil, err
	}
	return client.NewSeller(client.Config{Address: "http://" + leader.private, Token: token})
}

func (s *stage) buyer(user string, transport *http.Transport) (*client.Client, error) {
	now := time.Now()
	token, err := auth.Issue(s.secret, auth.Claims{User: user, Roles: auth.RoleBuyer, Issuer: "onsale", Audience: "onsale", Issued: now, Expires: now.Add(time.Hour)})
	if err != nil {
		return nil, err
	}
	return client.New(client.Config{Address: "http://" + s.frontEnd, Token: token, HTTP: &http.Client{Transport: transport, Timeout: 20 * time.Second}})
}

// receipt is what a buyer was told about an order.
type receipt struct {
	user     string
	accepted string          // the payment that was accepted
	rejected map[string]bool // payments that were rejected
	refunded bool            // the seller was told that it is
}

// payers buy and pay while processes die.
type payers struct {
	stage  *stage
	result *PaymentsPlace
	stop   chan struct{}
	group  sync.WaitGroup
	named  atomic.Uint64

	mu       sync.Mutex
	receipts map[string]*receipt // by uid
}

// strike kills a process at a place so often, with payments under way, and looks at
// what is left when everything is settled.
func (s *stage) strike(ctx context.Context, p place, kills int) (*PaymentsPlace, error) {
	if err := s.begin(ctx, p); err != nil {
		return nil, err
	}
	crowd := &payers{stage: s, stop: make(chan struct{}), receipts: map[string]*receipt{},
		result: &PaymentsPlace{Process: p.process, Step: p.step, Differences: []payment.Difference{}, Wrong: []string{}}}
	for b := range s.options.Buyers {
		random := rand.New(rand.NewPCG(s.options.Seed, uint64(b)))
		crowd.group.Go(func() { crowd.run(ctx, fmt.Sprintf("%s-%s-%d", p.process, p.step, b), random) })
	}
	err := s.raise(ctx, crowd.result, p.point, kills)
	close(crowd.stop)
	crowd.group.Wait()
	if err != nil {
		return nil, err
	}
	// Everybody stays alive from now on.
	if err := s.end(); err != nil {
		return nil, err
	}
	if err := s.begin(ctx, place{}); err != nil {
		return nil, err
	}
	found, err := s.reconciled(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := s.converge(ctx); err != nil { // orders are read from any node
		return nil, err
	}
	crowd.result.Charges, crowd.result.Differences = found.Charges, found.Differences
	if err := crowd.check(ctx); err != nil {
		return nil, err
	}
	return crowd.result, s.end()
}

// raise starts every process again that died, until so many have.
func (s *stage) raise(ctx context.Context, result *PaymentsPlace, point failpoint.Name, kills int) error {
	quiet := time.Now()
	for result.Kills < kills && ctx.Err() == nil {
		for name, c := range s.children {
			if !c.isDead() {
				continue
			}
			result.Kills++
			quiet = time.Now()
			if err := errors.Join(c.dieAt(point, s.passes()), c.start()); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		if time.Since(quiet) > time.Minute {
			return fmt.Errorf("nobody died for a minute, after %d of %d", result.Kills, kills)
		}
		time.Sleep(5 * time.Millisecond)
	}
	return ctx.Err()
}

// methods are what buyers pay with, the good ones more often.
var methods = [...]string{"tok_accept", "tok_accept", "tok_accept", "tok_decline", "tok_delay_20ms", "tok_lost", "tok_late_50ms", "tok_double_webhook", "tok_never"}

// run buys, pays, and lets the seller refund some, again and again.
func (c *payers) run(ctx context.Context, name string, random *rand.Rand) {
	transport := new(http.Transport)
	defer transport.CloseIdleConnections()
	for ctx.Err() == nil && !c.isOver() {
		user := name + "-" + strconv.FormatUint(c.named.Add(1), 10)
		buyer, err := c.stage.buyer(user, transport)
		if err != nil {
			return
		}
		if !c.buyAndPay(ctx, buyer, user, random) {
			time.Sleep(10 * time.Millisecond)
		}
	}
}

func (c *payers) isOver() bool {
	select {
	case <-c.stop:
		return true
	default:
		return false
	}
}

// triesMax is how often a buyer who has not paid tries again.
const triesMax = 4

// buyAndPay makes one order and pays it: sometimes in two tabs at once, and again while
// nothing came of it, as buyers do who got no answer. It reports whether it is paid.
func (c *payers) buyAndPay(ctx context.Context, buyer *client.Client, user string, random *rand.Rand) bool {
	decision, err := buyer.Buy(ctx, client.Purchase{Quantity: 1, Sale: paidSale, Key: user})
	if err != nil || decision.Order == "" {
		c.count(func(r *PaymentsPlace) { r.Told.NotTaken++ })
		return false
	}
	told := &receipt{user: user, rejected: map[string]bool{}}
	c.mu.Lock()
	c.receipts[decision.Order] = told
	c.mu.Unlock()
	paid := false
	for try := 0; try < triesMax && !paid && !c.isOver(); try++ {
		var tabs sync.WaitGroup
		for range 1 + random.IntN(4)/3 {
			method := methods[random.IntN(len(methods))]
			tabs.Go(func() { c.pay(ctx, buyer, decision.Order, method, told) })
		}
		tabs.Wait()
		c.count(func(*PaymentsPlace) { paid = told.accepted != "" })
		if !paid {
			time.Sleep(50 * time.Millisecond)
		}
	}
	if paid && random.IntN(3) == 0 {
		c.refund(ctx, decision.Order, told)
	}
	return paid
}

// pay pays once and notes what was told.
func (c *payers) pay(ctx context.Context, buyer *client.Client, uid, method string, told *receipt) {
	paid, err := buyer.Pay(ctx, uid, method)
	c.count(func(r *PaymentsPlace) {
		switch {
		case errors.Is(err, sequencer.ErrNoLeader) || errors.Is(err, sequencer.ErrOverloaded) || errors.Is(err, sequencer.ErrStopping):
			r.Told.NotTaken++
		case err != nil:
			r.Told.Unknown++
		case paid.Status == contract.PaymentAccepted:
			r.Told.Accepted++
			if told.accepted != "" && told.accepted != paid.PaymentRef {
				r.Wrong = append(r.Wrong, fmt.Sprintf("%s: told accepted by %s and by %s", uid, told.accepted, paid.PaymentRef))
			}
			told.accepted = paid.PaymentRef
		case paid.Status == contract.PaymentRejected:
			r.Told.Rejected++
			told.rejected[sequencer.PaymentRef(uid, paid.Attempt)] = true
		default:
			r.Told.Pending++
		}
	})
}

func (c *payers) refund(ctx context.Context, uid string, told *receipt) {
	seller, err := c.stage.seller(ctx)
	if err != nil {
		return
	}
	if _, err := seller.RefundOrder(ctx, uid); err == nil {
		c.count(func(r *PaymentsPlace) { r.Told.Refunded++; told.refunded = true })
	}
}

func (c *payers) count(do func(*PaymentsPlace)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	do(c.result)
}

// check compares every order with what its buyer was told and with the books, without
// asking the code that settles and reconciles.
func (c *payers) check(ctx context.Context) error {
	books, err := c.stage.charges(ctx)
	if err != nil {
		return err
	}
	transport := new(http.Transport)
	defer transport.CloseIdleConnections()
	for uid, told := range c.receipts {
		buyer, err := c.stage.buyer(told.user, transport)
		if err != nil {
			return err
		}
		order, err := buyer.Order(ctx, uid)
		if err != nil {
			return fmt.Errorf("order %s: %w", uid, err)
		}
		if wrong := wrongWith(order, told, books[uid]); wrong != "" {
			c.result.Wrong = append(c.result.Wrong, fmt.Sprintf("%s: %s", uid, wrong))
		}
	}
	return nil
}

// wrongWith returns what is wrong with an order, "" when nothing is.
func wrongWith(order *contract.Order, told *receipt, charges []payment.Entry) string {
	kept, held, taken := int64(0), 0, 0
	for _, e := range charges {
		kept += e.CapturedAmount - e.RefundedAmount
		if e.Phase == payment.Authorised {
			held++
		}
		if e.CapturedAmount > 0 {
			taken++
		}
	}
	want := int64(0)
	if order.State == "paid" {
		want = paidPrice * int64(order.Quantity)
	}
	switch {
	case kept != want || held > 0:
		return fmt.Sprintf("%s, the provider keeps %d and holds %d authorisations", order.State, kept, held)
	case taken > 1:
		return fmt.Sprintf("%s, captured %d times", order.State, taken)
	case told.refunded && order.State != "refunded":
		return "told refunded, is " + order.State
	case told.accepted != "" && order.State != "paid" && order.State != "refunded":
		return "told accepted, is " + order.State
	case told.accepted != "" && told.accepted != order.PaymentRef:
		return fmt.Sprintf("told accepted by %s, is %s by %s", told.accepted, order.State, order.PaymentRef)
	case told.rejected[order.PaymentRef]:
		return fmt.Sprintf("told that %s was rejected, is %s by it", order.PaymentRef, order.State)
	case order.State == "paying":
		return "still paying"
	}
	return ""
}
