package stripe_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"onsale/payment"
	"onsale/payment/paymenttest"
	"onsale/payment/stripe"
	"onsale/sequencer"
)

const threeDSecure = "pm_card_threeDSecure2Required"

// A card that wants 3-D Secure has a next action, whoever asks for it, and comes to what the
// buyer and the bank make of it.
func TestAction(t *testing.T) {
	a := newAccount(t, nil)
	p := newProvider(t, a.url)
	for name, c := range map[string]struct {
		method    string
		completes bool
		want      payment.Phase
		reason    sequencer.PayReason
	}{
		"completed": {threeDSecure, true, payment.Authorised, sequencer.ReasonNone},
		"refused":   {threeDSecure, false, payment.Declined, sequencer.ReasonAuthenticationRequired},
		"declined":  {"pm_card_threeDSecureRequiredChargeDeclined", true, payment.Declined, sequencer.ReasonDeclined},
	} {
		does(t, name, payment.RequiresAction, with(p, c.method), charge(name))
		first, err := p.Find(t.Context(), charge(name))
		second, errSecond := newProvider(t, a.url).Find(t.Context(), charge(name))
		if err != nil || errSecond != nil || first.Method != c.method || *first.NextAction != *second.NextAction ||
			first.NextAction.Type != "use_stripe_sdk" || first.NextAction.RedirectURL != "" {
			t.Fatalf("%+v, %v, %+v, %v", first, err, second, errSecond)
		}
		if !a.Authenticate(first.NextAction.ClientSecret, c.completes) {
			t.Fatal("the secret is not the intent's")
		}
		for range 2 {
			if status, err := newProvider(t, a.url).Find(t.Context(), charge(name)); err != nil || status.Phase != c.want || status.Reason != c.reason || status.NextAction != nil {
				t.Errorf("%s: %+v, %v", name, status, err)
			}
		}
		entries, _, err := p.Ledger(t.Context(), "", 100)
		if err != nil || entries[0].NextAction != nil {
			t.Errorf("the books have a secret: %+v, %v", entries[0], err)
		}
	}
	does(t, "open", payment.RequiresAction, with(p, threeDSecure), charge("open"))
	does(t, "cancelled while it is open", payment.Cancelled, p.Cancel, charge("open"))
}

// Once an attempt is told as declined, a buyer who has the client secret cannot pay with it.
func TestDeclinedIsOver(t *testing.T) {
	a := newAccount(t, nil)
	p := newProvider(t, a.url)
	for name, end := range map[string]func() (payment.Status, error){
		"find":      func() (payment.Status, error) { return p.Find(t.Context(), charge("find")) },
		"cancel":    func() (payment.Status, error) { return p.Cancel(t.Context(), charge("cancel")) },
		"authorise": func() (payment.Status, error) { return p.Authorise(t.Context(), charge("authorise"), threeDSecure) },
	} {
		asked, err := p.Authorise(t.Context(), charge(name), threeDSecure)
		if err != nil {
			t.Fatal(err)
		}
		secret := asked.NextAction.ClientSecret
		a.Authenticate(secret, false)
		if status, err := end(); err != nil || status.Phase != payment.Declined {
			t.Errorf("%s: %+v, %v", name, status, err)
		}
		if a.ConfirmByBuyer(secret) {
			t.Errorf("%s: a declined intent was paid with another card", name)
		}
	}
}

// With a place to return to, the bank's page is told, and the order's uid goes along.
func TestReturnURL(t *testing.T) {
	a := newAccount(t, nil)
	config := stripe.DefaultConfig()
	config.Key, config.URL, config.ReturnURL = apiKey, a.url, "https://shop.example/thanks?lang=de"
	p, err := stripe.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	status, err := p.Authorise(t.Context(), charge("a"), threeDSecure)
	if err != nil || status.NextAction.Type != payment.ActionRedirect || !strings.HasPrefix(status.NextAction.RedirectURL, "https://") {
		t.Errorf("%+v, %v", status, err)
	}
	if back := a.ReturnURL(status.NextAction.ClientSecret); back != "https://shop.example/thanks?lang=de&order=order-of-a" {
		t.Error(back)
	}
}

// A payment with 3-D Secure from end to end, by webhooks alone; then one that another card
// takes the place of.
func TestActionByWebhook(t *testing.T) {
	var desk atomic.Pointer[payment.Desk]
	a := newAccount(t, func(signature string, body []byte) {
		if err := desk.Load().Notice("stripe", signature, body); err != nil {
			t.Error(err)
		}
	})
	n := paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100})
	config := paymenttest.QuickConfig()
	config.CallTimeout, config.SettleInterval, config.RetryPauseMax = 5*time.Second, time.Hour, time.Hour
	desk.Store(paymenttest.NewDesk(t, config, n, newProvider(t, a.url)))
	for _, completes := range []bool{true, false} {
		seq := n.Buy(t, "ann")
		asked := paymenttest.Pay(t, desk.Load(), seq, "ann", threeDSecure)
		if asked.NextAction == nil {
			t.Fatalf("%+v", asked)
		}
		if completes {
			a.Authenticate(asked.NextAction.ClientSecret, true)
		} else if answer := paymenttest.Pay(t, desk.Load(), seq, "ann", "pm_card_visa"); answer.State != sequencer.StatePaid || answer.Attempt != 2 {
			t.Errorf("%+v", answer)
		}
		paymenttest.Eventually(t, "it is paid", func() bool { return n.StateOf(seq) == sequencer.StatePaid })
		if a.ConfirmByBuyer(asked.NextAction.ClientSecret) {
			t.Error("it is paid, and the buyer pays once more")
		}
	}
	paymenttest.MustAgree(t, n, desk.Load())
}
