package payment_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"onsale/payment"
	"onsale/payment/paymenttest"
	"onsale/payment/sandbox"
	"onsale/sequencer"
)

// logged is a provider that notes what it was asked, in order.
type logged struct {
	payment.Provider
	mu    sync.Mutex
	calls []string
	// refuse says whether a call is answered with a 429; nil for none.
	refuse func(call string) *payment.Throttled
}

// refuseBy sets refuse while others call already.
func (l *logged) refuseBy(refuse func(call string) *payment.Throttled) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refuse = refuse
}

func (l *logged) note(call string, c payment.Charge) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refuse != nil {
		if told := l.refuse(call); told != nil {
			return told
		}
	}
	p, _ := sequencer.ParsePaymentRef([]byte(c.Key))
	l.calls = append(l.calls, fmt.Sprint(call, " ", p.Seq))
	return nil
}

func (l *logged) Authorise(ctx context.Context, c payment.Charge, method string) (payment.Status, error) {
	if err := l.note("authorise", c); err != nil {
		return payment.Status{}, err
	}
	return l.Provider.Authorise(ctx, c, method)
}

func (l *logged) Find(ctx context.Context, c payment.Charge) (payment.Status, error) {
	if err := l.note("find", c); err != nil {
		return payment.Status{}, err
	}
	return l.Provider.Find(ctx, c)
}

func (l *logged) Capture(ctx context.Context, c payment.Charge, amount int64) (payment.Status, error) {
	if err := l.note("capture", c); err != nil {
		return payment.Status{}, err
	}
	return l.Provider.Capture(ctx, c, amount)
}

func (l *logged) Cancel(ctx context.Context, c payment.Charge) (payment.Status, error) {
	if err := l.note("cancel", c); err != nil {
		return payment.Status{}, err
	}
	return l.Provider.Cancel(ctx, c)
}

func (l *logged) Return(ctx context.Context, c payment.Charge, refund uint8) (payment.Status, error) {
	if err := l.note("return", c); err != nil {
		return payment.Status{}, err
	}
	return l.Provider.Return(ctx, c, refund)
}

func (l *logged) asked() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.calls)
}

// queue is a node and a desk whose provider takes one call a second.
type queue struct {
	*paymenttest.Node
	desk     *payment.Desk
	provider *logged
}

func newQueue(t *testing.T, change func(*payment.Config)) *queue {
	t.Helper()
	q := &queue{Node: paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100}), provider: &logged{Provider: newBooks(t)}}
	config := payment.DefaultConfig()
	config.Rate = 1
	if change != nil {
		change(&config)
	}
	q.desk = paymenttest.NewDesk(t, config, q.Node, q.provider)
	return q
}

// begin pays as somebody who does not wait, and returns what is told.
func (q *queue) begin(t *testing.T, seq uint64, user, method string) payment.Answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	answer, err := q.desk.Pay(ctx, payment.Request{Order: seq, Sale: 1, User: user, Method: method})
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// Who joins the line is paying at once and is told place and time; it is first in, first out,
// and captures come when nobody waits for an attempt.
func TestLine(t *testing.T) { synctest.Test(t, testLine) }

