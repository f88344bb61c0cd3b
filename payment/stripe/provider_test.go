package stripe_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	stripego "github.com/stripe/stripe-go/v85"

	"onsale/payment"
	"onsale/payment/stripe"
	"onsale/payment/stripe/fake"
	"onsale/sequencer"
)

// A charge's life, seen by the provider that made it and by one that remembers
// nothing, on the same day and after Stripe has forgotten the idempotency keys.
func TestLife(t *testing.T) {
	a := newAccount(t, nil)
	p := newProvider(t, a.url)
	for _, view := range []string{"same process", "another process", "a day later"} {
		key := func(name string) payment.Charge { return charge(name + "-" + strings.ReplaceAll(view, " ", "-")) }
		other := func() payment.Provider {
			switch view {
			case "same process":
				return p
			case "a day later":
				a.PassDay()
			}
			return newProvider(t, a.url)
		}
		t.Run(view, func(t *testing.T) {
			does(t, "unknown", payment.Unknown, other().Find, key("a"))
			does(t, "authorised", payment.Authorised, with(p, "pm_card_visa"), key("a"))
			does(t, "it keeps its outcome", payment.Authorised, with(p, "pm_card_visa_chargeDeclined"), key("a"))
			does(t, "found", payment.Authorised, other().Find, key("a"))
			does(t, "captured", payment.Captured, captures(other()), key("a"))
			does(t, "found captured", payment.Captured, other().Find, key("a"))
			does(t, "refunded", payment.Refunded, other().Cancel, key("a"))
			does(t, "it cannot be captured any more", payment.Refunded, captures(other()), key("a"))

			does(t, "declined", payment.Declined, with(p, "pm_card_visa_chargeDeclined"), key("b"))
			does(t, "it stays declined", payment.Declined, with(p, "pm_card_visa"), key("b"))
			does(t, "a decline needs no cancelling", payment.Declined, other().Cancel, key("b"))

			does(t, "cancelled before it was known", payment.Cancelled, p.Cancel, key("c"))
			does(t, "then it can never be authorised", payment.Cancelled, with(newProvider(t, a.url), "pm_card_visa"), key("c"))

			does(t, "reserved", payment.Authorised, with(p, "pm_card_visa"), key("d"))
			does(t, "voided", payment.Cancelled, other().Cancel, key("d"))
			if view != "a day later" { // nobody authorises an attempt again that began a day ago
				does(t, "it stays voided", payment.Cancelled, with(p, "pm_card_visa"), key("d"))
			}

			does(t, "processing", payment.Processing, with(p, "pm_fake_processing"), key("e"))
			does(t, "found processing", payment.Processing, other().Find, key("e"))
			does(t, "cancelled while processing", payment.Cancelled, other().Cancel, key("e"))

			does(t, "nothing to capture", payment.Unknown, captures(other()), key("f"))
		})
	}
	for _, i := range a.Intents() {
		if i.Authorisations > 1 || i.Received != i.Refunded {
			t.Errorf("%+v", i)
		}
	}
	if versions := a.Versions(); len(versions) != 1 || !versions[stripego.APIVersion] {
		t.Errorf("the API version is not pinned: %v", versions)
	}
}

// Paying costs three requests.
func TestRequests(t *testing.T) {
	a := newAccount(t, nil)
	p := newProvider(t, a.url)
	does(t, "authorised", payment.Authorised, with(p, "pm_card_visa"), charge("x"))
	before := 0
	count := func() (n int) {
		for _, step := range fake.Steps() {
			n += a.Requests(step)
		}
		return n - before
	}
	before = count()
	if _, err := p.Authorise(context.Background(), charge("a"), "pm_card_visa"); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Capture(context.Background(), charge("a"), charge("a").Amount); err != nil {
		t.Fatal(err)
	}
	if n := count(); n != 3 {
		t.Errorf("%d requests", n)
	}
	var _ prometheus.Collector = p
	if n := testutil.CollectAndCount(p); n != 1 { // the status 200
		t.Errorf("%d metrics", n)
	}
}

// Two leaders confirm at once: the slower one hears what the faster one's confirmation
// came to, and tries nothing itself.
func TestTwoLeaders(t *testing.T) {
	for _, method := range []string{"pm_card_visa_chargeDeclined", "pm_card_visa"} {
		a := newAccount(t, nil)
		arrived, let := make(chan struct{}), make(chan struct{})
		slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/confirm") {
				close(arrived)
				<-let
			}
			a.ServeHTTP(w, r)
		}))
		defer slow.Close()
		var second payment.Status
		var err error
		done := make(chan struct{})
		go func() {
			defer close(done)
			second, err = newProvider(t, slow.URL).Authorise(context.Background(), charge("a"), method)
		}()
		<-arrived
		does(t, "the faster one", payment.Declined, with(newProvider(t, a.url), "pm_card_visa_chargeDeclined"), charge("a"))
		close(let)
		<-done
		if err != nil || second.Phase != payment.Declined || a.Intents()[0].Authorisations != 0 {
			t.Errorf("%s: %+v, %v, %+v", method, second, err, a.Intents())
		}
	}
}

