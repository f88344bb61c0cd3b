package stripe_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"onsale/payment"
	"onsale/payment/paymenttest"
	"onsale/sequencer"
)

// A webhook settles at once what would have waited, however often it comes.
func TestNotice(t *testing.T) {
	var desk atomic.Pointer[payment.Desk]
	refused, taken := make(chan error, 100), atomic.Int32{}
	a := newAccount(t, func(signature string, body []byte) {
		if err := desk.Load().Notice("stripe", signature, body); err != nil {
			refused <- err
			return
		}
		taken.Add(1)
	})
	n := paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100})
	config := paymenttest.QuickConfig()
	config.CallTimeout, config.SettleInterval, config.RetryPauseMax = 5*time.Second, time.Hour, time.Hour // nothing happens unless something wakes it
	desk.Store(paymenttest.NewDesk(t, config, n, newProvider(t, a.url)))
	for _, method := range []string{"pm_fake_double_webhook", "pm_fake_late_100ms"} {
		seq := n.Buy(t, method)
		paymenttest.Pay(t, desk.Load(), seq, method, method)
		paymenttest.Eventually(t, method, func() bool { return n.StateOf(seq) == sequencer.StatePaid })
	}
	paymenttest.MustAgree(t, n, paymenttest.NewDesk(t, paymenttest.QuickConfig(), n, newProvider(t, a.url)))
	if taken.Load() < 4 || len(refused) > 0 {
		t.Errorf("%d taken; %v", taken.Load(), refused)
	}
}

// Only what Stripe signed is read, and only the key of it.
func TestNoticeForms(t *testing.T) {
	a := newAccount(t, nil)
	p, now := newProvider(t, a.url), time.Now()
	signed := func(body string, at time.Time, secret string) (string, error) {
		told, err := p.Notice(t.Context(), payment.Sign([]byte(secret), []byte(body), at), []byte(body), now)
		return told.Key, err
	}
	about := `{"id":"evt_1","object":"event","type":"%","api_version":"2011-01-01","data":{"object":{"metadata":{"onsale_payment":"k-1"}}}}`
	for body, want := range map[string]string{
		about: "k-1",
		`{"id":"evt_1","object":"event","type":"balance.available","data":{"object":{"object":"balance"}}}`:            "",
		`{"id":"evt_1","object":"event","type":"charge.refunded","data":{"object":{"metadata":{"another":"1"}}}}`:      "",
		`{"id":"evt_1","object":"event","type":"charge.refunded","data":{"object":{"metadata":{"onsale_payment":1}}}}`: "",
		`{"id":"evt_1","object":"event","type":"of a later day"}`:                                                      "",
	} {
		if key, err := signed(body, now, webhookSecret); key != want || err != nil {
			t.Errorf("%s: %q, %v", body, key, err)
		}
	}
	for name, refused := range map[string]func() (string, error){
		"another secret": func() (string, error) { return signed(about, now, "whsec_of_somebody") },
		"too old": func() (string, error) {
			return signed(about, now.Add(-payment.SignatureTolerance-time.Second), webhookSecret)
		},
		"no event": func() (string, error) { return signed(`{"object":"list"}`, now, webhookSecret) },
		"no JSON":  func() (string, error) { return signed(`{`, now, webhookSecret) },
		"unsigned": func() (string, error) { return key(p.Notice(t.Context(), "", []byte(about), now)) },
		"changed": func() (string, error) {
			return key(p.Notice(t.Context(), payment.Sign([]byte(webhookSecret), []byte("x"), now), []byte(about), now))
		},
	} {
		if key, err := refused(); key != "" || !errors.Is(err, payment.ErrNotice) {
			t.Errorf("%s: %q, %v", name, key, err)
		}
	}
}

// key returns the key of what a webhook says.
func key(told payment.Notice, err error) (string, error) { return told.Key, err }
