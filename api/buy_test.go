package api

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"onsale/api/contract"
	"onsale/proof/testenv"
	"onsale/sequencer"
)

func TestBuyReserves(t *testing.T) {
	f := serve(t)
	f.sale("gig", nil)
	a := f.buy("ann", "?q=2").want(202, "")
	d := into[contract.Decision](a)
	if d.Status != "pending" || d.State != "reserved" || d.Quantity != 2 || d.Seq != 3 || d.ExpiresAt == nil || d.Position != 0 {
		t.Errorf("decision %s", a.body)
	}
	if left := time.Until(*d.ExpiresAt); left < 59*time.Minute || left > time.Hour {
		t.Errorf("expires in %v, want an hour", left)
	}
	if d.Callback != "/v1/orders/"+d.Order || !strings.HasPrefix(string(a.body), `{"status":"pending","callback":"/v1/orders/`) {
		t.Errorf("callback of %s", a.body)
	}
	if got := a.header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type %q", got)
	}
	if a.header.Get("Server") != "" || a.header.Get("Date") == "" {
		t.Errorf("Server and Date: %v", a.header)
	}
	order := into[contract.Order](f.call("GET", f.public, d.Callback, "ann", "").want(200, ""))
	if order.UID != d.Order || order.State != "reserved" || order.Seq != d.Seq {
		t.Errorf("order %+v", order)
	}
}

// TestBuyRefusals has every word of a refusal; all of them are decisions.
func TestBuyRefusals(t *testing.T) {
	starts := time.Now().Add(time.Hour).UTC().Truncate(time.Millisecond)
	f := serve(t)
	f.sale("small", func(s *sequencer.SaleSpec) { s.Quantity = 1 })
	f.sale("later", func(s *sequencer.SaleSpec) { s.StartsAt = starts.UnixNano() })
	f.sale("paused", nil)
	f.sale("closed", nil)
	f.sale("open", nil)
	f.backend.do(sequencer.Command{Kind: sequencer.KindSalePause, Sale: 3})
	f.backend.do(sequencer.Command{Kind: sequencer.KindSaleClose, Sale: 4})
	f.buy("ann", "?q=1&sale=small").want(202, "")
	f.sale("last", func(s *sequencer.SaleSpec) { s.Quantity = 1 })
	cases := map[string]string{
		"?q=1&sale=small":  "sold_out",
		"?q=2&sale=last":   "not_enough",
		"?q=1&sale=later":  "not_started",
		"?q=1&sale=paused": "paused",
		"?q=1&sale=closed": "closed",
		"?q=3&sale=open":   "cap_exceeded",
	}
	for query, reason := range cases {
		a := f.buy("bob", query).want(200, "")
		d := into[contract.Decision](a)
		if d.Status != "fail" || d.Reason != reason || d.Seq+d.AsOfSeq == 0 || d.Callback != "" {
			t.Errorf("%s: %s, want %s", query, a.body, reason)
		}
		if started := d.StartsAt != nil && d.StartsAt.Equal(starts); started != (reason == "not_started") {
			t.Errorf("%s: starts_at in %s", query, a.body)
		}
		if left := d.AvailableQuantity == 1 && strings.Contains(d.Detail, "min=1"); left != (reason == "not_enough") {
			t.Errorf("%s: what is left in %s", query, a.body)
		}
	}
	if d := into[contract.Decision](f.buy("bob", "?q=2&min=1&sale=last").want(202, "")); d.Quantity != 1 {
		t.Errorf("who takes what is left has %+v", d)
	}
}

func TestBuyWaits(t *testing.T) {
	f := serve(t)
	f.sale("gig", func(s *sequencer.SaleSpec) { s.Quantity, s.Waitlist = 1, 5 })
	f.buy("ann", "?q=1").want(202, "")
	f.buy("bob", "?q=2").want(202, "")
	a := f.buy("cid", "?q=2&min=1").want(202, "")
	d := into[contract.Decision](a)
	if d.Status != "pending" || d.State != "waitlisted" || d.Position != 2 || d.ExpiresAt != nil || d.Quantity != 2 {
		t.Errorf("decision %s", a.body)
	}
}

func TestBuyReplay(t *testing.T) {
	f := serve(t)
	f.sale("gig", nil)
	first := f.buy("ann", "?q=1", "Idempotency-Key: k 1").want(202, "")
	if first.header.Get("Idempotent-Replayed") != "" {
		t.Error("the first answer says that it is replayed")
	}
	again := f.buy("ann", "?q=1", "Idempotency-Key: k 1").want(202, "")
	if again.header.Get("Idempotent-Replayed") != "true" || string(again.body) != string(first.body) {
		t.Errorf("replay %v %s, want %s", again.header, again.body, first.body)
	}
	f.buy("ann", "?q=2", "Idempotency-Key: k 1").want(422, "key-reused")
	f.buy("bob", "?q=1", "Idempotency-Key: k 1").want(202, "") // a key is a user's own
	uid := into[contract.Decision](first).Order
	f.call("DELETE", f.public, "/v1/orders/"+uid, "ann", "").want(200, "")
	gone := f.buy("ann", "?q=1", "Idempotency-Key: k 1").want(200, "")
	if d := into[contract.Decision](gone); d.Status != "cancelled" || d.Order != uid {
		t.Errorf("replay of a cancelled order: %s", gone.body)
	}
}