// Each decline has the reason that the buyer can act upon.
func TestReasons(t *testing.T) {
	p := newProvider(t, newAccount(t, nil).url)
	for method, want := range map[string]sequencer.PayReason{
		"pm_card_visa_chargeDeclined":                      sequencer.ReasonDeclined,
		"pm_card_visa_chargeDeclinedInsufficientFunds":     sequencer.ReasonInsufficientFunds,
		"pm_card_visa_chargeDeclinedVelocityLimitExceeded": sequencer.ReasonLimitExceeded,
		"pm_card_chargeDeclinedExpiredCard":                sequencer.ReasonExpiredMethod,
		"pm_card_chargeDeclinedIncorrectCvc":               sequencer.ReasonWrongDetails,
		"pm_card_chargeDeclinedProcessingError":            sequencer.ReasonDeclined,
		"tok_accept":                                       sequencer.ReasonUnknownMethod,
	} {
		status, err := p.Authorise(context.Background(), charge(method), method)
		if err != nil || status.Phase != payment.Declined || status.Reason != want {
			t.Errorf("%s: %+v, %v", method, status, err)
		}
		if status, err = p.Find(context.Background(), charge(method)); err != nil || status.Outcome() == sequencer.PayAccepted || status.Outcome() == sequencer.PayUnknown {
			t.Errorf("%s found: %+v, %v", method, status, err)
		}
	}
}

