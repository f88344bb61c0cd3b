package api

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"onsale/api/contract"
	"onsale/payment"
	"onsale/payment/sandbox"
	"onsale/proof/testenv"
	"onsale/sequencer"
)

// deskNode shows the test backend to a payment desk.
type deskNode struct{ *testBackend }

func (n deskNode) Leader() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.fail
}

func (n deskNode) ReadIndex(context.Context) (uint64, error) { return n.AppliedSeq(), n.Leader() }

func (n deskNode) Read(read func(sequencer.Reader)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	read(n.state)
}

// deskPayments is a desk in this process as the API's way to it.
type deskPayments struct{ *payment.Desk }

func (d deskPayments) Place(_ context.Context, order uint64) (*payment.Place, error) {
	return d.Desk.Place(order), nil
}

func (d deskPayments) Notice(_ context.Context, provider, signature string, body []byte) error {
	return d.Desk.Notice(provider, signature, body)
}

func (d deskPayments) Unsettled(sale uint16) (int, bool) { return d.Desk.Unsettled(sale), true }

// Orphans and RefundOrphan look at a state that is never behind.
func (d deskPayments) Orphans(ctx context.Context) (*payment.Orphans, error) {
	return d.Desk.Orphans(ctx, func(context.Context) error { return nil })
}

func (d deskPayments) RefundOrphan(ctx context.Context, r payment.RefundRequest) (*payment.OrphanRefund, error) {
	return d.Desk.RefundOrphan(ctx, r, func(context.Context) error { return nil })
}

// Disputes does the same.
func (d deskPayments) Disputes(ctx context.Context) (*payment.Disputes, error) {
	return d.Desk.Disputes(ctx, func(context.Context) error { return nil })
}

const webhookSecret = "the webhooks' secret"

// payments lets the fixture take payments by the sandbox.
func (f *fixture) payments(change func(*payment.Config)) *sandbox.Books {
	f.t.Helper()
	books := sandbox.DefaultConfig()
	books.Secrets = [][]byte{[]byte(webhookSecret)}
	provider, err := sandbox.Open(books)
	must(f.t, err)
	config := payment.DefaultConfig()
	config.SettleInterval, config.RetryPauseMax = 5*time.Millisecond, 20*time.Millisecond
	if change != nil {
		change(&config)
	}
	desk := payment.NewDesk(config, deskNode{f.backend}, provider)
	f.t.Cleanup(func() { must(f.t, desk.Close()); must(f.t, provider.Close()) })
	f.served[0].Payments = deskPayments{desk}
	return provider
}

// withoutProvider lets orders be paid that cost nothing, and no others.
func (f *fixture) withoutProvider() {
	desk := payment.NewDesk(payment.DefaultConfig(), deskNode{f.backend}, nil)
	f.t.Cleanup(func() { must(f.t, desk.Close()) })
	f.served[0].Payments = deskPayments{desk}
}

func (f *fixture) payBy(user, uid, method string) *answer {
	f.t.Helper()
	return f.call("POST", f.public, paymentPath, user, fmt.Sprintf(`{"order":%q,"method":%q}`, uid, method))
}

func (f *fixture) orderOf(user, uid string) contract.Order {
	f.t.Helper()
	return into[contract.Order](f.call("GET", f.public, "/v1/orders/"+uid, user, "").want(200, ""))
}

// TestPayDeclineThenAccept is how most payments go, and the buyer who presses again.
func TestPayDeclineThenAccept(t *testing.T) {
	f := serve(t)
	f.sale("gig", nil)
	books := f.payments(nil)
	uid := f.bought("ann", "?q=2").Order

	declined := into[contract.Payment](f.payBy("ann", uid, "tok_insufficient_funds").want(200, ""))
	if declined.Status != contract.PaymentRejected || declined.Reason != "insufficient_funds" || declined.State != "reserved" ||
		declined.Attempt != 1 || declined.ExpiresAt == nil || declined.PaymentRef != "" {
		t.Errorf("declined: %+v", declined)
	}
	if order := f.orderOf("ann", uid); order.State != "reserved" || order.Attempts != 1 || order.PaymentReason != "insufficient_funds" {
		t.Errorf("order after it: %+v", order)
	}
	for range 3 {
		paid := into[contract.Payment](f.payBy("ann", uid, "tok_accept").want(200, ""))
		if paid.Status != contract.PaymentAccepted || paid.State != "paid" || paid.PaymentRef != refOf(uid, 2) || paid.ExpiresAt != nil {
			t.Errorf("paid: %+v", paid)
		}
	}
	if order := f.orderOf("ann", uid); order.State != "paid" || order.PaymentRef != refOf(uid, 2) || order.Status != "paid" {
		t.Errorf("order: %+v", order)
	}
	if entries := books.Entries(); len(entries) != 2 || entries[1].Amount != 10000 {
		t.Errorf("books: %+v", entries)
	}
}