// A refusal binds nothing: the same key is decided again, in a place of its own, also with
// another body, and buys when it can.
func TestBuyAgainAfterARefusal(t *testing.T) {
	f := serve(t)
	f.sale("gig", nil)
	refused := into[contract.Decision](f.buy("ann", "?q=3", "Idempotency-Key: k").want(200, ""))
	again := f.buy("ann", "?q=3", "Idempotency-Key: k").want(200, "")
	d := into[contract.Decision](again)
	if d.Reason != "cap_exceeded" || d.Seq <= refused.Seq || again.header.Get("Idempotent-Replayed") != "" {
		t.Errorf("told %s (replayed %q) after seq %d", again.body, again.header.Get("Idempotent-Replayed"), refused.Seq)
	}

	bought := into[contract.Decision](f.buy("ann", "?q=2", "Idempotency-Key: k").want(202, ""))
	f.buy("ann", "?q=3", "Idempotency-Key: k").want(422, "key-reused")
	if d := into[contract.Decision](f.buy("ann", "?q=2", "Idempotency-Key: k").want(202, "")); d.Order != bought.Order || d.Seq != bought.Seq {
		t.Errorf("the key has order %s, and is told %s", bought.Order, d.Order)
	}
}

// A reference is what the buyer's side calls the purchase: the order shows it, and a repeat
// under one key must have the same.
func TestBuyReference(t *testing.T) {
	f := serve(t)
	f.sale("gig", nil)
	bought := into[contract.Decision](f.buy("ann", "?q=1&reference=CART%207%2b", "Idempotency-Key: k").want(202, ""))
	if o := into[contract.Order](f.call("GET", f.public, "/v1/orders/"+bought.Order, "ann", "").want(200, "")); o.Reference != "CART 7+" {
		t.Errorf("the order's reference is %q", o.Reference)
	}
	f.buy("ann", "?q=1&reference=CART%207%2B", "Idempotency-Key: k").want(202, "")
	f.buy("ann", "?q=1&reference=CART%208", "Idempotency-Key: k").want(422, "key-reused")
	f.buy("ann", "?q=1", "Idempotency-Key: k").want(422, "key-reused")

	for _, bad := range []string{"", "a+b", "%", "%4", "%zz", "%0A", "%7f", "%C3%BC", strings.Repeat("r", 41), strings.Repeat("%41", 41), "a&reference=b"} {
		f.buy("ann", "?q=1&reference="+bad).want(400, "bad-request")
	}
	f.buy("bob", "?q=1&reference="+strings.Repeat("r", 40)).want(202, "")
}

// Who used a key before the start buys with it when the sale has opened: the answer to a
// buy that came too early says to send it again.
func TestBuyWithTheKeyOfBeforeTheStart(t *testing.T) {
	f := serve(t)
	f.sale("gig", func(s *sequencer.SaleSpec) { s.StartsAt = time.Now().Add(300 * time.Millisecond).UnixNano() })
	if d := into[contract.Decision](f.buy("ann", "?q=1", "Idempotency-Key: k").want(200, "")); d.Reason != "not_started" {
		t.Fatalf("told %+v before the start", d)
	}
	testenv.Eventually(t, time.Minute, "a ticket", func() bool {
		answer := f.buy("ann", "?q=1", "Idempotency-Key: k")
		if answer.status == 202 {
			return true
		}
		if d := into[contract.Decision](answer); d.Reason != "not_started" {
			t.Fatalf("told %s", answer.body)
		}
		return false
	})
}

func TestBuyChoosesTheSale(t *testing.T) {
	f := serve(t)
	f.buy("ann", "?q=1").want(400, "sale-required")
	f.sale("one", nil)
	f.buy("ann", "?q=1").want(202, "")
	f.sale("two", nil)
	a := f.buy("bob", "?q=1").want(400, "sale-required")
	if len(a.problem.Sales) != 2 || a.problem.Sales[0] != "one" || a.problem.Sales[1] != "two" {
		t.Errorf("sales of %s", a.body)
	}
	f.buy("bob", "?q=1&sale=two").want(202, "")
	f.buy("bob", "?q=1&sale=three").want(404, "unknown-sale")
	f.backend.do(sequencer.Command{Kind: sequencer.KindSaleClose, Sale: 1})
	f.buy("cid", "?q=1").want(202, "")
	if f.backend.last.Sale != 2 {
		t.Errorf("bought of sale %d, want 2", f.backend.last.Sale)
	}
	f.buy("cid", "?q=1").want(202, "") // remembered
	f.backend.do(sequencer.Command{Kind: sequencer.KindSaleCancel, Sale: 2})
	f.buy("dan", "?q=1").want(400, "sale-required")
}