func testLine(t *testing.T) {
	q, want := newQueue(t, nil), []string{}
	var orders []uint64
	for i := range 6 {
		user := fmt.Sprint("u", i)
		seq := q.Buy(t, user)
		orders = append(orders, seq)
		want = append(want, fmt.Sprint("authorise ", seq))
		answer := q.begin(t, seq, user, "tok_accept")
		switch {
		case i == 0:
			if answer.State != sequencer.StatePaid || answer.Line != nil {
				t.Errorf("the first: %+v", answer)
			}
		case answer.Code != sequencer.CodePaymentInFlight || answer.State != sequencer.StatePaying || answer.Line == nil:
			t.Errorf("%d: %+v", i, answer)
		default:
			if place := *answer.Line; place.Place != i || place.Wait > time.Duration(i)*time.Second || place.Wait < time.Duration(i-1)*time.Second {
				t.Errorf("%d is told %+v", i, place)
			}
		}
		if state := q.StateOf(seq); i > 0 && state != sequencer.StatePaying {
			t.Errorf("%d is %s", i, state)
		}
	}
	if again := q.begin(t, orders[5], "u5", "tok_accept"); again.Line == nil || again.Line.Place != 5 {
		t.Errorf("asked again: %+v", again)
	}
	if at := q.desk.Place(orders[3]); at == nil || at.Place != 3 {
		t.Errorf("%+v", at)
	}
	mustShow(t, q.desk, map[string]float64{`onsale_payment_line{class="attempt"}`: 5, `onsale_payment_line{class="capture"}`: 1, "onsale_payment_rate": 1})
	time.Sleep(5500 * time.Millisecond)
	if at := q.desk.Place(orders[5]); at != nil {
		t.Errorf("asked about, and still in the line: %+v", at)
	}
	paymenttest.MustAgree(t, q.Node, q.desk)
	for _, seq := range orders {
		want = append(want, fmt.Sprint("capture ", seq))
	}
	if asked := q.provider.asked(); !slices.Equal(asked, want) {
		t.Errorf("%q", asked)
	}
}

// Outcomes and what goes back go before new attempts, and these before captures.
func TestClassesInOrder(t *testing.T) { synctest.Test(t, testClassesInOrder) }

func testClassesInOrder(t *testing.T) {
	q := newQueue(t, func(c *payment.Config) { c.SettleInterval, c.RetryPauseMax = 100*time.Millisecond, time.Hour })
	paid, lost := q.Buy(t, "paid"), q.Buy(t, "lost")
	q.begin(t, paid, "paid", "tok_accept")
	q.begin(t, lost, "lost", "tok_lost")
	time.Sleep(1050 * time.Millisecond) // the second was asked, and its answer lost
	q.Tell(t, sequencer.Command{Kind: sequencer.KindRefund, Order: paid})
	var later []uint64
	for i := range 3 {
		user := fmt.Sprint("u", i)
		later = append(later, q.Buy(t, user))
		q.begin(t, later[i], user, "tok_accept")
	}
	paymenttest.MustAgree(t, q.Node, q.desk)
	asked := q.provider.asked()[2:]
	first := slices.Sorted(slices.Values(asked[:2]))
	want := []string{fmt.Sprint("find ", lost), fmt.Sprint("return ", paid)}
	if !slices.Equal(first, want) {
		t.Errorf("%q", asked)
	}
	for i, seq := range later {
		if asked[2+i] != fmt.Sprint("authorise ", seq) {
			t.Errorf("%q", asked)
		}
	}
	if len(asked) != 2+3+4 { // what was refunded was not captured before
		t.Errorf("%q", asked)
	}
}

// What an order needs next goes with its turn: who is cancelled is so as soon as the provider was asked how it
// stands, and does not wait again behind all who are asked about.
func TestOrderKeepsItsTurn(t *testing.T) { synctest.Test(t, testOrderKeepsItsTurn) }

func testOrderKeepsItsTurn(t *testing.T) {
	const unsettled = 20
	n, provider := paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100}), &logged{Provider: newBooks(t)}
	for i := range unsettled {
		user := fmt.Sprint("u", i)
		n.Tell(t, sequencer.Command{Kind: sequencer.KindPayBegin, Order: n.Buy(t, user), User: []byte(user), Amount: 200,
			Reference: []byte(paymenttest.Account)})
	}
	config := payment.DefaultConfig()
	config.Rate = 1
	paymenttest.MustAgree(t, n, paymenttest.NewDesk(t, config, n, provider))
	asked, cancelled := provider.asked(), 0
	for i, call := range asked {
		if order, is := strings.CutPrefix(call, "cancel "); is {
			cancelled++
			if asked[i-1] != "find "+order {
				t.Errorf("%s comes after %s", call, asked[i-1])
			}
		}
	}
	if cancelled != unsettled {
		t.Errorf("%d are cancelled: %q", cancelled, asked)
	}
}

