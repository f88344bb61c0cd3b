package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"onsale/api/contract"
	"onsale/payment"
	"onsale/payment/paymenttest"
	"onsale/payment/stripe/fake"
	"onsale/sequencer"
)

// writeKey returns a file with a key.
func writeKey(t testing.TB, key string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Orders are paid through Stripe's fake by the command line, webhooks come to the
// buyers' listener, the seller refunds, and the books agree.
func TestStripe(t *testing.T) {
	var webhooks atomic.Pointer[string]
	var heard, refused atomic.Int32
	account := fake.New(fake.Config{Key: "sk_test_key", WebhookSecret: []byte("whsec_new"), Notify: func(signature string, body []byte) {
		request, err := http.NewRequest(http.MethodPost, *webhooks.Load(), bytes.NewReader(body))
		if err != nil {
			t.Error(err)
			return
		}
		request.Header.Set("Stripe-Signature", signature)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Error(err)
			return
		}
		response.Body.Close()
		if response.StatusCode == http.StatusNoContent {
			heard.Add(1)
		} else {
			refused.Add(1)
		}
	}})
	api := httptest.NewServer(account)
	defer api.Close()
	o := openOffice(t, func(s *settings) {
		s.Payment.Provider, s.Payment.URL = providerStripe, api.URL
		s.Payment.SecretFile, s.Payment.WebhookSecretFile = writeKey(t, "sk_test_key"), writeKey(t, "whsec_old whsec_new")
	})
	defer o.close()
	address := "http://" + o.server.publicListener.Addr().String() + "/v1/payments/webhook/stripe"
	webhooks.Store(&address)

	o.sell(0, "sale", "create", "gig", "--quantity", "10", "--price", "4900")
	buy := func(user string) string {
		var decision contract.Decision
		if err := json.Unmarshal([]byte(o.buy(0, user, "buy", "-o", "json")), &decision); err != nil {
			t.Fatal(err)
		}
		return decision.Order
	}
	ann, bob := buy("ann"), buy("bob")
	text := o.buy(3, "ann", "pay", ann, "--method", "pm_card_visa_chargeDeclinedInsufficientFunds")
	if !strings.Contains(text, "insufficient_funds") {
		t.Error(text)
	}
	for user, uid := range map[string]string{"ann": ann, "bob": bob} {
		if text := o.buy(0, user, "pay", uid, "--method", "pm_card_visa", "-o", "csv"); !strings.Contains(text, "status,accepted") {
			t.Error(text)
		}
	}
	settled := func() (settled bool) {
		o.server.node.Read(func(s sequencer.Reader) { settled = s.UnsettledCount() == 0 })
		return settled
	}
	paymenttest.Eventually(t, "they are captured", settled) // what is refunded before is not
	o.sell(0, "order", "refund", bob)
	paymenttest.Eventually(t, "the refund is settled", settled)
	account.Close() // all webhooks were sent
	var found payment.Reconciliation
	if err := json.Unmarshal([]byte(o.sell(0, "payments", "reconcile", "-o", "json")), &found); err != nil {
		t.Fatal(err)
	}
	if found.Provider != "stripe" || found.Charges != 3 || !slices.Equal(found.Money, []payment.Takings{{Currency: "EUR", Captured: 9800, Refunded: 4900, Orders: 4900}}) || len(found.Differences) > 0 {
		t.Errorf("%+v", found)
	}
	if heard.Load() < 8 || refused.Load() > 0 { // created ×3, declined, reserved ×2, taken ×2, refunded
		t.Errorf("%d webhooks were heard, %d refused", heard.Load(), refused.Load())
	}
	api.Close() // a provider that is down is no bug of ours
	has(t, o.sell(4, "payments", "reconcile"), "payment-provider-silent")
}

// What is missing is said before anything starts.
func TestStripeSettings(t *testing.T) {
	key, none := writeKey(t, "sk_test_key"), writeKey(t, "")
	for name, p := range map[string]paymentSettings{
		"no key":            {Provider: providerStripe},
		"empty key":         {Provider: providerStripe, SecretFile: none},
		"two keys":          {Provider: providerStripe, SecretFile: writeKey(t, "sk_1 sk_2")},
		"no webhook secret": {Provider: providerStripe, SecretFile: key, WebhookSecretFile: none},
		"live to a fake":    {Provider: providerStripe, SecretFile: writeKey(t, "sk_live_key"), URL: "https://example.org"},
		"nowhere to return": {Provider: providerStripe, SecretFile: key, ReturnURL: "shop/thanks"},
		"nobody":            {Provider: "paper"},
	} {
		p.LineMax = time.Minute
		s := settings{Payment: p}
		if err := usage(s.checkProvider()); exitCode(err) != 2 || !strings.Contains(err.Error(), "--payment") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The rate is as configured, or what the provider takes as it comes; what cannot work is said
// before anything starts.
func TestProviderRate(t *testing.T) {
	key := writeKey(t, "sk_live_key")
	for name, p := range map[string]paymentSettings{
		"--provider-rate": {Rate: -1, LineMax: time.Minute}, "--provider-rate is NaN": {Rate: math.NaN(), LineMax: time.Minute},
		"--provider-line-max": {}, "--provider-line-max is 2h": {LineMax: 2 * time.Hour},
	} {
		p.Provider, p.SecretFile = providerStripe, key
		s := settings{Payment: p}
		if err := usage(s.checkProvider()); exitCode(err) != 2 || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for rate, want := range map[float64]float64{0: 20, 90: 90} {
		s := settings{Payment: paymentSettings{Provider: providerStripe, SecretFile: key, Rate: rate, LineMax: time.Minute}}
		provider, closeProvider, err := s.openProvider(slog.New(slog.DiscardHandler), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Payment.rateOf(provider); got != want {
			t.Errorf("%v is %v calls a second", rate, got)
		}
		_ = closeProvider() // idle connections only
	}
}