func TestBuyParameters(t *testing.T) {
	f := serve(t)
	f.sale("gig", nil)
	before := f.backend.decided
	for query, parameter := range map[string]string{
		"": "q", "?": "q", "?q=": "q", "?q=0": "q", "?q=256": "q", "?q=-1": "q", "?q=+1": "q", "?q=1.0": "q", "?q=01": "q",
		"?q=1e0": "q", "?q=%31": "q", "?q=1&q=2": "q", "?q=9999999999999999999": "q", "?q": "q", "?Q=1": "Q",
		"?q=1&min=2": "min", "?q=1&min=0": "min", "?q=1&min=1&min=1": "min", "?q=1&mn=1": "mn", "?q=1&sale=": "sale",
		"?q=1&sale=a%2fb": "sale", "?q=1&sale=" + strings.Repeat("a", 65): "sale", "?q=1&limit=2": "limit",
		"?q=1&": "", "?&q=1": "", "?q=1&&min=1": "", "?q=1&pretty=maybe": "pretty", "?q=1;sale=gig": "q",
	} {
		if a := f.buy("ann", query).want(400, "bad-request"); a.problem.Parameter != parameter {
			t.Errorf("%q names %q, want %q: %s", query, a.problem.Parameter, parameter, a.body)
		}
	}
	if f.backend.decided != before {
		t.Errorf("%d malformed buys were sequenced", f.backend.decided-before)
	}
	f.buy("ann", "?q=1", "Idempotency-Key: "+strings.Repeat("k", 65)).want(400, "bad-request")
	if a := f.buy("ann", "?q=1&pretty").want(202, ""); !strings.Contains(string(a.body), "\n  \"status\": \"pending\"") {
		t.Errorf("pretty: %s", a.body)
	}
}

// TestBuyWithoutDecision has every way of getting none.
func TestBuyWithoutDecision(t *testing.T) {
	f := serve(t)
	f.sale("gig", nil)
	for _, c := range []struct {
		err    error
		status int
		code   string
		retry  bool
	}{
		{sequencer.ErrOverloaded, 503, "overloaded", true},
		{&sequencer.NotLeaderError{}, 503, "no-leader", true},
		{&sequencer.NotLeaderError{LeaderID: "n2", LeaderAddress: "10.0.0.2:8080"}, 503, "no-leader", true},
		{sequencer.ErrStopping, 503, "stopping", true},
		{sequencer.ErrOutcomeUnknown, 504, "outcome-unknown", true},
		{errorText("disk on fire"), 500, "internal", false},
	} {
		f.backend.set(func(b *testBackend) { b.fail = c.err })
		a := f.buy("ann", "?q=1").want(c.status, c.code)
		seconds, _ := strconv.Atoi(a.header.Get("Retry-After"))
		if (seconds > 0) != c.retry || seconds > 10 {
			t.Errorf("%v: Retry-After %q", c.err, a.header.Get("Retry-After"))
		}
		if strings.Contains(string(a.body), "fire") {
			t.Errorf("an internal error's text got out: %s", a.body)
		}
	}
	f.backend.set(func(b *testBackend) { b.fail, b.panics = nil, true })
	f.buy("ann", "?q=1").want(500, "internal")
	f.backend.set(func(b *testBackend) { b.panics = false })
	f.buy("ann", "?q=1").want(202, "")
}

type errorText string

func (e errorText) Error() string { return string(e) }

// TestBuySequencedProblems has the decisions that are protocol errors.
func TestBuySequencedProblems(t *testing.T) {
	f := serve(t)
	f.sale("gig", nil)
	for code, want := range map[sequencer.Code]string{
		sequencer.CodeBadRequest: "400 bad-request", sequencer.CodeUnknownSale: "404 unknown-sale", sequencer.CodeKeyReused: "422 key-reused",
	} {
		f.backend.set(func(b *testBackend) {
			b.respond = func() sequencer.Result { return sequencer.Result{Seq: 77, Kind: sequencer.KindBuy, Code: code} }
		})
		a := f.buy("ann", "?q=1")
		if got := strconv.Itoa(a.status) + " " + a.problem.Code; got != want || a.problem.Seq != 77 {
			t.Errorf("%v: %s %s, want %s", code, got, a.body, want)
		}
	}
}

// TestUnknownSaleIsTheLeadersToRefuse: a replica that lags must not refuse a sale
// that the leader may know.
func TestUnknownSaleIsTheLeadersToRefuse(t *testing.T) {
	f := serve(t)
	f.backend.set(func(b *testBackend) {
		b.fail = &sequencer.NotLeaderError{LeaderID: "n2", LeaderAddress: "127.0.0.1:9"}
	})
	for _, query := range [...]string{"?q=1", "?q=1&sale=new"} {
		f.buy("ann", query).want(503, "no-leader")
	}
	f.backend.set(func(b *testBackend) { b.fail = nil })
	f.buy("ann", "?q=1&sale=new").want(404, "unknown-sale")
}
