package payment_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"onsale/payment"
	"onsale/payment/paymenttest"
	"onsale/payment/sandbox"
	"onsale/sequencer"
)

// The times that serve most: an authorisation that is on its way is outlasted, and a
// buyer does not wait for ever.
func TestDefaultConfig(t *testing.T) {
	c := payment.DefaultConfig()
	if c.CallTimeout != 10*time.Second || c.AbandonAfter != 15*time.Second {
		t.Errorf("a call may take %v, an attempt %v", c.CallTimeout, c.AbandonAfter)
	}
	if c.SettleInterval != 250*time.Millisecond || c.RetryPauseMax != 10*time.Second || c.PaymentsMax != 4096 || c.SettlersMax != 32 {
		t.Errorf("%+v", c)
	}
	if c.Number() != 0 {
		t.Error("a cluster of its own has the number 0")
	}
}

// An attempt is given up AbandonAfter it began, not its predecessor, and not before; one
// that was authorised meanwhile is not given up at all.
func TestAbandonAfter(t *testing.T) { synctest.Test(t, testAbandonAfter) }

func testAbandonAfter(t *testing.T) {
	var down atomic.Bool
	n, books := paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100}), newBooks(t)
	fault := func(paymenttest.CallName, payment.Charge) paymenttest.Fault {
		return paymenttest.Fault{Unsent: down.Load()}
	}
	config := paymenttest.QuickConfig()
	config.AbandonAfter = 10 * time.Second
	d := paymenttest.NewDesk(t, config, n, &paymenttest.Faulty{Provider: books, Fault: fault})

	again, kept := n.Buy(t, "again"), n.Buy(t, "kept")
	paymenttest.Pay(t, d, again, "again", "tok_never")
	paymenttest.Pay(t, d, kept, "kept", "tok_late_100ms")
	down.Store(true)
	time.Sleep(8 * time.Second)
	synctest.Wait() // nobody works on it
	n.Tell(t, sequencer.Command{Kind: sequencer.KindPayResult, Order: again, Attempt: 1, Outcome: sequencer.PayRejected})
	paymenttest.Pay(t, d, again, "again", "tok_never")
	time.Sleep(8 * time.Second) // both have begun more than AbandonAfter ago, the second attempt has not
	down.Store(false)
	time.Sleep(time.Second)
	if first, second := n.StateOf(again), n.StateOf(kept); first != sequencer.StatePaying || second != sequencer.StatePaid {
		t.Errorf("after the outage: %v, %v", first, second)
	}
	time.Sleep(1500 * time.Millisecond)
	if state := n.StateOf(again); state != sequencer.StateReserved {
		t.Errorf("the second attempt is not given up: %v", state)
	}
	for _, e := range books.Entries() { // the provider says so of the first, too
		if e.Phase == payment.Processing {
			if _, err := books.Cancel(t.Context(), e.Charge); err != nil {
				t.Fatal(err)
			}
		}
	}
	paymenttest.MustAgree(t, n, d)
}

// An order that settles is asked about with growing pauses, up to a bound, and what a
// question brought is captured at once.
func TestPauses(t *testing.T) { synctest.Test(t, testPauses) }

func testPauses(t *testing.T) {
	n, books := paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100}), newBooks(t)
	var mu sync.Mutex
	var asked []time.Duration
	began := time.Now()
	fault := func(call paymenttest.CallName, _ payment.Charge) paymenttest.Fault {
		if call == paymenttest.CallFind {
			mu.Lock()
			defer mu.Unlock()
			asked = append(asked, time.Since(began))
		}
		return paymenttest.Fault{}
	}
	config := payment.DefaultConfig()
	config.AbandonAfter = time.Hour
	d := paymenttest.NewDesk(t, config, n, &paymenttest.Faulty{Provider: books, Fault: fault})
	seq := n.Buy(t, "ann")
	paymenttest.Pay(t, d, seq, "ann", "tok_late_30000ms")
	time.Sleep(35750*time.Millisecond + time.Millisecond)
	synctest.Wait()
	want := []time.Duration{0, 250, 750, 1750, 3750, 7750, 15750, 25750, 35750}
	for i := range want {
		want[i] *= time.Millisecond
	}
	mu.Lock()
	defer mu.Unlock()
	if !slices.Equal(asked, want) {
		t.Errorf("asked after %v, want %v", asked, want)
	}
	if n.StateOf(seq) != sequencer.StatePaid || n.UnsettledCount() != 0 {
		t.Errorf("found at once, and captured at once: %v, %d unsettled", n.StateOf(seq), n.UnsettledCount())
	}
}

