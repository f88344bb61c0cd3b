package payment_test

import (
	"context"
	"fmt"
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

// scene is one node, books behind a line that may be faulty, and a payment coordinator.
type scene struct {
	*paymenttest.Node
	books *sandbox.Books
	line  *paymenttest.Faulty
	desk  *payment.Desk
}

func newScene(t testing.TB, fault func(paymenttest.CallName, payment.Charge) paymenttest.Fault) *scene {
	s := &scene{Node: paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100}), books: newBooks(t)}
	s.line = &paymenttest.Faulty{Provider: s.books, Fault: fault}
	s.desk = paymenttest.NewDesk(t, paymenttest.QuickConfig(), s.Node, s.line)
	return s
}

func faultless(paymenttest.CallName, payment.Charge) paymenttest.Fault { return paymenttest.Fault{} }

// phases returns where the charges stand, by order seq and attempt.
func phases(books *sandbox.Books) map[string]payment.Phase {
	all := map[string]payment.Phase{}
	for _, e := range books.Entries() {
		p, err := sequencer.ParsePaymentRef([]byte(e.Key))
		if err != nil {
			panic(err) // the coordinator gives no other keys
		}
		all[fmt.Sprintf("%d/%d", p.Seq, p.Attempt)] = e.Phase
	}
	return all
}

// The money of an attempt that is not the newest goes back, and that of the newest stays:
// the buyer paid, and has tickets.
func TestOlderAttemptGoesBack(t *testing.T) { synctest.Test(t, testOlderAttemptGoesBack) }

func testOlderAttemptGoesBack(t *testing.T) {
	s := newScene(t, faultless)
	seq := s.Buy(t, "ann")
	paymenttest.Pay(t, s.desk, seq, "ann", "tok_late_150ms")
	synctest.Wait() // nobody works on it
	s.Tell(t, sequencer.Command{Kind: sequencer.KindPayResult, Order: seq, Attempt: 1, Outcome: sequencer.PayRejected})
	if answer := paymenttest.Pay(t, s.desk, seq, "ann", "tok_accept"); answer.State != sequencer.StatePaid || answer.Attempt != 2 {
		t.Fatalf("%+v", answer)
	}
	time.Sleep(time.Second) // the first attempt has its money now
	s.Tell(t, sequencer.Command{Kind: sequencer.KindPayResult, Order: seq, Attempt: 1, Outcome: sequencer.PayAccepted})

	found := paymenttest.MustAgree(t, s.Node, s.desk)
	first, second := fmt.Sprintf("%d/1", seq), fmt.Sprintf("%d/2", seq)
	if all := phases(s.books); all[first] != payment.Cancelled || all[second] != payment.Captured {
		t.Errorf("%v", all)
	}
	if view := s.Order(seq); view.State != sequencer.StatePaid || view.Voided != 1 || found.Money[0].Captured != 200 {
		t.Errorf("%+v, %+v", view, found)
	}
}

// What the provider cannot do now is not noted as done: it is asked again until it did.
func TestNotNow(t *testing.T) { synctest.Test(t, testNotNow) }

func testNotNow(t *testing.T) {
	var busy atomic.Bool
	s := newScene(t, func(call paymenttest.CallName, _ payment.Charge) paymenttest.Fault {
		return paymenttest.Fault{NotNow: busy.Load() && call != paymenttest.CallAuthorise && call != paymenttest.CallFind}
	})
	captured, authorised, processing := s.Buy(t, "captured"), s.Buy(t, "authorised"), s.Buy(t, "processing")
	paymenttest.Pay(t, s.desk, captured, "captured", "tok_accept")
	paymenttest.MustAgree(t, s.Node, s.desk)
	busy.Store(true)
	paymenttest.Pay(t, s.desk, authorised, "authorised", "tok_accept")
	for _, order := range []uint64{captured, authorised} {
		s.Tell(t, sequencer.Command{Kind: sequencer.KindRefund, Order: order})
	}
	paymenttest.Pay(t, s.desk, processing, "processing", "tok_never")
	time.Sleep(10 * time.Second)

	if captured, authorised := s.Order(captured), s.Order(authorised); captured.VoidsDue != 1 || authorised.VoidsDue != 1 {
		t.Errorf("noted as gone: %+v, %+v", captured, authorised)
	}
	if state := s.StateOf(processing); state != sequencer.StatePaying {
		t.Errorf("an attempt that cannot be cancelled is %s", state)
	}
	if voided := metricOf(t, s.desk, `onsale_payment_settled_total{step="voided"}`); voided != 0 {
		t.Errorf("%v noted as voided", voided)
	}
	busy.Store(false)
	found := paymenttest.MustAgree(t, s.Node, s.desk)
	if s.StateOf(processing) != sequencer.StateReserved || found.Money[0].Captured != found.Money[0].Refunded {
		t.Errorf("%v, %+v", s.StateOf(processing), found)
	}
}

