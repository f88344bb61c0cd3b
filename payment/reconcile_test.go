package payment_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"onsale/payment"
	"onsale/payment/paymenttest"
	"onsale/payment/sandbox"
	"onsale/sequencer"
)

// ledgers is a node that does not lead, so that nothing settles, and the books.
type ledgers struct {
	*paymenttest.Node
	books *sandbox.Books
	desk  *payment.Desk
}

func newLedgers(t testing.TB) *ledgers {
	l := &ledgers{Node: paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100, Quantity: 1 << 20}), books: newBooks(t)}
	l.desk = paymenttest.NewDesk(t, paymenttest.QuickConfig(), l.Node, l.books)
	return l
}

// begun returns the charge of the first attempt of a new order, which is paying.
func (l *ledgers) begun(t testing.TB, sale uint16, price int64, currency, user string) (uint64, payment.Charge) {
	t.Helper()
	seq := l.BuyIn(t, sale, user, 2)
	l.Tell(t, sequencer.Command{Kind: sequencer.KindPayBegin, Order: seq, User: []byte(user), Amount: 2 * price, Reference: []byte(paymenttest.Account)})
	return seq, paymenttest.Attempt{User: user, Sale: sale, Seq: seq}.Charge(2*price, currency)
}

// take lets the books have a charge's money.
func (l *ledgers) take(t testing.TB, c payment.Charge) {
	t.Helper()
	if _, err := l.books.Authorise(t.Context(), c, "tok_accept"); err != nil {
		t.Fatal(err)
	}
	if _, err := l.books.Capture(t.Context(), c, c.Amount); err != nil {
		t.Fatal(err)
	}
}

func (l *ledgers) tell(t testing.TB, kind sequencer.Kind, order uint64) {
	t.Helper()
	c := sequencer.Command{Kind: kind, Order: order}
	switch kind {
	case sequencer.KindPayResult:
		c.Attempt, c.Outcome = 1, sequencer.PayAccepted
	case sequencer.KindPayCaptured:
		v := l.Order(order)
		price := map[uint16]int64{1: 100, 2: 30, 3: 7}[v.Sale]
		c.Attempt, c.Amount = 1, price*int64(v.Quantity)
	case sequencer.KindPayVoided:
		c.Attempt = 1
	}
	l.Tell(t, c)
}

// All pages of the books and of the orders are compared, and the money of each currency
// is summed.
func TestReconcilePages(t *testing.T) { synctest.Test(t, testReconcilePages) }

func testReconcilePages(t *testing.T) {
	const orders = 2100 // three pages
	l := newLedgers(t)
	currencies, prices := []string{"EUR", "USD", "JPY"}, []int64{100, 30, 7}
	for i := 1; i < len(currencies); i++ {
		l.AddSale(t, sequencer.SaleSpec{ID: fmt.Sprint("sale", i), Price: prices[i], Currency: currencies[i], Quantity: 1 << 20})
	}
	lower := []string{"EUR", "JPY", "USD"}
	money := map[string]int64{}
	for i := range orders {
		sale := i % 3
		seq, c := l.begun(t, uint16(sale+1), prices[sale], currencies[sale], fmt.Sprint(i))
		l.take(t, c)
		l.tell(t, sequencer.KindPayResult, seq)
		l.tell(t, sequencer.KindPayCaptured, seq)
		money[c.Currency] += c.Amount
	}
	found, err := l.desk.Reconcile(t.Context())
	if err != nil || found.Charges != orders || found.Orders != orders || found.Unsettled != 0 || len(found.Differences) != 0 || found.More {
		t.Errorf("%+v, %v", found, err)
	}
	var want []payment.Takings
	for _, currency := range lower {
		want = append(want, payment.Takings{Currency: currency, Captured: money[currency], Orders: money[currency]})
	}
	if !slices.Equal(found.Money, want) {
		t.Errorf("%+v, want %+v", found.Money, want)
	}
	if found.Provider != "sandbox" {
		t.Error(found.Provider)
	}
}

// What is not settled is counted and not compared.
func TestReconcileUnsettled(t *testing.T) { synctest.Test(t, testReconcileUnsettled) }

func testReconcileUnsettled(t *testing.T) {
	l := newLedgers(t)
	l.SetLeader(nil)
	time.Sleep(time.Second + time.Millisecond)       // between two looks of the settlers
	_, paying := l.begun(t, 1, 100, "EUR", "paying") // no time passes, so that nobody settles
	l.take(t, paying)
	due, authorised := l.begun(t, 1, 100, "EUR", "capture due")
	if _, err := l.books.Authorise(t.Context(), authorised, "tok_accept"); err != nil {
		t.Fatal(err)
	}
	l.tell(t, sequencer.KindPayResult, due)
	void, taken := l.begun(t, 1, 100, "EUR", "void due")
	l.take(t, taken)
	l.tell(t, sequencer.KindPayResult, void)
	l.tell(t, sequencer.KindPayCaptured, void)
	l.tell(t, sequencer.KindRefund, void)
	l.SetLeader(&sequencer.NotLeaderError{})

	began := time.Now()
	found, err := l.desk.Reconcile(t.Context())
	if want := []payment.Takings{{Currency: "EUR", Captured: 400, Unsettled: 400}}; !slices.Equal(found.Money, want) {
		t.Errorf("%+v, want %+v", found.Money, want)
	}
	if err != nil || found.Unsettled != 3 || found.Orders != 3 || found.Charges != 3 || len(found.Differences) != 0 {
		t.Errorf("%+v, %v", found, err)
	}
	if time.Since(began) != 0 {
		t.Error("it looked twice, and nothing differs")
	}
	l.SetLeader(nil)
	paymenttest.Eventually(t, "all is settled", func() bool { return l.UnsettledCount() == 0 })
	found, err = l.desk.Reconcile(t.Context())
	if err != nil || len(found.Differences) != 0 || found.Unsettled != 0 {
		t.Errorf("%+v, %v", found, err)
	}
}