// TestPayDeclinedOften: who was declined too often hears from when on to try again.
func TestPayDeclinedOften(t *testing.T) {
	f := serve(t)
	f.sale("gig", nil)
	f.payments(nil)
	uid := f.bought("ann", "?q=1").Order
	for range sequencer.DeclinesFree {
		f.payBy("ann", uid, "tok_decline").want(200, "")
	}
	refused := into[contract.Payment](f.payBy("ann", uid, "tok_accept").want(200, ""))
	if refused.Status != contract.PaymentRejected || refused.Reason != "attempt_too_soon" || refused.RetryAt == nil || refused.ExpiresAt == nil ||
		!refused.RetryAt.Before(*refused.ExpiresAt) {
		t.Fatalf("%+v", refused)
	}
	f.clock.Add(int64(sequencer.AttemptPause))
	if paid := into[contract.Payment](f.payBy("ann", uid, "tok_accept").want(200, "")); paid.Status != contract.PaymentAccepted {
		t.Errorf("%+v", paid)
	}
}

// slowMethod is a payment method whose outcome comes seconds later.
func slowMethod() string { return testenv.Pick("tok_delay_3000ms", "tok_delay_1000ms") }

// TestPayWithoutOutcome: a buyer is not kept waiting for a provider that says nothing,
// and the order shows what came of it.
func TestPayWithoutOutcome(t *testing.T) {
	config := testConfig()
	config.PayWait = 50 * time.Millisecond
	f := serveWith(t, config)
	f.sale("gig", nil)
	f.payments(nil)
	uid := f.bought("ann", "?q=1").Order
	a := f.payBy("ann", uid, slowMethod()).want(202, "")
	pending := into[contract.Payment](a)
	if pending.Status != contract.PaymentTimeout || pending.Reason != contract.ReasonProviderTimeout || pending.State != "paying" ||
		pending.Callback != "/v1/orders/"+uid || a.header.Get("Retry-After") == "" {
		t.Errorf("pending: %s", a.body)
	}
	second := into[contract.Payment](f.payBy("ann", uid, "tok_accept").want(202, "")) // the other tab
	if second.Attempt != 1 || second.State != "paying" {
		t.Errorf("second: %+v", second)
	}
	f.call("DELETE", f.public, "/v1/orders/"+uid, "ann", "").want(409, "not-cancellable")
	order := into[contract.Order](f.call("GET", f.public, "/v1/orders/"+uid+"?wait=60s", "ann", "").want(200, ""))
	if order.State != "paid" || order.Attempts != 1 {
		t.Errorf("order: %+v", order)
	}
}

