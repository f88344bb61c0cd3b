package payment_test

import (
	"testing"
	"testing/synctest"
	"time"

	"onsale/payment"
	"onsale/payment/paymenttest"
	"onsale/payment/sandbox"
	"onsale/sequencer"
)

// restartAt ends the coordinator, and another one begins with other books.
func (s *scene) restartAt(t *testing.T, books *sandbox.Books) {
	t.Helper()
	if err := s.desk.Close(); err != nil {
		t.Fatal(err)
	}
	s.line = &paymenttest.Faulty{Provider: books, Fault: faultless}
	s.desk = paymenttest.NewDesk(t, paymenttest.QuickConfig(), s.Node, s.line)
}

// mustDiffer compares books and orders, and wants one difference of a kind about an order.
func (s *scene) mustDiffer(t *testing.T, kind string, order uint64, amount int64) {
	t.Helper()
	found, err := s.desk.Reconcile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	of := paymenttest.Attempt{Seq: order}.Charge(amount, "EUR")
	if len(found.Differences) != 1 || found.Differences[0].Kind != kind || found.Differences[0].Key != of.Key || found.Differences[0].Amount != amount {
		t.Errorf("%+v, want %s of %s", found, kind, of.Key)
	}
}

// Money that was captured is back when the provider says so: books that know nothing of it
// are asked in vain, whatever they say, and the money stays due until they do.
func TestLostBooksReturnNothing(t *testing.T) { synctest.Test(t, testLostBooksReturnNothing) }

func testLostBooksReturnNothing(t *testing.T) {
	s := newScene(t, faultless)
	seq := s.Buy(t, "ann")
	paymenttest.Pay(t, s.desk, seq, "ann", "tok_accept")
	paymenttest.MustAgree(t, s.Node, s.desk)

	empty := newBooks(t)
	s.restartAt(t, empty)
	s.mustDiffer(t, payment.DifferenceNoCharge, seq, 200)
	s.Tell(t, sequencer.Command{Kind: sequencer.KindRefund, Order: seq})
	time.Sleep(time.Minute)
	if view := s.Order(seq); view.VoidsDue != 1 || view.Voided != 0 {
		t.Errorf("nothing went back: %+v", view)
	}
	if entries := empty.Entries(); len(entries) != 0 {
		t.Errorf("a charge was made to be cancelled: %+v", entries)
	}
	mustShow(t, s.desk, map[string]float64{"onsale_payment_denied": 1, `onsale_payment_settled_total{step="voided"}`: 0})
	s.mustDiffer(t, payment.DifferenceNotReturned, seq, 200)

	// Even when the key is known there as one that never took money.
	if _, err := empty.Cancel(t.Context(), s.books.Entries()[0].Charge); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Minute)
	if view := s.Order(seq); view.VoidsDue != 1 {
		t.Errorf("nothing went back: %+v", view)
	}
	s.mustDiffer(t, payment.DifferenceNotReturned, seq, 200)

	s.restartAt(t, s.books)
	paymenttest.MustAgree(t, s.Node, s.desk)
	if view, e := s.Order(seq), s.books.Entries()[0]; view.Voided != 1 || e.Phase != payment.Refunded {
		t.Errorf("%+v, %+v", view, e)
	}
	time.Sleep(time.Second)
	mustShow(t, s.desk, map[string]float64{"onsale_payment_denied": 0})
}

// A capture that is due and that the books deny is named, as is the refund of an order whose
// capture is not known: it was authorised.
func TestLostBooksCaptureNothing(t *testing.T) { synctest.Test(t, testLostBooksCaptureNothing) }

func testLostBooksCaptureNothing(t *testing.T) {
	s := newScene(t, func(call paymenttest.CallName, _ payment.Charge) paymenttest.Fault {
		return paymenttest.Fault{Unsent: call == paymenttest.CallCapture}
	})
	seq := s.Buy(t, "ann")
	paymenttest.Pay(t, s.desk, seq, "ann", "tok_accept")
	empty := newBooks(t)
	s.restartAt(t, empty)
	time.Sleep(time.Minute)
	s.mustDiffer(t, payment.DifferenceNotCaptured, seq, 200)
	s.Tell(t, sequencer.Command{Kind: sequencer.KindRefund, Order: seq})
	time.Sleep(time.Minute)
	mustShow(t, s.desk, map[string]float64{"onsale_payment_denied": 1})
	s.mustDiffer(t, payment.DifferenceNotReturned, seq, 200)
	if entries := empty.Entries(); len(entries) != 0 || s.Order(seq).VoidsDue != 1 {
		t.Errorf("%+v, %+v", s.Order(seq), entries)
	}

	s.restartAt(t, s.books)
	paymenttest.MustAgree(t, s.Node, s.desk)
}
