package payment_test

import (
	"testing"
	"testing/synctest"
	"time"

	"onsale/payment"
	"onsale/payment/paymenttest"
	"onsale/sequencer"
)

// refundOne refunds a ticket of an order, as a seller does under a key.
func (s *scene) refundOne(t *testing.T, order uint64, key byte) {
	t.Helper()
	s.Tell(t, sequencer.Command{Kind: sequencer.KindRefund, Order: order, Quantity: 1, Key: sequencer.KeyDigest{key}})
}

// entry returns the charge of an order's first attempt.
func (s *scene) entry(t *testing.T, order uint64, user string) payment.Entry {
	t.Helper()
	uid := sequencer.FormatUID(1, order)
	for _, e := range s.books.Entries() {
		if e.Order == uid {
			return e
		}
	}
	t.Fatalf("no charge of %s", user)
	return payment.Entry{}
}

// One of two: after the capture as much is refunded, once, however often the seller asks under
// one key; the rest is refunded later.
func TestPartAfterCapture(t *testing.T) { synctest.Test(t, testPartAfterCapture) }

func testPartAfterCapture(t *testing.T) {
	s := newScene(t, faultless)
	order := s.Buy(t, "ann")
	paymenttest.Pay(t, s.desk, order, "ann", "tok_accept")
	paymenttest.MustAgree(t, s.Node, s.desk)
	for range 3 {
		s.refundOne(t, order, 1)
		paymenttest.MustAgree(t, s.Node, s.desk)
		if e, view := s.entry(t, order, "ann"), s.Order(order); e.CapturedAmount != 200 || e.RefundedAmount != 100 || view.Quantity != 1 || len(view.Parts) != 1 {
			t.Fatalf("%+v, %+v", e, view)
		}
	}
	s.Tell(t, sequencer.Command{Kind: sequencer.KindRefund, Order: order})
	paymenttest.MustAgree(t, s.Node, s.desk)
	if e := s.entry(t, order, "ann"); e.RefundedAmount != 200 || e.Phase != payment.Refunded {
		t.Errorf("%+v", e)
	}
}

// One of two before the capture: less is captured, and nothing goes back. The provider that
// took all by then gives the part back.
func TestPartBeforeCapture(t *testing.T) {
	for name, c := range map[string]struct {
		fault           paymenttest.Fault // of the first capture
		taken, returned int64
	}{
		"not captured":     {paymenttest.Fault{Unsent: true}, 100, 0},
		"captured, unsaid": {paymenttest.Fault{Lost: true}, 200, 100},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { partBeforeCapture(t, c.fault, c.taken, c.returned) })
		})
	}
}

func partBeforeCapture(t *testing.T, first paymenttest.Fault, taken, returned int64) {
	captures := 0
	var s *scene
	var order uint64
	s = newScene(t, func(name paymenttest.CallName, _ payment.Charge) paymenttest.Fault {
		if name != paymenttest.CallCapture {
			return paymenttest.Fault{}
		}
		if captures++; captures > 1 {
			return paymenttest.Fault{}
		}
		s.refundOne(t, order, 1) // after the amount of the first capture was chosen
		return first
	})
	order = s.Buy(t, "ann")
	paymenttest.Pay(t, s.desk, order, "ann", "tok_accept")
	found := paymenttest.MustAgree(t, s.Node, s.desk)
	e := s.entry(t, order, "ann")
	if e.CapturedAmount != taken || e.RefundedAmount != returned {
		t.Errorf("%+v", e)
	}
	if m := found.Money[0]; m.Captured != taken || m.Refunded != returned || m.Orders != 100 {
		t.Errorf("%+v", m)
	}
}

// The answer to a part's refund is lost, and the next leader asks: as much went back once.
func TestPartAnswerLost(t *testing.T) { synctest.Test(t, testPartAnswerLost) }