// A coordinator that closes ends after the steps that are under way, not after all that
// is due.
func TestCloseIsSoon(t *testing.T) { synctest.Test(t, testCloseIsSoon) }

func testCloseIsSoon(t *testing.T) {
	n := paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100})
	for i := range 400 {
		user := fmt.Sprint(i)
		seq := n.Buy(t, user)
		n.Tell(t, sequencer.Command{Kind: sequencer.KindPayBegin, Order: seq, User: []byte(user), Amount: 200, Reference: []byte(paymenttest.Account)})
	}
	fault := func(paymenttest.CallName, payment.Charge) paymenttest.Fault {
		return paymenttest.Fault{Before: 200 * time.Millisecond}
	}
	d := paymenttest.NewDesk(t, paymenttest.QuickConfig(), n, &paymenttest.Faulty{Provider: newBooks(t), Fault: fault})
	time.Sleep(100 * time.Millisecond)
	began := time.Now()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took == 0 || took > 400*time.Millisecond {
		t.Errorf("it took %v", took)
	}
}

// blindNode does not show its sales yet.
type blindNode struct {
	*paymenttest.Node
	blind atomic.Bool
}

func (n *blindNode) SaleByID(id string) (*sequencer.SaleView, bool) {
	if n.blind.Load() {
		return nil, false
	}
	return n.Node.SaleByID(id)
}

// A replica that does not show an order's sale yet begins no attempt, settles nothing,
// and compares nothing.
func TestBehind(t *testing.T) { synctest.Test(t, testBehind) }

func testBehind(t *testing.T) {
	n, books := &blindNode{Node: paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100})}, newBooks(t)
	d := payment.NewDesk(paymenttest.QuickConfig(), n, books)
	t.Cleanup(func() { _ = d.Close() })
	seq, paid := n.Buy(t, "ann"), n.Buy(t, "bob")
	paymenttest.Pay(t, d, paid, "bob", "tok_accept")
	paymenttest.MustAgree(t, n.Node, d)
	n.blind.Store(true)
	if _, err := d.Pay(t.Context(), payment.Request{Order: seq, Sale: 1, User: "ann", Method: "tok_accept"}); !errors.Is(err, sequencer.ErrBehind) {
		t.Error(err)
	}
	n.Tell(t, sequencer.Command{Kind: sequencer.KindPayBegin, Order: seq, User: []byte("ann"), Amount: 200, Reference: []byte(paymenttest.Account)})
	time.Sleep(5 * time.Second)
	if state := n.StateOf(seq); state != sequencer.StatePaying {
		t.Error(state)
	}
	found, err := d.Reconcile(t.Context())
	if err != nil || found.Unsettled != 2 || found.Orders != 2 || len(found.Differences) != 0 {
		t.Errorf("%+v, %v", found, err)
	}
	n.blind.Store(false)
	paymenttest.MustAgree(t, n.Node, d)
	synctest.Wait()
	if answer := paymenttest.Pay(t, d, seq, "ann", "tok_accept"); answer.State != sequencer.StatePaid || answer.Attempt != 2 {
		t.Errorf("%+v", answer)
	}
}

// A webhook wakes the settlers for the order that it is about, in this cluster, and for
// no other.
func TestNoticeOfAnother(t *testing.T) { synctest.Test(t, testNoticeOfAnother) }

