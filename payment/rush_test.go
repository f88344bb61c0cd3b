package payment_test

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"onsale/payment"
	"onsale/payment/paymenttest"
	"onsale/payment/sandbox"
	"onsale/proof/testenv"
	"onsale/sequencer"
)

// rush is very many payers at a provider that takes a hundred calls a second.
type rush struct {
	*paymenttest.Node
	books *sandbox.Books

	mu    sync.Mutex
	desk  *payment.Desk    // of who leads
	waits map[string]waits // by the order's uid
	late  []float64        // by how much of what was told the wait was another

	changes   bool    // another node leads in the middle
	perCommit float64 // calls that are committed at once, at least
	left      float64 // who was in the line then
}

// waits is what somebody was told, and when.
type waits struct {
	at   time.Time
	told time.Duration
}

// timed notes when the provider is asked about an attempt.
type timed struct {
	payment.Provider
	rush *rush
}

// roundTrip is how long a call takes.
const roundTrip = 80 * time.Millisecond

func (p timed) Authorise(ctx context.Context, c payment.Charge, method string) (payment.Status, error) {
	began := time.Now()
	time.Sleep(roundTrip)
	status, err := p.Provider.Authorise(ctx, c, method)
	if !errors.Is(err, payment.ErrThrottled) {
		p.rush.asked(c.Order, began)
	}
	return status, err
}

func (p timed) Capture(ctx context.Context, c payment.Charge, amount int64) (payment.Status, error) {
	time.Sleep(roundTrip)
	return p.Provider.Capture(ctx, c, amount)
}

// asked compares when the provider was asked with what was told. What is told are whole
// seconds: one is no error.
func (r *rush) asked(uid string, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w, told := r.waits[uid]
	if !told {
		return
	}
	wrong := max(0, (at.Sub(w.at)-w.told).Abs()-time.Second)
	r.late = append(r.late, wrong.Seconds()/max(w.told, time.Second).Seconds())
}

// pay is one payer, who does not wait. What was full is tried again a minute later.
func (r *rush) pay(t *testing.T, seq uint64, user string) {
	for {
		uid := r.Order(seq)
		r.mu.Lock()
		began, desk := time.Now(), r.desk
		delete(r.waits, uid.UID()) // of an attempt that was not called
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		r.mu.Unlock()
		answer, err := desk.Pay(ctx, payment.Request{Order: seq, Sale: 1, User: user, Method: "tok_accept"})
		cancel()
		switch {
		case errors.Is(err, sequencer.ErrOverloaded):
			time.Sleep(time.Minute)
			continue
		case errors.Is(err, paymenttest.ErrDead):
			time.Sleep(time.Second)
			continue
		case err != nil:
			t.Error(err)
		case answer.Line != nil:
			r.mu.Lock()
			r.waits[uid.UID()] = waits{began, answer.Line.Wait}
			r.mu.Unlock()
		}
		if !r.changes || !r.mustPayAgain(seq) {
			return
		}
	}
}

// mustPayAgain looks at the order every few seconds, as a page does, and reports whether its
// buyer must pay again; not when it is paid.
func (r *rush) mustPayAgain(seq uint64) bool {
	for {
		time.Sleep(10 * time.Second)
		if state := r.StateOf(seq); state != sequencer.StatePaying {
			return state == sequencer.StateReserved
		}
	}
}

// change lets the leader die after a while, and another one lead at once.
func (r *rush) change(t *testing.T, config payment.Config, first *paymenttest.Process, after time.Duration) {
	time.Sleep(after)
	waiting := metricOf(t, r.desk, `onsale_payment_line{class="attempt"}`)
	first.Kill()
	config.SettleInterval = 5 * time.Second
	next := paymenttest.NewDesk(t, config, r.Node, timed{r.books, r})
	r.mu.Lock()
	defer r.mu.Unlock()
	r.desk, r.late, r.left = next, nil, waiting
	clear(r.waits)
}

// rushFlag is a tenth by default: with the race detector 50,000 who pay twice need 8 GiB.
var rushFlag = flag.Int("rush", 5_000, "payers of the rush in which the leader dies")

