package stripe_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"onsale/payment/paymenttest"
	"onsale/payment/stripe/fake"
	"onsale/sequencer"
)

// newAccountOf returns a fake account with an id.
func newAccountOf(t *testing.T, id string) *account {
	t.Helper()
	f := fake.New(fake.Config{Key: apiKey, Account: id, WebhookSecret: []byte(webhookSecret)})
	server := httptest.NewServer(f)
	t.Cleanup(func() {
		server.Close()
		f.Close()
	})
	return &account{f, server.URL}
}

// The key of another account finds nothing of what was charged before, and so is not asked: no
// intent is made there, nothing counts as back, and the right key settles it.
func TestOtherAccount(t *testing.T) {
	ours, other := newAccountOf(t, "acct_ours"), newAccountOf(t, "acct_other")
	n := paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100})
	config := paymenttest.QuickConfig()
	config.CallTimeout, config.AbandonAfter = 10*time.Second, time.Minute
	first := paymenttest.NewDesk(t, config, n, newProvider(t, ours.url))
	seq := n.Buy(t, "ann")
	paymenttest.Pay(t, first, seq, "ann", "pm_card_visa")
	paymenttest.MustAgree(t, n, first)
	first.Close()
	n.Tell(t, sequencer.Command{Kind: sequencer.KindRefund, Order: seq})

	wrong := paymenttest.NewDesk(t, config, n, newProvider(t, other.url))
	n.Tell(t, sequencer.Command{Kind: sequencer.KindAccept, Reference: []byte("stripe/test/acct_other"), Body: []byte("sold")})
	next := n.Buy(t, "bob")
	paymenttest.Pay(t, wrong, next, "bob", "pm_card_visa") // by then the first order was met
	paymenttest.Eventually(t, "the new order is captured", func() bool { return n.Order(next).Captured })
	if found, err := wrong.Reconcile(t.Context()); err != nil || len(found.Differences) != 1 || found.Differences[0].Kind != "other_account" {
		t.Errorf("%+v, %v", found, err)
	}
	wrong.Close()
	if intents := other.Requests(fake.StepCreate); intents != 1 || n.Order(seq).VoidsDue != 1 {
		t.Errorf("%d intents, %+v", intents, n.Order(seq))
	}
	again := paymenttest.NewDesk(t, config, n, newProvider(t, ours.url))
	paymenttest.Eventually(t, "it goes back", func() bool { return n.Order(seq).Voided == 1 })
	if found := paymenttest.MustAgree(t, n, again); found.Account != "stripe/test/acct_ours" || found.Accepted != "stripe/test/acct_other" || found.OtherAccount != 1 {
		t.Errorf("%+v", found)
	}
}