// An authorisation that lapsed before it was captured is no money: it is not noted as
// captured, and shows until the seller refunds the order.
func TestLapsed(t *testing.T) { synctest.Test(t, testLapsed) }

func testLapsed(t *testing.T) {
	var down atomic.Bool
	down.Store(true)
	s := newScene(t, func(call paymenttest.CallName, _ payment.Charge) paymenttest.Fault {
		return paymenttest.Fault{Unsent: down.Load() && call == paymenttest.CallCapture}
	})
	seq := s.Buy(t, "ann")
	if answer := paymenttest.Pay(t, s.desk, seq, "ann", "tok_accept"); answer.State != sequencer.StatePaid {
		t.Fatalf("%+v", answer)
	}
	if !s.line.Lapse(t.Context(), s.books.Entries()[0].Charge) {
		t.Fatal("it was not authorised any more")
	}
	down.Store(false)
	time.Sleep(time.Second)

	if view := s.Order(seq); !view.CaptureDue {
		t.Errorf("noted as captured: %+v", view)
	}
	lost := metricOf(t, s.desk, `onsale_payment_settled_total{step="not_capturable"}`)
	captured := metricOf(t, s.desk, `onsale_payment_settled_total{step="captured"}`)
	if lost == 0 || captured != 0 {
		t.Errorf("%v not capturable, %v captured", lost, captured)
	}
	s.Tell(t, sequencer.Command{Kind: sequencer.KindRefund, Order: seq})
	paymenttest.MustAgree(t, s.Node, s.desk)
}

// A new leader settles more unsettled orders than it has settlers, at most so many at a
// time.
func TestMoreUnsettledThanSettlers(t *testing.T) { synctest.Test(t, testMoreUnsettledThanSettlers) }

func testMoreUnsettledThanSettlers(t *testing.T) {
	const unsettled = 1100 // more than one page, too
	config := paymenttest.QuickConfig()
	n, books := paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100, Quantity: 2 * unsettled}), newBooks(t)
	for i := range unsettled { // what the last leader left
		user := fmt.Sprint(i)
		seq := n.Buy(t, user)
		n.Tell(t, sequencer.Command{Kind: sequencer.KindPayBegin, Order: seq, User: []byte(user), Amount: 200, Reference: []byte(paymenttest.Account)})
		charge := paymenttest.Attempt{User: user, Seq: seq}.Charge(200, "EUR")
		if _, err := books.Authorise(t.Context(), charge, "tok_accept"); err != nil {
			t.Fatal(err)
		}
	}
	var mu sync.Mutex
	now, most := 0, 0
	slow := func(paymenttest.CallName, payment.Charge) paymenttest.Fault {
		mu.Lock()
		defer mu.Unlock()
		now++
		most = max(most, now)
		return paymenttest.Fault{Before: 10 * time.Millisecond}
	}
	line := &paymenttest.Faulty{Provider: books, Fault: slow}
	line.Arrived = func(paymenttest.CallName, payment.Charge, payment.Status) {
		mu.Lock()
		defer mu.Unlock()
		now--
	}
	began := time.Now()
	d := paymenttest.NewDesk(t, config, n, line)
	found := paymenttest.MustAgree(t, n, d)

	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
	if found.Money[0].Captured != unsettled*200 {
		t.Errorf("%+v", found)
	}
	if most != config.SettlersMax {
		t.Errorf("%d worked at a time, %d may", most, config.SettlersMax)
	}
}

// What moves while the books are read is no difference: one is told when it is there
// twice, and only then.
func TestReconcileLooksTwice(t *testing.T) { synctest.Test(t, testReconcileLooksTwice) }

