package stripe_test

import (
	"sync/atomic"
	"testing"
	"time"

	"onsale/payment"
	"onsale/payment/paymenttest"
	"onsale/sequencer"
)

// What Stripe says of a dispute, and what it means. Its webhooks have no key of ours: they name the
// intent.
func TestDisputes(t *testing.T) {
	var desk atomic.Pointer[payment.Desk]
	refused := make(chan error, 100)
	a := newAccount(t, func(signature string, body []byte) {
		if err := desk.Load().Notice("stripe", signature, body); err != nil {
			refused <- err
		}
	})
	n := paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100})
	config := paymenttest.QuickConfig()
	config.CallTimeout = 5 * time.Second
	desk.Store(paymenttest.NewDesk(t, config, n, newProvider(t, a.url)))
	order := n.Buy(t, "ann")
	paymenttest.Pay(t, desk.Load(), order, "ann", "pm_card_visa")
	paymenttest.MustAgree(t, n, desk.Load())
	key := paymenttest.Attempt{User: "ann", Seq: order}.Charge(200, "EUR").Key
	for _, c := range []struct {
		theirs string
		want   sequencer.DisputeStatus
	}{
		{"warning_needs_response", sequencer.DisputeNeedsResponse}, {"warning_under_review", sequencer.DisputeUnderReview}, {"needs_response", sequencer.DisputeNeedsResponse},
		{"under_review", sequencer.DisputeUnderReview}, {"won", sequencer.DisputeWon}, {"lost", sequencer.DisputeLost}, {"warning_closed", sequencer.DisputeWon},
	} {
		if !a.Dispute(key, c.theirs) {
			t.Fatal("there is no charge")
		}
		paymenttest.Eventually(t, c.theirs, func() bool { return n.Order(order).Dispute.Status == c.want })
		if is := n.Order(order).Dispute; is.Amount != 200 || is.EvidenceBy <= time.Now().UnixNano() {
			t.Errorf("%s: %+v", c.theirs, is)
		}
	}
	if len(refused) > 0 {
		t.Errorf("a webhook was refused: %v", <-refused)
	}
}

// Without webhooks a comparison of the books finds a dispute, and the refund of it ends as failed.
func TestDisputeWithoutWebhooks(t *testing.T) {
	a := newAccount(t, nil)
	n := paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100})
	d := paymenttest.NewDesk(t, paymenttest.QuickConfig(), n, newProvider(t, a.url))
	order := n.Buy(t, "ann")
	paymenttest.Pay(t, d, order, "ann", "pm_card_visa")
	paymenttest.MustAgree(t, n, d)
	a.Dispute(paymenttest.Attempt{User: "ann", Seq: order}.Charge(200, "EUR").Key, "needs_response")
	found, err := d.Reconcile(t.Context())
	if err != nil || len(found.Differences) != 0 || found.Money[0].Disputed != 200 || n.Order(order).Dispute.Status != sequencer.DisputeNeedsResponse {
		t.Errorf("%+v, %v; %+v", found, err, n.Order(order))
	}
	n.Tell(t, sequencer.Command{Kind: sequencer.KindRefund, Order: order})
	paymenttest.Eventually(t, "it has failed", func() bool { return n.Order(order).Failed == 1 })
	if view := n.Order(order); view.RefundReason != sequencer.ReasonDisputed || view.VoidsDue != 0 {
		t.Errorf("%+v", view)
	}
}

// A partial refund on Stripe's own page was no difference. It is one, with its amount, by order.
func TestRefundedInPart(t *testing.T) {
	a := newAccount(t, nil)
	n := paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100})
	d := paymenttest.NewDesk(t, paymenttest.QuickConfig(), n, newProvider(t, a.url))
	order := n.Buy(t, "ann")
	paymenttest.Pay(t, d, order, "ann", "pm_card_visa")
	paymenttest.MustAgree(t, n, d)
	key := paymenttest.Attempt{User: "ann", Seq: order}.Charge(200, "EUR").Key
	if !a.RefundPart(key, 60) {
		t.Fatal("there is no charge")
	}
	found, err := d.Reconcile(t.Context())
	if err != nil || len(found.Differences) != 1 {
		t.Fatalf("%+v, %v", found, err)
	}
	if is := found.Differences[0]; is.Kind != payment.DifferencePart || is.Key != key || is.Amount != 60 || is.Currency != "EUR" || is.Order == "" {
		t.Errorf("%+v", is)
	}
	if money := found.Money; len(money) != 1 || money[0].Captured != 200 || money[0].Refunded != 60 {
		t.Errorf("%+v", money)
	}
}

// A webhook about the dispute of an intent that the account does not have, or that is nothing of
// ours, is taken.
func TestNoticeOfAnotherDispute(t *testing.T) {
	a := newAccount(t, nil)
	p, now := newProvider(t, a.url), time.Now()
	for _, body := range []string{
		`{"id":"evt_1","object":"event","type":"charge.dispute.created","data":{"object":{"object":"dispute","payment_intent":"pi_of_somebody"}}}`,
		`{"id":"evt_1","object":"event","type":"charge.dispute.created","data":{"object":{"object":"dispute","payment_intent":null}}}`,
	} {
		told, err := p.Notice(t.Context(), payment.Sign([]byte(webhookSecret), []byte(body), now), []byte(body), now)
		if err != nil || told != (payment.Notice{}) {
			t.Errorf("%s: %+v, %v", body, told, err)
		}
	}
}