// What Stripe does not take is over at once; what says nothing about the charge is an
// error, and tells neither secrets nor payment methods.
func TestRefusals(t *testing.T) {
	a := newAccount(t, nil)
	p, ctx := newProvider(t, a.url), context.Background()
	small := charge("small")
	small.Amount = 1
	does(t, "too small", payment.Cancelled, with(p, "pm_card_visa"), small)
	does(t, "too small to be found", payment.Cancelled, p.Find, small)
	does(t, "too small to be cancelled", payment.Cancelled, p.Cancel, small)
	uneven := payment.Charge{Key: "uneven", Order: "o", Amount: 5124, Currency: "KWD"}
	does(t, "not round", payment.Cancelled, with(p, "pm_card_visa"), uneven)

	does(t, "authorised", payment.Authorised, with(p, "pm_card_visa"), charge("a"))
	config := stripe.DefaultConfig()
	config.Key, config.URL = "sk_test_of_somebody_else", a.url
	stranger, err := stripe.New(config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stranger.Authorise(ctx, charge("b"), "pm_card_visa"); err == nil || strings.Contains(err.Error(), config.Key) {
		t.Errorf("a stranger: %v", err)
	}
	for _, bad := range []stripe.Config{
		{}, {Key: "k", URL: "nowhere", IDsMax: 1}, {Key: "sk_live_k", URL: "http://127.0.0.1", IDsMax: 1}, {Key: "k"}, {Key: "k", IDsMax: 1, RetriesMax: -1},
	} {
		if _, err := stripe.New(bad); !errors.Is(err, stripe.ErrConfig) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

// A charge under our key that is another buyer's, of another order or amount, is refused by
// every step, on the same day and after Stripe has forgotten the idempotency keys, and is
// left as it is.
func TestAnotherCharge(t *testing.T) {
	a := newAccount(t, nil)
	p, ctx := newProvider(t, a.url), context.Background()
	does(t, "authorised", payment.Authorised, with(p, "pm_card_visa"), charge("a"))
	for what, change := range map[string]func(*payment.Charge){
		"amount": func(c *payment.Charge) { c.Amount++ }, "currency": func(c *payment.Charge) { c.Currency = "USD" },
		"order": func(c *payment.Charge) { c.Order += "x" }, "birth": func(c *payment.Charge) { c.Birth += "x" },
		"buyer": func(c *payment.Charge) { c.Buyer += "x" },
	} {
		other := charge("a")
		change(&other)
		for name, q := range map[string]payment.Provider{"remembered": p, "forgotten": newProvider(t, a.url)} {
			for step, do := range map[string]func() (payment.Status, error){
				"authorise": func() (payment.Status, error) { return q.Authorise(ctx, other, "pm_card_visa") },
				"find":      func() (payment.Status, error) { return q.Find(ctx, other) },
				"capture":   func() (payment.Status, error) { return q.Capture(ctx, other, other.Amount) },
				"cancel":    func() (payment.Status, error) { return q.Cancel(ctx, other) },
			} {
				if _, err := do(); !errors.Is(err, payment.ErrConflict) || !strings.Contains(err.Error(), other.Key) {
					t.Errorf("%s, %s of another %s: %v", name, step, what, err)
				}
			}
		}
	}
	if intents := a.Intents(); len(intents) != 1 || intents[0].Received != 0 {
		t.Errorf("%+v", intents)
	}
	does(t, "still authorised", payment.Authorised, p.Find, charge("a"))

	a.PassDay()
	stranger := charge("a")
	stranger.Buyer = "another"
	if _, err := newProvider(t, a.url).Cancel(ctx, stranger); !errors.Is(err, payment.ErrConflict) {
		t.Errorf("a day later: %v", err)
	}
	does(t, "still authorised", payment.Authorised, newProvider(t, a.url).Find, charge("a"))
}

// A create whose answer was an error 500 that Stripe repeats is over: nobody knows the
// intent. One whose answer was only lost is found.
func TestLostCreate(t *testing.T) {
	for kind, want := range map[fake.FaultKind]payment.Phase{
		fake.FaultError: payment.Cancelled, fake.FaultErrorAfter: payment.Cancelled, fake.FaultLost: payment.Unknown, fake.FaultUnsent: payment.Unknown,
	} {
		a := newAccount(t, nil)
		p := newProvider(t, a.url)
		a.Inject(fake.Fault{Step: fake.StepCreate, Kind: kind, Times: 1})
		if status, err := p.Authorise(context.Background(), charge("a"), "pm_card_visa"); err == nil {
			t.Errorf("%s: %+v", kind, status)
		}
		does(t, string(kind), want, p.Find, charge("a"))
		does(t, string(kind), payment.Cancelled, p.Cancel, charge("a"))
	}
}

// The books are read page by page, the newest first, without what others charged.
func TestLedger(t *testing.T) {
	a := newAccount(t, nil)
	p, ctx := newProvider(t, a.url), context.Background()
	for _, key := range []string{"a", "b", "c", "d", "e"} {
		does(t, key, payment.Authorised, with(p, "pm_card_visa"), charge(key))
	}
	does(t, "captured", payment.Captured, captures(p), charge("b"))
	does(t, "captured", payment.Captured, captures(p), charge("c"))
	does(t, "refunded", payment.Refunded, p.Cancel, charge("c"))
	var keys string
	for cursor := ""; ; {
		entries, next, err := p.Ledger(ctx, cursor, 2)
		if err != nil || len(entries) > 2 {
			t.Fatal(len(entries), err)
		}
		for _, e := range entries {
			keys += e.Key
			want := map[string][3]any{"b": {payment.Captured, int64(500), int64(0)}, "c": {payment.Refunded, int64(500), int64(500)}}[e.Key]
			if want[0] == nil {
				want = [3]any{payment.Authorised, int64(0), int64(0)}
			}
			if got := [3]any{e.Phase, e.CapturedAmount, e.RefundedAmount}; got != want || e.Charge != charge(e.Key) {
				t.Errorf("%+v", e)
			}
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	if keys != "edcba" {
		t.Error(keys)
	}

	if e, err := p.Lookup(ctx, "c"); err != nil || e != nil {
		t.Errorf("the search knows nothing of this day: %+v, %v", e, err)
	}
	a.PassDay()
	if e, err := p.Lookup(ctx, "c"); err != nil || e == nil || e.Charge != charge("c") || e.Phase != payment.Refunded || e.RefundedAmount != 500 {
		t.Errorf("%+v, %v", e, err)
	}
	if e, err := p.Lookup(ctx, "of-nobody"); err != nil || e != nil {
		t.Errorf("%+v, %v", e, err)
	}
}

// A 429 is told as one, with the time that it names as seconds or as a date; one that says that
// another request has the intent says nothing of the rate.
func TestThrottled(t *testing.T) {
	a := newAccount(t, nil)
	p, ctx := newProvider(t, a.url), context.Background()
	soon := time.Now().Add(time.Minute)
	for header, want := range map[string]time.Duration{"": 0, "7": 7 * time.Second, soon.UTC().Format(http.TimeFormat): time.Minute, "soon": 0} {
		a.Inject(fake.Fault{Step: fake.StepCreate, Kind: fake.FaultRateLimit, Times: 1, RetryAfter: header})
		var told *payment.Throttled
		if _, err := p.Authorise(ctx, charge("a"), "pm_card_visa"); !errors.As(err, &told) || !errors.Is(err, payment.ErrThrottled) {
			t.Fatalf("%q: %v", header, err)
		}
		if told.After > want || told.After < want-30*time.Second {
			t.Errorf("%q: wait for %v", header, told.After)
		}
	}
	if n := a.Requests(fake.StepCreate); n != 4 {
		t.Errorf("%d creates: one that is refused is not sent again by itself", n)
	}

	does(t, "authorised", payment.Authorised, with(p, "pm_card_visa"), charge("a"))
	a.Inject(fake.Fault{Step: fake.StepCapture, Kind: fake.FaultLocked, Times: 1})
	var told *payment.Throttled
	if _, err := p.Capture(ctx, charge("a"), charge("a").Amount); !errors.Is(err, payment.ErrThrottled) || errors.As(err, &told) {
		t.Errorf("a locked intent: %v", err)
	}
}

// An account takes so many calls as it comes; one in test mode takes fewer.
func TestCallsPerSecond(t *testing.T) {
	for key, want := range map[string]float64{"sk_live_k": 20, "rk_live_k": 20, "sk_test_k": 6, "rk_test_k": 6} {
		config := stripe.DefaultConfig()
		config.Key = key
		p, err := stripe.New(config)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.CallsPerSecond(); got != want {
			t.Errorf("%s: %v", key, got)
		}
		p.Close()
	}
}
