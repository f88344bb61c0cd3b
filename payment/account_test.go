package payment_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"onsale/payment"
	"onsale/payment/paymenttest"
	"onsale/payment/sandbox"
	"onsale/sequencer"
)

// booksOf returns a sandbox of another account.
func booksOf(t *testing.T, account string) *sandbox.Books {
	t.Helper()
	config := sandbox.DefaultConfig()
	config.Account = account
	books, err := sandbox.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { books.Close() })
	return books
}

// accountScene has, under the first account, an order that is paying, one whose capture is due, one
// whose money must go back, one of which a part must, and one that is settled.
type accountScene struct {
	*scene
	paying, captureDue, due, part, settled uint64
}

func newAccountScene(t *testing.T) *accountScene {
	t.Helper()
	a := &accountScene{scene: newScene(t, faultless)}
	a.settled, a.due, a.part = a.Buy(t, "sue"), a.Buy(t, "dan"), a.Buy(t, "pat")
	for user, seq := range map[string]uint64{"sue": a.settled, "dan": a.due, "pat": a.part} {
		paymenttest.Pay(t, a.desk, seq, user, "tok_accept")
	}
	paymenttest.MustAgree(t, a.Node, a.desk)
	if err := a.desk.Close(); err != nil {
		t.Fatal(err)
	}
	a.captureDue, a.paying = a.Buy(t, "cap"), a.Buy(t, "pay")
	for user, seq := range map[string]uint64{"cap": a.captureDue, "pay": a.paying} {
		a.Tell(t, sequencer.Command{Kind: sequencer.KindPayBegin, Order: seq, User: []byte(user), Amount: 200, Reference: []byte(paymenttest.Account)})
		c := paymenttest.Attempt{User: user, Seq: seq}.Charge(200, "EUR")
		if _, err := a.books.Authorise(t.Context(), c, "tok_accept"); err != nil {
			t.Fatal(err)
		}
	}
	a.Tell(t, sequencer.Command{Kind: sequencer.KindPayResult, Order: a.captureDue, Attempt: 1, Outcome: sequencer.PayAccepted})
	a.Tell(t, sequencer.Command{Kind: sequencer.KindRefund, Order: a.due})
	a.Tell(t, sequencer.Command{Kind: sequencer.KindRefund, Order: a.part, Quantity: 1})
	return a
}

// mustWait checks that nothing of before was asked or told, and that all of it is told to people.
func (a *accountScene) mustWait(t *testing.T) {
	t.Helper()
	time.Sleep(time.Minute)
	if n := a.UnsettledCount(); n != 4 || a.StateOf(a.paying) != sequencer.StatePaying {
		t.Errorf("%d orders are unsettled, one is %s", n, a.StateOf(a.paying))
	}
	mustShow(t, a.desk, map[string]float64{"onsale_payment_other_account": 4})
	found, err := a.desk.Reconcile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	amounts := map[string]int64{}
	for _, d := range found.Differences {
		if d.Kind != payment.DifferenceAccount {
			t.Errorf("%+v", d)
		}
		amounts[d.Order] = d.Amount
	}
	for order, amount := range map[uint64]int64{a.paying: 200, a.captureDue: 200, a.due: 200, a.part: 100} {
		if uid := sequencer.FormatUID(1, order); amounts[uid] != amount {
			t.Errorf("%s: %d, want %d", uid, amounts[uid], amount)
		}
	}
	if len(amounts) != 4 || found.OtherAccount != 5 || found.Account == paymenttest.Account {
		t.Errorf("%+v", found)
	}
}

// Lost books are another account. It is asked nothing about what was charged before, and charges
// nothing before an operator accepts it; what was charged before is settled when its books are back.
func TestAnotherAccount(t *testing.T) { synctest.Test(t, testAnotherAccount) }