// A line in which an attempt would wait for too long is full: nothing begins, and the order is
// as it was.
func TestLineMax(t *testing.T) { synctest.Test(t, testLineMax) }

func testLineMax(t *testing.T) {
	q := newQueue(t, func(c *payment.Config) { c.LineMax = 3 * time.Second })
	refused := 0
	for i := range 10 {
		user := fmt.Sprint("u", i)
		seq := q.Buy(t, user)
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		_, err := q.desk.Pay(ctx, payment.Request{Order: seq, Sale: 1, User: user, Method: "tok_accept"})
		cancel()
		if errors.Is(err, sequencer.ErrOverloaded) {
			refused++
			if v := q.Order(seq); v.State != sequencer.StateReserved || v.Attempts != 0 {
				t.Errorf("refused, and %+v", v)
			}
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if refused != 6 { // one is asked about, three wait for up to three seconds
		t.Errorf("%d were refused", refused)
	}
	mustShow(t, q.desk, map[string]float64{`onsale_payment_attempts_total{result="overloaded"}`: 6})
	paymenttest.MustAgree(t, q.Node, q.desk)
}

// A 429 is no attempt, no decline and no outage, however long it lasts: the buyer waits, the
// holds' clock goes on, and the payment is made when the provider takes it.
func TestThrottledIsNothing(t *testing.T) { synctest.Test(t, testThrottledIsNothing) }

func testThrottledIsNothing(t *testing.T) {
	q := newQueue(t, func(c *payment.Config) { c.Rate = 0 })
	opens := time.Now().Add(3 * time.Minute)
	q.provider.refuseBy(func(string) *payment.Throttled {
		if time.Now().Before(opens) {
			return &payment.Throttled{After: 7 * time.Second, Err: errNoWayOut}
		}
		return nil
	})
	ann, bob := q.Buy(t, "ann"), q.Buy(t, "bob")
	q.begin(t, ann, "ann", "tok_accept")
	q.begin(t, bob, "bob", "tok_decline")
	for time.Now().Before(opens) {
		time.Sleep(time.Second)
		q.Pass(time.Second)
		q.Read(func(s sequencer.Reader) {
			if s.HoldsStopped() {
				t.Fatal("the holds' clock was stopped")
			}
		})
		if v := q.Order(ann); v.State != sequencer.StatePaying || v.Attempts != 1 {
			t.Fatalf("%+v", v)
		}
	}
	if err := q.desk.ProviderErr(); err != nil {
		t.Error(err)
	}
	paymenttest.MustAgree(t, q.Node, q.desk)
	if v := q.Order(ann); v.State != sequencer.StatePaid || v.Attempts != 1 {
		t.Errorf("%+v", v)
	}
	if v := q.Order(bob); v.State != sequencer.StateReserved || v.Attempts != 1 || v.Reason != sequencer.ReasonDeclined {
		t.Errorf("%+v", v)
	}
	if refused := metricOf(t, q.desk, "onsale_payment_throttled_total"); refused < 180/7 || refused > 60 {
		t.Errorf("%v were refused: each names seven seconds", refused)
	}
	if failed := metricOf(t, q.desk, `onsale_payment_provider_calls_total{call="authorise",result="failed"}`); failed != 0 {
		t.Errorf("%v failed", failed)
	}
}

// Every call of the protocol that is refused with a 429 is made again.
func TestThrottledEverywhere(t *testing.T) { synctest.Test(t, testThrottledEverywhere) }

func testThrottledEverywhere(t *testing.T) {
	q := newQueue(t, func(c *payment.Config) { c.Rate = 100 })
	left := map[string]int{"authorise": 2, "find": 2, "capture": 2, "cancel": 2, "return": 2}
	q.provider.refuseBy(func(call string) *payment.Throttled {
		if left[call] == 0 {
			return nil
		}
		left[call]--
		return &payment.Throttled{Err: errNoWayOut}
	})
	paid, never := q.Buy(t, "paid"), q.Buy(t, "never")
	if answer := paymenttest.Pay(t, q.desk, paid, "paid", "tok_accept"); answer.State != sequencer.StatePaid {
		t.Errorf("%+v", answer)
	}
	paymenttest.Pay(t, q.desk, never, "never", "tok_never")
	paymenttest.MustAgree(t, q.Node, q.desk)
	q.Tell(t, sequencer.Command{Kind: sequencer.KindRefund, Order: paid})
	found := paymenttest.MustAgree(t, q.Node, q.desk)
	if !slices.Equal(found.Money, []payment.Takings{{Currency: "EUR", Captured: 200, Refunded: 200}}) {
		t.Errorf("%+v", found)
	}
	for call, times := range left {
		if times > 0 {
			t.Errorf("%s was not refused", call)
		}
	}
	if v := q.Order(never); v.State != sequencer.StateReserved || v.Attempts != 1 {
		t.Errorf("%+v", v)
	}
}

// A leader that falls with a line leaves nobody without tickets: the next one finds everybody
// who was in it paying, asks the provider about whom it may have heard of, ends all others at once without
// asking, and they pay again. The old one calls nobody any more.
func TestFailOverWithALine(t *testing.T) { synctest.Test(t, testFailOverWithALine) }

func testFailOverWithALine(t *testing.T) {
	const buyers = 20
	n, provider := paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100}), &logged{Provider: newBooks(t)}
	config := payment.DefaultConfig()
	config.Rate = 1
	first := &paymenttest.Process{Node: n, Provider: provider}
	d := payment.NewDesk(config, first, first)
	defer d.Close()
	q := &queue{n, d, provider}
	var orders []uint64
	for i := range buyers {
		user := fmt.Sprint("u", i)
		orders = append(orders, n.Buy(t, user))
		q.begin(t, orders[i], user, "tok_accept")
	}
	time.Sleep(2500 * time.Millisecond)
	first.Kill()
	before := len(provider.asked())
	if before != 3 {
		t.Errorf("%q", provider.asked())
	}
	config.Rate = 10
	next := paymenttest.NewDesk(t, config, n, provider)
	time.Sleep(5 * time.Second)
	for _, seq := range orders[4:] {
		if v := n.Order(seq); v.State != sequencer.StateReserved {
			t.Errorf("in the line, and after five seconds %+v", v)
		}
	}
	paymenttest.MustAgree(t, n, next)
	mustShow(t, next, map[string]float64{`onsale_payment_settled_total{step="never_called"}`: buyers - 4})
	for _, call := range provider.asked()[before:] { // of the fourth the call was committed
		if about := fmt.Sprint(" ", orders[3]); !strings.HasSuffix(call, about) && !strings.HasPrefix(call, "capture") {
			t.Errorf("%q, of which the provider never heard", call)
		}
	}
	for i, seq := range orders {
		v := n.Order(seq)
		if i < 3 && v.State != sequencer.StatePaid || i >= 3 && v.State != sequencer.StateReserved {
			t.Errorf("%d is %s", i, v.State)
		}
		if i >= 3 {
			if v.Reason != sequencer.ReasonUnavailable {
				t.Errorf("%d was told %v", i, v.Reason)
			}
			if answer := paymenttest.Pay(t, next, seq, fmt.Sprint("u", i), "tok_accept"); answer.State != sequencer.StatePaid {
				t.Errorf("%d pays again: %+v", i, answer)
			}
		}
	}
	paymenttest.MustAgree(t, n, next)
}