// TestPayAuthenticate: a buyer whose bank wants it is sent there, hears the same when they ask
// again, and pays; or takes another card.
func TestPayAuthenticate(t *testing.T) {
	f := serve(t)
	f.sale("gig", nil)
	books := f.payments(nil)
	for _, completes := range []bool{true, false} {
		user := fmt.Sprint("ann-", completes)
		uid := f.bought(user, "?q=1").Order
		a := f.payBy(user, uid, "tok_3ds").want(202, "")
		asked := into[contract.Payment](a)
		if asked.Status != contract.PaymentTimeout || asked.Reason != contract.ReasonActionRequired || asked.State != "paying" ||
			asked.Callback != "/v1/orders/"+uid || a.header.Get("Retry-After") == "" || asked.NextAction == nil ||
			asked.NextAction.Type != "redirect_to_url" || asked.NextAction.RedirectURL == "" {
			t.Fatalf("%s", a.body)
		}
		if again := into[contract.Payment](f.payBy(user, uid, map[bool]string{true: "tok_3ds", false: ""}[completes]).want(202, "")); *again.NextAction != *asked.NextAction || again.Attempt != 1 {
			t.Errorf("%+v, then %+v", asked, again)
		}
		if completes {
			books.Authenticate(asked.NextAction.ClientSecret, true)
			f.call("GET", f.public, "/v1/orders/"+uid+"?wait=60s", user, "").want(200, "")
		}
		paid := into[contract.Payment](f.payBy(user, uid, "tok_accept").want(200, ""))
		if want := map[bool]uint8{true: 1, false: 2}[completes]; paid.Status != contract.PaymentAccepted || paid.Attempt != want || paid.NextAction != nil {
			t.Errorf("completed %v: %+v", completes, paid)
		}
	}
}

// TestPayTooLate: each state that cannot be paid says so in its own words.
func TestPayTooLate(t *testing.T) {
	f := serve(t)
	f.sale("gig", func(s *sequencer.SaleSpec) { s.Quantity, s.Waitlist = 4, 4 })
	f.payments(nil)
	expired := f.bought("ann", "?q=1").Order
	f.clock.Add(int64(time.Hour + time.Second))
	gone := into[contract.Payment](f.payBy("ann", expired, "tok_accept").want(200, ""))
	if gone.Status != contract.PaymentTimeout || gone.Reason != contract.ReasonSessionExpired || gone.State != "expired" {
		t.Errorf("expired: %+v", gone)
	}
	cancelled := f.bought("bob", "?q=2").Order
	f.call("DELETE", f.public, "/v1/orders/"+cancelled, "bob", "").want(200, "")
	refunded := f.bought("cid", "?q=2").Order
	f.payBy("cid", refunded, "tok_accept").want(200, "")
	f.call("POST", f.private, "/v1/orders/"+refunded+"/refund", "@seller", "").want(200, "")
	f.bought("dan", "?q=2")
	waiting := f.bought("eve", "?q=1").Order
	for user, uid := range map[string]string{"bob": cancelled, "cid": refunded, "eve": waiting} {
		answer := into[contract.Payment](f.payBy(user, uid, "tok_accept").want(200, ""))
		if answer.Status != contract.PaymentRejected || answer.Reason == "" || answer.State == "paid" || answer.PaymentRef != "" {
			t.Errorf("%s: %+v", user, answer)
		}
	}
}

// TestRefundShown: a refund's answer, and who asks later, says where the money is.
func TestRefundShown(t *testing.T) {
	config := testConfig()
	config.PayWait = 50 * time.Millisecond
	f := serveWith(t, config)
	f.sale("gig", nil)
	f.payments(nil)
	uid := f.bought("ann", "?q=2").Order
	f.payBy("ann", uid, "tok_refund_always_fails_1ms").want(200, "")
	if order := into[contract.Order](f.seller("POST", "/v1/orders/"+uid+"/refund", "").want(200, "")); order.MoneyBack == "" {
		t.Errorf("refunded: %+v", order)
	}
	slow := f.bought("bob", "?q=1").Order
	f.payBy("bob", slow, "tok_never").want(202, "")
	if order := into[contract.Order](f.seller("GET", "/v1/orders/"+slow+"/refund", "").want(200, "")); order.State != "paying" || order.UserID != "bob" {
		t.Errorf("who is paying: %+v", order)
	}
	f.seller("GET", "/v1/orders/"+sequencer.FormatUID(1, 1<<40)+"/refund", "").want(404, "unknown-order")
	f.seller("GET", "/v1/orders/x/refund", "").want(404, "unknown-order")
}

