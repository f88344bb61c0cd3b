package payment_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"onsale/payment"
	"onsale/payment/paymenttest"
	"onsale/payment/sandbox"
	"onsale/sequencer"
)

// listed returns the disputes as they are told.
func (s *scene) listed(t *testing.T) []payment.DisputeView {
	t.Helper()
	found, err := s.desk.Disputes(t.Context(), func(context.Context) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	return found.Disputes
}

// A dispute was never seen. A comparison of the books finds it, at every step of its way, and it
// is no difference; the books say how much is disputed.
func TestDisputes(t *testing.T) { synctest.Test(t, testDisputes) }

func testDisputes(t *testing.T) {
	s := newScene(t, faultless)
	order := s.Buy(t, "ann")
	paymenttest.Pay(t, s.desk, order, "ann", "tok_accept")
	paymenttest.MustAgree(t, s.Node, s.desk)
	key := paymenttest.Attempt{User: "ann", Seq: order}.Charge(200, "EUR").Key
	if len(s.listed(t)) != 0 {
		t.Errorf("%+v", s.listed(t))
	}
	for _, c := range []struct {
		to                   sequencer.DisputeStatus
		waiting, lost, taken float64
	}{
		{sequencer.DisputeNeedsResponse, 1, 0, 200}, {sequencer.DisputeUnderReview, 0, 0, 200}, {sequencer.DisputeLost, 0, 1, 200}, {sequencer.DisputeWon, 0, 0, 0},
	} {
		if !s.books.Dispute(key, c.to) {
			t.Fatal("there is no charge")
		}
		found, err := s.desk.Reconcile(t.Context())
		if err != nil || len(found.Differences) != 0 || found.Money[0].Disputed != int64(c.taken) {
			t.Fatalf("%v: %+v, %v", c.to, found, err)
		}
		view, listed := s.Order(order), s.listed(t)
		if view.Dispute.Status != c.to || view.Dispute.Amount != 200 || view.Dispute.EvidenceBy == 0 || view.State != sequencer.StatePaid {
			t.Errorf("%v: %+v", c.to, view)
		}
		if len(listed) != 1 || listed[0].Key != key || listed[0].Status != c.to.String() || listed[0].Amount != 200 || listed[0].Currency != "EUR" ||
			listed[0].EvidenceBy == nil || listed[0].EvidenceBy.UnixNano() != view.Dispute.EvidenceBy || listed[0].State != "paid" {
			t.Errorf("%v: %+v", c.to, listed)
		}
		due := 0.0
		if c.waiting != 0 {
			due = float64(view.Dispute.EvidenceBy / int64(time.Second))
		}
		mustShow(t, s.desk, map[string]float64{`onsale_payment_disputes{status="needs_response"}`: c.waiting, `onsale_payment_disputes{status="lost"}`: c.lost,
			"onsale_payment_dispute_evidence_timestamp_seconds": due})
	}
}

// In a cancelled sale the refund of a disputed charge was tried for ever. It ends as failed, once.
func TestDisputedInACancelledSale(t *testing.T) { synctest.Test(t, testDisputedInACancelledSale) }

func testDisputedInACancelledSale(t *testing.T) {
	s := newScene(t, faultless)
	order := s.Buy(t, "ann")
	paymenttest.Pay(t, s.desk, order, "ann", "tok_accept")
	paymenttest.MustAgree(t, s.Node, s.desk)
	key := paymenttest.Attempt{User: "ann", Seq: order}.Charge(200, "EUR").Key
	s.books.Dispute(key, sequencer.DisputeNeedsResponse)
	s.Tell(t, sequencer.Command{Kind: sequencer.KindSaleCancel, Sale: 1})
	time.Sleep(time.Minute)
	view, e := s.Order(order), s.books.Entries()[0]
	if view.State != sequencer.StateRefunded || view.VoidsDue != 0 || view.Failed != 1 || view.RefundReason != sequencer.ReasonDisputed || e.Refunds != 1 || e.RefundedAmount != 0 {
		t.Errorf("%+v, %+v", view, e)
	}
	mustShow(t, s.desk, map[string]float64{"onsale_payment_refunds_failed": 1, "onsale_payment_unsettled": 0})
	s.Tell(t, sequencer.Command{Kind: sequencer.KindAcknowledge, Order: order, Attempt: 1, Body: []byte("the bank decides")})
	mustShow(t, s.desk, map[string]float64{"onsale_payment_refunds_failed": 0})
}

// A webhook tells of a dispute at once, from the sandbox's methods.
func TestNoticeOfDispute(t *testing.T) { synctest.Test(t, testNoticeOfDispute) }

func testNoticeOfDispute(t *testing.T) {
	s := &scene{Node: paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100})}
	config := sandbox.DefaultConfig()
	config.Account = paymenttest.AccountID
	config.Secrets = [][]byte{[]byte("a secret")}
	config.Notify = func(signature string, body []byte) {
		if err := s.desk.Notice("sandbox", signature, body); err != nil {
			t.Error(err)
		}
	}
	var err error
	if s.books, err = sandbox.Open(config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.books.Close() })
	s.line = &paymenttest.Faulty{Provider: s.books, Fault: faultless}
	s.desk = paymenttest.NewDesk(t, paymenttest.QuickConfig(), s.Node, s.line)
	for method, want := range map[string]sequencer.DisputeStatus{
		"tok_disputed_500ms": sequencer.DisputeNeedsResponse, "tok_disputed_won_500ms": sequencer.DisputeWon, "tok_disputed_lost_500ms": sequencer.DisputeLost,
	} {
		order := s.Buy(t, method)
		paymenttest.Pay(t, s.desk, order, method, method)
		time.Sleep(700 * time.Millisecond)
		if is := s.Order(order).Dispute.Status; is != sequencer.DisputeNeedsResponse {
			t.Errorf("%s: %v at first", method, is)
		}
		time.Sleep(time.Second)
		if is := s.Order(order).Dispute.Status; is != want {
			t.Errorf("%s: %v, want %v", method, is, want)
		}
	}
}