// 50,000 pay within five minutes at a provider that takes a hundred calls a second: nobody
// loses a ticket, and of a hundred who were told how long it takes 99 wait as long, within a
// fifth.
func TestRush(t *testing.T) {
	testenv.TakesLong(t, "50,000 payers")
	synctest.Test(t, func(t *testing.T) { testRush(t, 50_000, 100, false) })
}

// So it is with a fifth of payers and calls, also where the rate is configured half too high and
// has to be learned.
func TestRushLearnsTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { testRush(t, 10_000, 150, false) })
}

// So it is when the leader dies in the middle: who was in its line pays again, nobody loses a
// ticket, and what they and those behind them are told then is as right.
func TestRushFailsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { testRush(t, *rushFlag, 100, true) })
}

func testRush(t *testing.T, payers int, perSecond float64, changes bool) {
	const within = 5 * time.Minute
	config := sandbox.DefaultConfig()
	config.Account = paymenttest.AccountID
	config.CallsPerSecond = 100 * float64(payers) / 50_000
	books, err := sandbox.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	defer books.Close()
	r := &rush{Node: paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100, Quantity: uint32(2 * payers)}), books: books, waits: map[string]waits{}, changes: changes, perCommit: config.CallsPerSecond / 3}
	desk := payment.DefaultConfig()
	desk.Rate, desk.SettleInterval = perSecond*float64(payers)/50_000, time.Minute // to look at all orders costs the test most
	first := &paymenttest.Process{Node: r.Node, Provider: timed{books, r}}
	r.desk = payment.NewDesk(desk, first, first)
	defer r.desk.Close()
	if changes {
		go r.change(t, desk, first, 3*time.Minute)
	}

	random, orders := rand.New(rand.NewPCG(1, 2)), make([]uint64, payers)
	began := time.Now()
	for i := range payers {
		user := fmt.Sprint("u", i)
		orders[i] = r.Buy(t, user)
		after := time.Duration(random.Int64N(int64(within)))
		go func() {
			time.Sleep(after)
			r.pay(t, orders[i], user)
		}()
	}
	for range 40 { // all that is left is done in the hour that they have
		time.Sleep(time.Minute)
		r.Pass(time.Minute)
	}
	r.check(t, orders, began)
}

func (r *rush) check(t *testing.T, orders []uint64, began time.Time) {
	for _, seq := range orders {
		if v := r.Order(seq); v.State != sequencer.StatePaid || v.Attempts != 1 && !r.changes || v.Attempts > 2 || v.CaptureDue {
			t.Fatalf("after %v: %+v", time.Since(began), v)
		}
	}
	found := paymenttest.MustAgree(t, r.Node, r.desk)
	if money := found.Money[0]; money.Captured != int64(len(orders))*200 || found.Charges != len(orders) && !r.changes {
		t.Errorf("%+v", found)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	slices.SortFunc(r.late, cmp.Compare)
	if len(r.late) < len(orders)/3 {
		t.Fatalf("%d were told", len(r.late))
	}
	if called, commits := metricOf(t, r.desk, "onsale_payment_called_total"), metricOf(t, r.desk, "onsale_payment_call_commits_total"); called < float64(len(orders)/3) || called/commits < r.perCommit {
		t.Errorf("%v were called in %v commits", called, commits)
	}
	if ended := metricOf(t, r.desk, `onsale_payment_settled_total{step="never_called"}`); r.changes && ended < 0.9*r.left {
		t.Errorf("%v were in the line when the leader died, %v were ended", r.left, ended)
	}
	p99 := r.late[len(r.late)*99/100]
	t.Logf("%d were told how long they wait: p50 %.3f, p99 %.3f, at most %.3f wrong; %v refused", len(r.late),
		r.late[len(r.late)/2], p99, r.late[len(r.late)-1], metricOf(t, r.desk, "onsale_payment_throttled_total"))
	if p99 > 0.2 {
		t.Errorf("of a hundred one is told a wait that is %.0f %% wrong", 100*p99)
	}
}