// Who leads no more leaves the line: nobody is called, and who waits hears that it is under way.
func TestOfficeLostWithALine(t *testing.T) { synctest.Test(t, testOfficeLostWithALine) }

func testOfficeLostWithALine(t *testing.T) {
	q := newQueue(t, nil)
	told := make(chan payment.Answer, 2)
	for i := range 3 {
		user := fmt.Sprint("u", i)
		seq := q.Buy(t, user)
		if i == 0 {
			q.begin(t, seq, user, "tok_accept")
			continue
		}
		go func() { told <- paymenttest.Pay(t, q.desk, seq, user, "tok_accept") }()
	}
	synctest.Wait()
	q.SetLeader(&sequencer.NotLeaderError{})
	for range 2 {
		if answer := <-told; answer.Code != sequencer.CodePaymentInFlight || answer.State != sequencer.StatePaying {
			t.Errorf("%+v", answer)
		}
	}
	time.Sleep(time.Minute)
	if asked := q.provider.asked(); len(asked) != 1 {
		t.Errorf("%q", asked)
	}
	q.SetLeader(nil)
	paymenttest.MustAgree(t, q.Node, q.desk)
}

// A sale that is cancelled charges nobody who is still in the line.
func TestSaleCancelledWithALine(t *testing.T) { synctest.Test(t, testSaleCancelledWithALine) }