// TestPayCopied: what was sold by the cluster that this one is a copy of is not paid here,
// and shows no payment of that cluster's.
func TestPayCopied(t *testing.T) {
	f := serve(t)
	f.sale("gig", nil)
	books := f.payments(nil)
	before, paid := f.bought("ann", "?q=1").Order, f.bought("bob", "?q=1").Order
	f.payBy("bob", paid, "tok_accept").want(200, "")
	f.backend.born(sequencer.ClusterID{2}, sequencer.BirthCopy)
	f.payBy("ann", before, "tok_accept").want(409, "copied-order")
	if order := f.orderOf("bob", paid); order.State != "paid" || order.PaymentRef != "" {
		t.Errorf("%+v", order)
	}
	own := f.bought("cid", "?q=1").Order
	if answer := into[contract.Payment](f.payBy("cid", own, "tok_accept").want(200, "")); answer.PaymentRef != sequencer.PaymentRef(sequencer.ClusterID{2}, own, 1) {
		t.Errorf("%+v", answer)
	}
	if entries := books.Entries(); len(entries) != 2 || entries[1].Order != own {
		t.Errorf("charged: %+v", entries)
	}
}

// TestPayRefusals are requests that are no attempt to pay anything.
func TestPayRefusals(t *testing.T) {
	f := serve(t)
	f.sale("gig", nil)
	uid := f.bought("ann", "?q=1").Order
	good := `{"order":"` + uid + `","method":"tok_accept"}`
	f.payBy("ann", uid, "tok_accept").want(501, "payments-off")
	books := f.payments(nil)
	f.payBy("bob", uid, "tok_accept").want(404, "unknown-order")
	f.payBy("ann", "000G0000000ZZZZZ", "tok_accept").want(404, "unknown-order")
	f.payBy("ann", "nonsense", "tok_accept").want(404, "unknown-order")
	f.payBy("", uid, "tok_accept").want(401, "unauthorized")
	f.payBy("ann", uid, "").want(400, "bad-request")
	f.payBy("ann", uid, "4242 4242 4242 4242").want(400, "bad-request")
	f.payBy("ann", uid, strings.Repeat("x", contract.MethodBytesMax+1)).want(400, "bad-request")
	for body, code := range map[string]string{
		`{`: "bad-request", `[]`: "bad-request", good + good: "bad-request", `{"order":1,"method":"a"}`: "bad-request",
		`{"order":"` + uid + `","method":"tok_accept","amount":1}`: "bad-request",
	} {
		f.call("POST", f.public, paymentPath, "ann", body).want(400, code)
	}
	f.call("POST", f.public, paymentPath, "ann", good, "Content-Type: text/plain").want(415, "unsupported-media-type")
	f.call("POST", f.public, paymentPath+"?amount=1", "ann", good).want(400, "bad-request")
	f.call("PUT", f.public, paymentPath, "ann", "").want(405, "method-not-allowed")
	if entries := books.Entries(); len(entries) > 0 {
		t.Errorf("charged: %+v", entries)
	}
}

// TestPayFree: an order that costs nothing is confirmed without a method, and where the
// cluster takes no payments.
func TestPayFree(t *testing.T) {
	f := serve(t)
	f.sale("gig", nil)
	f.sale("open-day", func(s *sequencer.SaleSpec) { s.Price = 0 })
	f.withoutProvider()
	for user, method := range map[string]string{"ann": "", "bob": `,"method":""`, "cid": `,"method":"tok_decline"`} {
		uid := f.bought(user, "?q=2&sale=open-day").Order
		for range 2 {
			a := f.call("POST", f.public, paymentPath, user, `{"order":"`+uid+`"`+method+`}`).want(200, "")
			if paid := into[contract.Payment](a); paid.Status != contract.PaymentAccepted || paid.State != "paid" || paid.Attempt != 1 {
				t.Errorf("%s: %+v", user, paid)
			}
		}
		f.seller("POST", "/v1/orders/"+uid+"/refund", "").want(200, "")
		if order := f.orderOf(user, uid); order.State != "refunded" || order.MoneyBack != "" {
			t.Errorf("%s, refunded: %+v", user, order)
		}
	}
	uid := f.bought("ann", "?q=1&sale=gig").Order
	f.payBy("ann", uid, "tok_accept").want(501, "payments-off")
	f.payments(nil)
	f.call("POST", f.public, paymentPath, "ann", `{"order":"`+uid+`"}`).want(400, "bad-request")
	f.call("POST", f.public, paymentPath, "ann", `{"method":"tok_accept"}`).want(400, "bad-request")
	if order := f.orderOf("ann", uid); order.State != "reserved" || order.Attempts != 0 {
		t.Errorf("%+v", order)
	}
}

