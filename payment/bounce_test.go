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

// refunded returns a scene in which a paid order was refunded, and its money went back.
func refunded(t *testing.T, method string) (s *scene, order uint64, key string) {
	s = newScene(t, faultless)
	order = s.Buy(t, "ann")
	paymenttest.Pay(t, s.desk, order, "ann", method)
	paymenttest.MustAgree(t, s.Node, s.desk)
	s.Tell(t, sequencer.Command{Kind: sequencer.KindRefund, Order: order})
	paymenttest.Eventually(t, "it is refunded", func() bool { return s.UnsettledCount() == 0 })
	return s, order, paymenttest.Attempt{User: "ann", Seq: order}.Charge(200, "EUR").Key
}

// A refund that fails days later was done for ever, and could not be sent again. A comparison
// of the books makes it due again, and it is sent once more.
func TestRefundFailsLater(t *testing.T) { synctest.Test(t, testRefundFailsLater) }

func testRefundFailsLater(t *testing.T) {
	s, order, key := refunded(t, "tok_accept")
	if !s.books.FailRefund(key, sequencer.ReasonMethodGone) {
		t.Fatal("there is no refund")
	}
	if _, err := s.desk.Reconcile(t.Context()); err != nil {
		t.Fatal(err)
	}
	paymenttest.MustAgree(t, s.Node, s.desk)
	view := s.Order(order)
	if e := s.books.Entries()[0]; view.Voided != 1 || view.Bounced != 1 || view.Failed != 0 || e.Refunds != 2 || e.RefundedAmount != 200 {
		t.Errorf("%+v, %+v", view, e)
	}
	mustShow(t, s.desk, map[string]float64{`onsale_payment_settled_total{step="refund_failed"}`: 1})

	// It fails again: its return has failed, nobody sends a third, and the books name it.
	s.books.FailRefund(key, sequencer.ReasonMethodGone)
	s.mustDiffer(t, payment.DifferenceNotReturned, order, 200)
	s.mustDiffer(t, payment.DifferenceNotReturned, order, 200)
	view = s.Order(order)
	if e := s.books.Entries()[0]; view.Failed != 1 || view.RefundReason != sequencer.ReasonMethodGone || view.VoidsDue|view.Voided != 0 || e.Refunds != 2 {
		t.Errorf("%+v, %+v", view, e)
	}

	// That is an alarm until a seller has acknowledged it, and a difference for ever.
	mustShow(t, s.desk, map[string]float64{"onsale_payment_refunds_failed": 1})
	s.Tell(t, sequencer.Command{Kind: sequencer.KindAcknowledge, Order: order, Attempt: 1, Body: []byte("in cash")})
	mustShow(t, s.desk, map[string]float64{"onsale_payment_refunds_failed": 0})
	s.mustDiffer(t, payment.DifferenceNotReturned, order, 200)

	// The seller gave it back on the provider's page.
	if !s.books.RefundPart(key, 200) {
		t.Fatal("it cannot be given back")
	}
	if _, err := s.desk.Reconcile(t.Context()); err != nil {
		t.Fatal(err)
	}
	paymenttest.Eventually(t, "it is back", func() bool { return s.Order(order).Voided == 1 })
	paymenttest.MustAgree(t, s.Node, s.desk)
}

// The webhook of a refund that failed makes it due again at once.
func TestNoticeOfFailedRefund(t *testing.T) { synctest.Test(t, testNoticeOfFailedRefund) }

func testNoticeOfFailedRefund(t *testing.T) {
	s := &scene{Node: paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100})}
	config := sandbox.DefaultConfig()
	config.Account = paymenttest.AccountID
	config.Secrets = [][]byte{[]byte("a secret")}
	config.Notify = func(signature string, body []byte) {
		for range 2 { // as webhooks do
			if err := s.desk.Notice("sandbox", signature, body); err != nil {
				t.Error(err)
			}
		}
	}
	var err error
	if s.books, err = sandbox.Open(config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.books.Close() })
	s.line = &paymenttest.Faulty{Provider: s.books, Fault: faultless}
	s.desk = paymenttest.NewDesk(t, paymenttest.QuickConfig(), s.Node, s.line)
	for _, c := range []struct {
		method string
		sent   uint8
		failed uint32
		why    sequencer.PayReason
	}{
		{"tok_refund_fails_500ms", 2, 0, sequencer.ReasonRefundDeclined},
		{"tok_refund_always_fails_500ms", 2, 1, sequencer.ReasonRefundDeclined},
		{"tok_refund_refused", 1, 1, sequencer.ReasonRefundRefused},
	} {
		order := s.Buy(t, c.method)
		paymenttest.Pay(t, s.desk, order, c.method, c.method)
		time.Sleep(time.Second) // what was not captured would be cancelled, which does not fail
		s.Tell(t, sequencer.Command{Kind: sequencer.KindRefund, Order: order})
		time.Sleep(5 * time.Second)
		view, e := s.Order(order), s.books.Entries()[len(s.books.Entries())-1]
		if view.VoidsDue != 0 || view.Failed != c.failed || view.RefundReason != c.why || e.Refunds != c.sent || (view.Voided == 1) != (e.RefundedAmount == 200) {
			t.Errorf("%s: %+v, %+v", c.method, view, e)
		}
	}
}