func testReconcileLooksTwice(t *testing.T) {
	s := newScene(t, faultless)
	paymenttest.Pay(t, s.desk, s.Buy(t, "ann"), "ann", "tok_accept")
	paymenttest.MustAgree(t, s.Node, s.desk)
	charge := func(seq uint64) payment.Charge {
		return paymenttest.Attempt{User: s.Order(seq).User, Seq: seq}.Charge(200, "EUR")
	}
	passing := s.Buy(t, "bob")
	if _, err := s.books.Authorise(t.Context(), charge(passing), "tok_accept"); err != nil {
		t.Fatal(err)
	}
	go func() { // between the two looks: the first goes, and another comes
		time.Sleep(time.Second)
		s.Tell(t, sequencer.Command{Kind: sequencer.KindPayBegin, Order: passing, User: []byte("bob"), Amount: 200, Reference: []byte(paymenttest.Account)})
		if _, err := s.books.Authorise(context.Background(), charge(77777), "tok_accept"); err != nil {
			t.Error(err)
		}
	}()
	found, err := s.desk.Reconcile(t.Context())
	if err != nil || len(found.Differences) != 0 {
		t.Errorf("once is enough: %+v, %v", found, err)
	}
	if found, err = s.desk.Reconcile(t.Context()); err != nil || len(found.Differences) != 1 || found.Differences[0].Kind != payment.DifferenceUnknownOrder {
		t.Errorf("%+v, %v", found, err)
	}
	if shown := metricOf(t, s.desk, "onsale_payment_reconciliation_differences"); shown != 1 {
		t.Errorf("%v differences show", shown)
	}
}

// A cancellation whose answer is lost may still be on its way: the attempt is cancelled
// on, and never accepted any more, or the late cancellation would take the money of
// tickets that are paid.
func TestCancelledOn(t *testing.T) { synctest.Test(t, testCancelledOn) }

func testCancelledOn(t *testing.T) {
	var cancels atomic.Int64
	s := newScene(t, func(call paymenttest.CallName, _ payment.Charge) paymenttest.Fault {
		if call == paymenttest.CallCancel && cancels.Add(1) == 1 {
			return paymenttest.Fault{Before: 2 * time.Second} // far longer than the coordinator waits
		}
		return paymenttest.Fault{}
	})
	seq := s.Buy(t, "ann")
	paymenttest.Pay(t, s.desk, seq, "ann", "tok_late_700ms") // it is given up before, and authorised meanwhile
	paymenttest.MustAgree(t, s.Node, s.desk)
	time.Sleep(5 * time.Second)
	paymenttest.MustAgree(t, s.Node, s.desk)
	if state := s.StateOf(seq); state != sequencer.StateReserved || cancels.Load() < 2 {
		t.Errorf("the order is %s after %d cancellations", state, cancels.Load())
	}
}

// unsure is a node of which nobody learns whether a capture was committed, while it is so.
type unsure struct {
	*paymenttest.Node
	is atomic.Bool
}

func (n *unsure) Decide(c *sequencer.Command) (sequencer.Result, error) {
	if c.Kind == sequencer.KindPayCaptured && n.is.Load() {
		return sequencer.Result{}, sequencer.ErrNoLeader
	}
	return n.Node.Decide(c)
}

// What was captured counts when it is noted in the log, and not when the provider said so: it is asked again, and
// counted once.
func TestCaptureCountsOnceNoted(t *testing.T) { synctest.Test(t, testCaptureCountsOnceNoted) }

func testCaptureCountsOnceNoted(t *testing.T) {
	n := &unsure{Node: paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100})}
	d := payment.NewDesk(paymenttest.QuickConfig(), n, newBooks(t))
	defer d.Close()
	n.is.Store(true)
	order := n.Buy(t, "ann")
	paymenttest.Pay(t, d, order, "ann", "tok_accept")
	time.Sleep(time.Second)
	mustShow(t, d, map[string]float64{`onsale_payment_settled_total{step="captured"}`: 0})
	n.is.Store(false)
	paymenttest.MustAgree(t, n.Node, d)
	mustShow(t, d, map[string]float64{`onsale_payment_settled_total{step="captured"}`: 1})
}