func testSaleCancelledWithALine(t *testing.T) {
	q := newQueue(t, nil)
	var orders []uint64
	for i := range 5 {
		user := fmt.Sprint("u", i)
		orders = append(orders, q.Buy(t, user))
		q.begin(t, orders[i], user, "tok_accept")
	}
	time.Sleep(1500 * time.Millisecond)
	q.Tell(t, sequencer.Command{Kind: sequencer.KindSaleCancel, Sale: 1})
	found := paymenttest.MustAgree(t, q.Node, q.desk)
	if found.Charges != 2 || len(found.Money) != 0 {
		t.Errorf("%+v", found)
	}
	for i, seq := range orders[2:] {
		if v := q.Order(seq); v.State != sequencer.StateCancelled || v.Voided|v.VoidsDue != 0 {
			t.Errorf("%d: %+v", i+2, v)
		}
	}
}

// The grace of an attempt counts from the first call: one that waited in the line until its
// order's hard limit had passed is not cancelled before its call was outlasted.
func TestGraceCountsFromTheFirstCall(t *testing.T) { synctest.Test(t, testGraceCountsFromTheFirstCall) }

func testGraceCountsFromTheFirstCall(t *testing.T) {
	n, provider := paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100, Hold: int64(10 * time.Second), Grace: int64(time.Second)}), &logged{Provider: newBooks(t)}
	config := payment.DefaultConfig()
	config.Rate = 0.5
	q := &queue{n, paymenttest.NewDesk(t, config, n, provider), provider}
	for i := range 15 { // half a minute of calls
		user := fmt.Sprint("u", i)
		q.begin(t, n.Buy(t, user), user, "tok_accept")
	}
	late := n.Buy(t, "late")
	q.begin(t, late, "late", "tok_late_12000ms") // longer than a call may take
	// A call and a look at what is overdue are never in one instant.
	time.Sleep(config.SettleInterval * 3 / 2)
	for range 80 {
		time.Sleep(time.Second)
		n.Pass(time.Second)
		if n.Order(late).Overdue && q.desk.Place(late) != nil {
			mustShow(t, q.desk, map[string]float64{"onsale_payment_overdue": 0})
		}
	}
	paymenttest.MustAgree(t, n, q.desk)
	if state := n.StateOf(late); state != sequencer.StatePaid {
		t.Errorf("it is %s", state)
	}
}

// The sandbox takes as many calls as it is told, and names the second in which it takes more.
func TestSandboxAtARate(t *testing.T) { synctest.Test(t, testSandboxAtARate) }

func testSandboxAtARate(t *testing.T) {
	config := sandbox.DefaultConfig()
	config.Account = paymenttest.AccountID
	config.CallsPerSecond = 10
	books, err := sandbox.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	defer books.Close()
	taken := func() (count int) {
		for range 30 {
			_, err := books.Find(t.Context(), payment.Charge{Key: "k"})
			var told *payment.Throttled
			switch {
			case err == nil:
				count++
			case !errors.As(err, &told) || told.After != time.Second:
				t.Fatal(err)
			}
		}
		return count
	}
	for second := range 3 {
		if count := taken(); count != 10 {
			t.Errorf("%d in second %d", count, second)
		}
		time.Sleep(time.Second)
	}
}