func testPartAnswerLost(t *testing.T) {
	lost := 0
	s := newScene(t, func(name paymenttest.CallName, _ payment.Charge) (f paymenttest.Fault) {
		if name == paymenttest.CallReturn && lost < 3 {
			lost++
			f.Lost = true
		}
		return f
	})
	order := s.Buy(t, "ann")
	paymenttest.Pay(t, s.desk, order, "ann", "tok_accept")
	paymenttest.MustAgree(t, s.Node, s.desk)
	s.refundOne(t, order, 1)
	paymenttest.MustAgree(t, s.Node, s.desk)
	if e := s.entry(t, order, "ann"); lost != 3 || e.RefundedAmount != 100 {
		t.Errorf("%d answers were lost, %+v", lost, e)
	}
}

// A part whose refund failed is due again: until it is back, the books differ by its amount and by nothing else.
func TestPartIsSentAgain(t *testing.T) { synctest.Test(t, testPartIsSentAgain) }

func testPartIsSentAgain(t *testing.T) {
	var (
		s     *scene
		order uint64
		away  = true
	)
	s = newScene(t, func(name paymenttest.CallName, _ payment.Charge) paymenttest.Fault {
		return paymenttest.Fault{Unsent: name == paymenttest.CallReturn && away && s.Order(order).Parts[0].Fails > 0}
	})
	order = s.Buy(t, "ann")
	paymenttest.Pay(t, s.desk, order, "ann", "tok_accept")
	paymenttest.MustAgree(t, s.Node, s.desk)
	s.refundOne(t, order, 1)
	paymenttest.MustAgree(t, s.Node, s.desk)
	if !s.books.FailPart(s.entry(t, order, "ann").Key, 1, sequencer.ReasonMethodGone) {
		t.Fatal("no part went back")
	}
	if _, err := s.desk.Reconcile(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.mustDiffer(t, payment.DifferenceNotReturned, order, 100)
	s.mustDiffer(t, payment.DifferenceNotReturned, order, 100)
	away = false
	paymenttest.MustAgree(t, s.Node, s.desk)
	if e := s.entry(t, order, "ann"); e.RefundedAmount != 100 {
		t.Errorf("%+v", e)
	}
}

// The refund of a part fails later, is sent once more, and fails for good: a difference with
// its amount, until it is back by another way.
func TestPartFails(t *testing.T) { synctest.Test(t, testPartFails) }

func testPartFails(t *testing.T) {
	s := newScene(t, faultless)
	order := s.Buy(t, "ann")
	paymenttest.Pay(t, s.desk, order, "ann", "tok_refund_always_fails_500ms")
	paymenttest.MustAgree(t, s.Node, s.desk)
	s.refundOne(t, order, 1)
	paymenttest.MustAgree(t, s.Node, s.desk)
	time.Sleep(2 * time.Second)
	s.mustDiffer(t, payment.DifferenceNotReturned, order, 100)
	paymenttest.Eventually(t, "it is sent once more", func() bool { return s.Order(order).Parts[0].State == sequencer.PartReturned })
	time.Sleep(2 * time.Second)
	s.mustDiffer(t, payment.DifferenceNotReturned, order, 100)
	if part := s.Order(order).Parts[0]; part.State != sequencer.PartFailed || part.Fails != sequencer.RefundsMax || part.Reason != sequencer.ReasonRefundDeclined {
		t.Fatalf("%+v", part)
	}
	s.Tell(t, sequencer.Command{Kind: sequencer.KindAcknowledge, Order: order, Attempt: 1, Part: 1, Body: []byte("in cash")})
	if part := s.Order(order).Parts[0]; part.State != sequencer.PartAcknowledged {
		t.Errorf("%+v", part)
	}
	s.mustDiffer(t, payment.DifferenceNotReturned, order, 100)
	s.Tell(t, sequencer.Command{Kind: sequencer.KindRefund, Order: order}) // the rest goes back, and the part with it
	time.Sleep(2 * time.Second)
	if e := s.entry(t, order, "ann"); e.CapturedAmount != 200 {
		t.Errorf("%+v", e)
	}
}

// An attempt was for what its order had: given back in part since, its money goes back whole.
func TestAttemptBeforePart(t *testing.T) { synctest.Test(t, testAttemptBeforePart) }

func testAttemptBeforePart(t *testing.T) {
	s := newScene(t, faultless)
	order := s.Buy(t, "ann")
	paymenttest.Pay(t, s.desk, order, "ann", "tok_late_150ms")
	synctest.Wait()
	s.Tell(t, sequencer.Command{Kind: sequencer.KindPayResult, Order: order, Attempt: 1, Outcome: sequencer.PayRejected})
	s.Tell(t, sequencer.Command{Kind: sequencer.KindCancel, Order: order, Quantity: 1, User: []byte("ann")})
	if answer := paymenttest.Pay(t, s.desk, order, "ann", "tok_accept"); answer.State != sequencer.StatePaid || answer.Attempt != 2 {
		t.Fatalf("%+v", answer)
	}
	time.Sleep(time.Second)
	s.Tell(t, sequencer.Command{Kind: sequencer.KindPayResult, Order: order, Attempt: 1, Outcome: sequencer.PayAccepted})
	found := paymenttest.MustAgree(t, s.Node, s.desk)
	if m := found.Money[0]; m.Captured-m.Refunded != 100 || m.Orders != 100 {
		t.Errorf("%+v", m)
	}
}

// Currencies without decimals and with three.
func TestPartsOfOtherCurrencies(t *testing.T) {
	for _, c := range []struct {
		currency string
		price    int64
	}{{"JPY", 4900}, {"KWD", 12340}} {
		t.Run(c.currency, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { partsOfCurrency(t, c.currency, c.price) })
		})
	}
}

