package stripe_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"onsale/payment"
	"onsale/payment/stripe"
	"onsale/payment/stripe/fake"
)

const (
	apiKey        = "sk_test_of_the_fake"
	webhookSecret = "whsec_of_the_fake"
)

// account is a fake, and the addresses under which it is reached.
type account struct {
	*fake.Fake
	url string
}

// newAccount returns a fake account; wrap, unless nil, stands before its handler.
func newAccount(t testing.TB, notify func(signature string, body []byte)) *account {
	t.Helper()
	f := fake.New(fake.Config{Key: apiKey, WebhookSecret: []byte(webhookSecret), Notify: notify})
	server := httptest.NewServer(f)
	t.Cleanup(func() {
		server.Close()
		f.Close()
	})
	return &account{f, server.URL}
}

// newProvider returns a provider that speaks to an address and tries once.
func newProvider(t testing.TB, url string) *stripe.Provider {
	t.Helper()
	config := stripe.DefaultConfig()
	config.Key, config.URL, config.WebhookSecrets = apiKey, url, []string{webhookSecret}
	config.RetriesMax = 0
	p, err := stripe.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func charge(key string) payment.Charge {
	return payment.Charge{Key: key, Order: "order-of-" + key, Birth: "a-birth", Buyer: "a-buyer", Amount: 500, Currency: "EUR"}
}

// does checks what a step comes to, twice: every step may be repeated.
func does(t testing.TB, what string, want payment.Phase, step func(context.Context, payment.Charge) (payment.Status, error), c payment.Charge) {
	t.Helper()
	for range 2 {
		if status, err := step(context.Background(), c); err != nil || status.Phase != want {
			t.Errorf("%s: %+v, %v", what, status, err)
		}
	}
}

// with returns the step that authorises with a method.
func with(p payment.Provider, method string) func(context.Context, payment.Charge) (payment.Status, error) {
	return func(ctx context.Context, c payment.Charge) (payment.Status, error) {
		return p.Authorise(ctx, c, method)
	}
}

// cut breaks the connection instead of answering.
func cut(http.ResponseWriter) { panic(http.ErrAbortHandler) }