// The list of differences is cut at its bound, and says so.
func TestReconcileMany(t *testing.T) { synctest.Test(t, testReconcileMany) }

func testReconcileMany(t *testing.T) {
	l := newLedgers(t)
	strange := func(i int) {
		c := paymenttest.Attempt{User: "ann", Seq: uint64(100_000 + i)}.Charge(5, "EUR")
		if _, err := l.books.Authorise(t.Context(), c, "tok_accept"); err != nil {
			t.Fatal(err)
		}
	}
	for i := range payment.DifferencesMax {
		strange(i)
	}
	for range 2 {
		found, err := l.desk.Reconcile(t.Context())
		if err != nil || len(found.Differences) != payment.DifferencesMax || found.More != (found.Charges > payment.DifferencesMax) {
			t.Errorf("%d differences of %d charges, more: %v, %v", len(found.Differences), found.Charges, found.More, err)
		}
		mustShow(t, l.desk, map[string]float64{"onsale_payment_reconciliation_differences": payment.DifferencesMax})
		strange(payment.DifferencesMax)
	}
}

// Books of several clusters are told apart by the births of the charges, or of their keys.
func TestReconcileOthers(t *testing.T) { synctest.Test(t, testReconcileOthers) }

func testReconcileOthers(t *testing.T) {
	l := newLedgers(t)
	another := paymenttest.Attempt{Birth: sequencer.ClusterID{7}, User: "ann", Seq: 9}
	l.take(t, another.Charge(5, "EUR"))
	l.take(t, payment.Charge{Key: "of an older program", Order: sequencer.FormatUID(1, 9), Amount: 5, Currency: "EUR"})
	found, err := l.desk.Reconcile(t.Context())
	if err != nil || found.Charges != 0 || found.OtherCharges != 2 || len(found.Money) != 0 || len(found.Differences) != 0 {
		t.Errorf("%+v, %v", found, err)
	}

	ours := paymenttest.Attempt{User: "ann", Seq: 1000}.Charge(5, "EUR")
	keyed, claimed := ours, ours
	keyed.Birth, claimed.Key = "", "of another system"
	l.take(t, keyed)
	l.take(t, claimed)
	found, err = l.desk.Reconcile(t.Context())
	if err != nil || found.Charges != 2 || found.OtherCharges != 2 || len(found.Differences) != 2 {
		t.Errorf("%+v, %v", found, err)
	}
}

// silent is a provider that does not show its books for some time.
type silent struct {
	payment.Provider
	after atomic.Int64 // calls that are answered
}

var errBooks = errors.New("the books are shut")

func (s *silent) Ledger(ctx context.Context, cursor string, limit int) ([]payment.Entry, string, error) {
	if s.after.Add(-1) < 0 {
		return nil, "", errBooks
	}
	return s.Provider.Ledger(ctx, cursor, limit)
}

// A comparison that cannot be ended says so, and the last one goes on showing.
func TestReconcileFails(t *testing.T) { synctest.Test(t, testReconcileFails) }

func testReconcileFails(t *testing.T) {
	l := newLedgers(t)
	provider := &silent{Provider: l.books}
	d := paymenttest.NewDesk(t, paymenttest.QuickConfig(), l.Node, provider)
	fails := func(ctx context.Context, answers int64, want error) {
		t.Helper()
		provider.after.Store(answers)
		if found, err := d.Reconcile(ctx); !errors.Is(err, want) {
			t.Errorf("%+v, %v, want %v", found, err, want)
		}
		mustShow(t, d, map[string]float64{"onsale_payment_reconciliation_timestamp_seconds": 0})
	}
	fails(t.Context(), 0, payment.ErrNoAnswer)
	fails(t.Context(), 0, errBooks)
	if failed := metricOf(t, d, providerCalls("ledger", "failed")); failed != 2 {
		t.Errorf("%v failed", failed)
	}
	l.take(t, paymenttest.Attempt{User: "ann", Seq: 1000}.Charge(5, "EUR"))
	fails(t.Context(), 1, errBooks) // the second look
	short, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	fails(short, 2, context.DeadlineExceeded) // between the two
	fails(short, 2, context.DeadlineExceeded) // before the first one ended
}