func partsOfCurrency(t *testing.T, currency string, price int64) {
	s := &scene{Node: paymenttest.NewNode(t, sequencer.SaleSpec{Price: price, Currency: currency}), books: newBooks(t)}
	s.desk = paymenttest.NewDesk(t, paymenttest.QuickConfig(), s.Node, s.books)
	order := s.BuyIn(t, 1, "ann", 5)
	paymenttest.Pay(t, s.desk, order, "ann", "tok_accept")
	paymenttest.MustAgree(t, s.Node, s.desk)
	for key := byte(1); key <= 3; key++ {
		s.refundOne(t, order, key)
	}
	found := paymenttest.MustAgree(t, s.Node, s.desk)
	want := payment.Takings{Currency: currency, Captured: 5 * price, Refunded: 3 * price, Orders: 2 * price}
	if len(found.Money) != 1 || found.Money[0] != want {
		t.Errorf("%+v, want %+v", found.Money, want)
	}
}

// A part that somebody gives back on the provider's page beside those of ours is a difference.
func TestPartByHandBesideParts(t *testing.T) { synctest.Test(t, testPartByHandBesideParts) }

func testPartByHandBesideParts(t *testing.T) {
	s := newScene(t, faultless)
	order := s.BuyIn(t, 1, "ann", 3)
	paymenttest.Pay(t, s.desk, order, "ann", "tok_accept")
	paymenttest.MustAgree(t, s.Node, s.desk)
	s.refundOne(t, order, 1)
	paymenttest.MustAgree(t, s.Node, s.desk)
	key := s.entry(t, order, "ann").Key
	if !s.books.RefundPart(key, 50) {
		t.Fatal("50 can go back")
	}
	s.mustDiffer(t, payment.DifferencePart, order, 50)
}

// What a paid order lacks is what its tickets cost that are still paid: money of a part that went
// back is not missing. Lost books, and a charge that was given back on the provider's page, were
// told with the whole charge. The money drill found it.
func TestWhatAPaidOrderLacks(t *testing.T) { synctest.Test(t, testWhatAPaidOrderLacks) }

func testWhatAPaidOrderLacks(t *testing.T) {
	s := newScene(t, faultless)
	order := s.BuyIn(t, 1, "ann", 3)
	paymenttest.Pay(t, s.desk, order, "ann", "tok_accept")
	paymenttest.MustAgree(t, s.Node, s.desk)
	s.refundOne(t, order, 1)
	paymenttest.MustAgree(t, s.Node, s.desk)

	charged := s.books
	s.restartAt(t, newBooks(t))
	s.mustDiffer(t, payment.DifferenceNoCharge, order, 200)

	s.restartAt(t, charged)
	if !charged.RefundPart(s.entry(t, order, "ann").Key, 200) {
		t.Fatal("the rest can go back")
	}
	s.mustDiffer(t, payment.DifferenceNotCaptured, order, 200)
}