// TestPayBounds: more payments than may be under way are refused at once, and who
// cannot reach a leader is told so; neither is an attempt.
func TestPayBounds(t *testing.T) {
	f := serve(t)
	f.sale("gig", nil)
	f.payments(func(c *payment.Config) { c.PaymentsMax = 1 })
	first, second := f.bought("ann", "?q=1").Order, f.bought("bob", "?q=1").Order
	told := make(chan *answer)
	go func() { told <- f.payBy("ann", first, slowMethod()) }()
	testenv.Eventually(t, time.Minute, "a payment under way", func() bool { return f.orderOf("ann", first).State == "paying" })
	if a := f.payBy("bob", second, "tok_accept").want(503, "overloaded"); a.header.Get("Retry-After") == "" {
		t.Error("overloaded without Retry-After")
	}
	(<-told).want(200, "")
	f.backend.set(func(b *testBackend) { b.fail = sequencer.ErrNoLeader })
	f.payBy("bob", second, "tok_accept").want(503, "no-leader")
	f.backend.set(func(b *testBackend) { b.fail = nil })
	if order := f.orderOf("bob", second); order.State != "reserved" || order.Attempts != 0 {
		t.Errorf("order: %+v", order)
	}
}

// TestWebhook: only what the provider signed is taken, and it settles what no answer did.
func TestWebhook(t *testing.T) {
	config := testConfig()
	config.PayWait = 20 * time.Millisecond
	f := serveWith(t, config)
	f.sale("gig", nil)
	body := `{"payment":"x"}`
	sign := func(secret, body string, at time.Time) string {
		return "Onsale-Signature: " + payment.Sign([]byte(secret), []byte(body), at)
	}
	now := time.Now()
	f.call("POST", f.public, webhookPath+"sandbox", "", body, sign(webhookSecret, body, now)).want(501, "payments-off")
	f.payments(nil)
	f.call("POST", f.public, webhookPath+"sandbox", "", body, sign(webhookSecret, body, now)).want(204, "")
	for name, header := range map[string]string{
		"another secret": sign("another", body, now), "another body": sign(webhookSecret, body+" ", now),
		"old": sign(webhookSecret, body, now.Add(-time.Hour)), "none": "X-Other: 1", "nonsense": "Onsale-Signature: t=,v1=",
	} {
		if a := f.call("POST", f.public, webhookPath+"sandbox", "", body, header); a.status != 400 || a.problem.Code != "bad-notice" {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	f.call("POST", f.public, webhookPath+"other", "", body, sign(webhookSecret, body, now)).want(400, "bad-notice")
	large := `{"payment":"` + strings.Repeat("x", config.BodyBytesMax*2) + `"}`
	f.call("POST", f.public, webhookPath+"sandbox", "", large, sign(webhookSecret, large, now)).want(204, "")
}

// TestPayInLine: who is in the line before the provider is told place and time at once, and the
// order shows both.
func TestPayInLine(t *testing.T) {
	f := serve(t)
	f.sale("gig", nil)
	f.payments(func(c *payment.Config) { c.Rate, c.LineMax = 0.01, time.Hour }) // the test sees the first call alone
	for i := range 5 {
		user := fmt.Sprint("u", i)
		uid := f.bought(user, "?q=1").Order
		if i == 0 {
			f.payBy(user, uid, "tok_accept").want(200, "")
			continue
		}
		a := f.payBy(user, uid, "tok_accept").want(202, "")
		pending := into[contract.Payment](a)
		if pending.State != "paying" || pending.Reason != contract.ReasonProviderTimeout || pending.Place != uint64(i) ||
			pending.WaitSeconds > 100*uint64(i) {
			t.Errorf("%s", a.body)
		}
		if after := a.header.Get("Retry-After"); i > 1 && after != "60" {
			t.Errorf("%d comes again after %s s", i, after)
		}
		if order := f.orderOf(user, uid); order.State != "paying" || order.Place != uint64(i) || order.WaitSeconds > pending.WaitSeconds {
			t.Errorf("%+v", order)
		}
	}
}