func testNoticeOfAnother(t *testing.T) {
	const number = 5
	secret := []byte("a secret")
	n := paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100})
	books := sandbox.DefaultConfig()
	books.Account = paymenttest.AccountID
	books.Secrets = [][]byte{secret}
	provider, err := sandbox.Open(books)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { provider.Close() })
	config := paymenttest.QuickConfig()
	config.Number = func() uint8 { return number }
	config.SettleInterval, config.RetryPauseMax = time.Hour, time.Hour
	d := paymenttest.NewDesk(t, config, n, provider)
	seq := n.Buy(t, "ann")
	paymenttest.Pay(t, d, seq, "ann", "tok_late_100ms")
	time.Sleep(time.Second)
	notice := func(name, key string) error {
		body := fmt.Appendf(nil, `{"key":%q}`, key)
		err := d.Notice(name, payment.Sign(secret, body, time.Now()), body)
		time.Sleep(time.Second)
		return err
	}
	key := func(number uint64) string {
		return paymenttest.Attempt{Seq: seq | number<<56}.Charge(0, "").Key
	}
	otherSale := paymenttest.Attempt{Sale: 2, Seq: seq | number<<56}.Charge(0, "").Key
	otherBirth := paymenttest.Attempt{Birth: sequencer.ClusterID{7}, Seq: seq | number<<56}.Charge(0, "").Key
	for _, other := range []string{key(number + 1), key(0), otherSale, otherBirth, "of another system", ""} {
		if err := notice("sandbox", other); err != nil || n.StateOf(seq) != sequencer.StatePaying {
			t.Errorf("%q: %v, %v", other, n.StateOf(seq), err)
		}
	}
	if err := notice("stripe", key(number)); !errors.Is(err, payment.ErrNotice) || n.StateOf(seq) != sequencer.StatePaying {
		t.Errorf("of another provider: %v, %v", n.StateOf(seq), err)
	}
	if err := notice("sandbox", key(number)); err != nil || n.StateOf(seq) != sequencer.StatePaid || n.UnsettledCount() != 0 {
		t.Errorf("%v, %d unsettled, %v", n.StateOf(seq), n.UnsettledCount(), err)
	}
	if taken := metricOf(t, d, `onsale_payment_notices_total{result="taken"}`); taken != 7 {
		t.Errorf("%v notices were taken", taken)
	}
	if found := paymenttest.MustAgree(t, n, d); found.Charges != 1 {
		t.Errorf("%+v", found)
	}
}

// The bound of payments is exact, and a place is given back whatever becomes of a payment.
func TestPaymentsMax(t *testing.T) { synctest.Test(t, testPaymentsMax) }

func testPaymentsMax(t *testing.T) {
	n := paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100})
	config := paymenttest.QuickConfig()
	config.PaymentsMax = 2
	d := paymenttest.NewDesk(t, config, n, newBooks(t))
	pay := func(user string, seq uint64) error {
		_, err := d.Pay(context.Background(), payment.Request{Order: seq, Sale: 1, User: user, Method: "tok_delay_200ms"})
		return err
	}
	for i := range 10 { // which take no place for long
		if err := pay("nobody", uint64(100+i)); err != nil {
			t.Fatal(err)
		}
	}
	results := make(chan error, 3)
	for i := range 3 {
		user := fmt.Sprint(i)
		seq := n.Buy(t, user)
		go func() { results <- pay(user, seq) }()
	}
	refused := 0
	for range 3 {
		if err := <-results; errors.Is(err, sequencer.ErrOverloaded) {
			refused++
		} else if err != nil {
			t.Error(err)
		}
	}
	if shown := metricOf(t, d, `onsale_payment_attempts_total{result="overloaded"}`); refused != 1 || shown != 1 {
		t.Errorf("%d refused, %v show", refused, shown)
	}
	paymenttest.MustAgree(t, n, d)
	synctest.Wait()
	mustShow(t, d, map[string]float64{"onsale_payment_under_way": 0})
}
