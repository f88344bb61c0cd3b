package sandbox_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"onsale/payment"
	"onsale/payment/sandbox"
)

// A sandbox at a rate answers the rest over HTTP with a 429 and the second in which it takes more,
// whatever is asked; its client reads seconds and dates.
func TestRateOverHTTP(t *testing.T) {
	config := sandbox.DefaultConfig()
	config.CallsPerSecond = 0.001
	books, err := sandbox.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	defer books.Close()
	secret := []byte("a-secret")
	handler, date := sandbox.NewHandler(books, secret), ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if date != "" {
			w.Header().Set("Retry-After", date)
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		handler.ServeHTTP(w, r)
	}))
	defer server.Close()
	client, err := sandbox.NewClient(server.URL, secret)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()

	ctx, c := t.Context(), payment.Charge{Key: "k", Order: "o", Amount: 1, Currency: "EUR"}
	if _, err := client.Find(ctx, c); err != nil { // the one that is taken
		t.Fatal(err)
	}
	status := func(_ payment.Status, err error) error { return err }
	_, lookupErr := client.Lookup(ctx, "k")
	_, _, ledgerErr := client.Ledger(ctx, "", 10)
	for call, err := range map[string]error{
		"authorise": status(client.Authorise(ctx, c, "tok_accept")), "find": status(client.Find(ctx, c)), "capture": status(client.Capture(ctx, c, 1)),
		"cancel": status(client.Cancel(ctx, c)), "return": status(client.Return(ctx, c, 1)), "lookup": lookupErr, "ledger": ledgerErr,
	} {
		var told *payment.Throttled
		if !errors.As(err, &told) || !errors.Is(err, payment.ErrThrottled) || told.After < 900*time.Second || told.After > 1000*time.Second {
			t.Errorf("%s: %v", call, err)
		}
	}
	if entries := books.Entries(); len(entries) != 0 {
		t.Errorf("something happened: %+v", entries)
	}
	date = time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)
	var told *payment.Throttled
	if _, err := client.Find(ctx, c); !errors.As(err, &told) || told.After < 30*time.Minute || told.After > time.Hour {
		t.Errorf("%v", err)
	}
}