// An order was refunded before the capture of its charge was noted, and the buyer disputed the
// charge: the dispute was never listed, though it is why no refund goes.
func TestDisputedBeforeItsCaptureIsNoted(t *testing.T) {
	synctest.Test(t, testDisputedBeforeItsCaptureIsNoted)
}

func testDisputedBeforeItsCaptureIsNoted(t *testing.T) {
	s := newScene(t, func(call paymenttest.CallName, _ payment.Charge) paymenttest.Fault {
		return paymenttest.Fault{Lost: call == paymenttest.CallCapture}
	})
	order := s.Buy(t, "ann")
	paymenttest.Pay(t, s.desk, order, "ann", "tok_accept")
	synctest.Wait() // the capture arrives after the buyer's answer
	key := paymenttest.Attempt{User: "ann", Seq: order}.Charge(200, "EUR").Key
	if view := s.Order(order); view.Captured || !view.CaptureDue || !s.books.Dispute(key, sequencer.DisputeNeedsResponse) {
		t.Fatalf("the charge is captured, and that is not noted: %+v", view)
	}
	s.Tell(t, sequencer.Command{Kind: sequencer.KindSaleCancel, Sale: 1})
	time.Sleep(time.Minute)
	if view := s.Order(order); view.State != sequencer.StateRefunded || view.Captured || view.Failed != 1 || view.RefundReason != sequencer.ReasonDisputed {
		t.Fatalf("no refund goes, for the charge is disputed: %+v", view)
	}
	if _, err := s.desk.Reconcile(t.Context()); err != nil {
		t.Fatal(err)
	}
	if listed := s.listed(t); len(listed) != 1 || listed[0].Key != key || listed[0].Status != "needs_response" || listed[0].Amount != 200 {
		t.Errorf("%+v", listed)
	}
}