func testAnotherAccount(t *testing.T) {
	a := newAccountScene(t)
	other := booksOf(t, "b")
	a.restartAt(t, other)
	a.mustWait(t)

	seq := a.Buy(t, "new")
	pay := func() error {
		_, err := a.desk.Pay(t.Context(), payment.Request{Order: seq, Sale: 1, User: "new", Method: "tok_accept"})
		return err
	}
	if err := pay(); !errors.Is(err, payment.ErrOtherAccount) || a.Order(seq).Attempts != 0 {
		t.Errorf("%v, %+v", err, a.Order(seq))
	}
	mustShow(t, a.desk, map[string]float64{"onsale_payment_account_not_accepted": 1})
	if entries := other.Entries(); len(entries) != 0 {
		t.Errorf("%+v", entries)
	}

	a.Tell(t, sequencer.Command{Kind: sequencer.KindAccept, Reference: []byte("sandbox/test/b"), Body: []byte("the books are lost")})
	if err := pay(); err != nil || a.StateOf(seq) != sequencer.StatePaid {
		t.Errorf("%v, %s", err, a.StateOf(seq))
	}
	a.mustWait(t)
	mustShow(t, a.desk, map[string]float64{"onsale_payment_account_not_accepted": 0})
	if entries := other.Entries(); len(entries) != 1 || entries[0].Phase != payment.Captured {
		t.Errorf("%+v", entries)
	}

	a.restartAt(t, a.books)
	paymenttest.Eventually(t, "it is settled", func() bool { return a.UnsettledCount() == 0 })
	if a.StateOf(a.paying) != sequencer.StatePaid || a.Order(a.due).Voided != 1 || !a.Order(a.captureDue).Captured {
		t.Errorf("%+v", a.Order(a.paying))
	}
	if found, err := a.desk.Reconcile(t.Context()); err != nil || len(found.Differences) != 0 || found.OtherAccount != 1 {
		t.Errorf("%+v, %v", found, err)
	}
}

// What nobody can ask any more an operator settles, and then books and orders agree.
func TestSettledByHand(t *testing.T) { synctest.Test(t, testSettledByHand) }

func testSettledByHand(t *testing.T) {
	a := newAccountScene(t)
	a.restartAt(t, booksOf(t, "b"))
	settle := func(order uint64, as sequencer.PayOutcome) sequencer.Code {
		c := sequencer.Command{Kind: sequencer.KindSettle, Order: order, Attempt: 1, Outcome: as, Body: []byte("on their statement")}
		switch {
		case order == a.part:
			c.Part, c.Amount = 1, 100
		case as != sequencer.PayCancelled:
			c.Amount = 200
		}
		result, err := a.Decide(&c)
		if err != nil {
			t.Fatal(err)
		}
		return result.Code
	}
	if code := settle(a.paying, sequencer.PayAccepted); code != sequencer.CodeAccountInUse {
		t.Error(code)
	}
	a.Tell(t, sequencer.Command{Kind: sequencer.KindAccept, Reference: []byte("sandbox/test/b"), Body: []byte("the books are lost")})
	for order, as := range map[uint64]sequencer.PayOutcome{a.paying: sequencer.PayCancelled, a.captureDue: sequencer.PayAccepted,
		a.due: sequencer.PayRefunded, a.part: sequencer.PayRefunded} {
		if code := settle(order, as); code != sequencer.CodeOK {
			t.Error(order, code)
		}
	}
	if found := paymenttest.MustAgree(t, a.Node, a.desk); found.OtherAccount != 5 {
		t.Errorf("%+v", found)
	}
	if answer := paymenttest.Pay(t, a.desk, a.paying, "pay", "tok_accept"); answer.State != sequencer.StatePaid || answer.Attempt != 2 {
		t.Errorf("%+v", answer)
	}
	paymenttest.MustAgree(t, a.Node, a.desk)
}

// The same books that never heard of an attempt are believed: it is cancelled, and never charged.
func TestNeverHeardOf(t *testing.T) { synctest.Test(t, testNeverHeardOf) }

func testNeverHeardOf(t *testing.T) {
	s := newScene(t, faultless)
	paid := s.Buy(t, "bob")
	paymenttest.Pay(t, s.desk, paid, "bob", "tok_accept")
	seq := s.Buy(t, "ann")
	s.Tell(t, sequencer.Command{Kind: sequencer.KindPayBegin, Order: seq, User: []byte("ann"), Amount: 200, Reference: []byte(paymenttest.Account)})
	paymenttest.Eventually(t, "it is given up", func() bool { return s.StateOf(seq) == sequencer.StateReserved })
	paymenttest.MustAgree(t, s.Node, s.desk)
}

// One order is charged under two accounts: each is asked about its own.
func TestTwoAccountsOfAnOrder(t *testing.T) { synctest.Test(t, testTwoAccountsOfAnOrder) }

func testTwoAccountsOfAnOrder(t *testing.T) {
	s := newScene(t, faultless)
	seq := s.Buy(t, "ann")
	paymenttest.Pay(t, s.desk, seq, "ann", "tok_decline")
	other := booksOf(t, "b")
	s.restartAt(t, other)
	s.Tell(t, sequencer.Command{Kind: sequencer.KindAccept, Reference: []byte("sandbox/test/b"), Body: []byte("sold")})
	s.Tell(t, sequencer.Command{Kind: sequencer.KindPayResult, Order: seq, Attempt: 1, Outcome: sequencer.PayAccepted}) // told late
	if answer := paymenttest.Pay(t, s.desk, seq, "ann", "tok_accept"); answer.State != sequencer.StatePaid {
		t.Fatalf("%+v", answer)
	}
	time.Sleep(time.Minute)
	if v := s.Order(seq); v.VoidsDue != 1 || !v.Captured {
		t.Errorf("%+v", v)
	}
	s.restartAt(t, s.books)
	paymenttest.Eventually(t, "the first goes back", func() bool { return s.Order(seq).VoidsDue == 0 })
	if entries := other.Entries(); len(entries) != 1 || entries[0].Phase != payment.Captured {
		t.Errorf("%+v", entries)
	}
}

// mute is a provider that does not say which account it is while it is off.
type mute struct {
	payment.Provider
	off atomic.Bool
}

func (p *mute) Account(ctx context.Context) (string, error) {
	if p.off.Load() {
		return "", errors.New("dial tcp 10.0.0.1:8501: connect: connection refused")
	}
	return p.Provider.Account(ctx)
}

// A provider that cannot be asked for its account keeps nobody from beginning to pay in time
// once an account is accepted; before that nothing begins, and buyers do not hear where it is.
func TestAttemptsBeginWithoutTheProvider(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, provider := paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100}), &mute{Provider: newBooks(t)}
		d := paymenttest.NewDesk(t, paymenttest.QuickConfig(), n, provider)
		first, second := n.Buy(t, "ann"), n.Buy(t, "ann")
		request := func(order uint64) payment.Request {
			return payment.Request{Order: order, Sale: 1, User: "ann", Method: "tok_accept"}
		}
		provider.off.Store(true)
		if _, err := d.Pay(t.Context(), request(first)); !errors.Is(err, payment.ErrNoAnswer) || strings.Contains(err.Error(), "10.0.0.1") {
			t.Errorf("before there is an account: %v", err)
		}
		provider.off.Store(false)
		if answer := paymenttest.Pay(t, d, first, "ann", "tok_accept"); answer.State != sequencer.StatePaid {
			t.Errorf("%+v", answer)
		}

		provider.off.Store(true)
		if answer, err := d.Pay(t.Context(), request(second)); err != nil || answer.State != sequencer.StatePaying || answer.Attempt != 1 {
			t.Errorf("it does not begin: %+v, %v", answer, err)
		}
		provider.off.Store(false)
		paymenttest.MustAgree(t, n, d)
	})
}
