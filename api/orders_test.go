package api

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"onsale/api/contract"
	"onsale/sequencer"
)

func (f *fixture) bought(user, query string) contract.Decision {
	f.t.Helper()
	return into[contract.Decision](f.buy(user, query).want(202, ""))
}

func TestOrderFields(t *testing.T) {
	f := serve(t)
	f.sale("gig", nil)
	d := f.bought("ann", "?q=2")
	a := f.call("GET", f.public, d.Callback, "ann", "").want(200, "")
	o := into[contract.Order](a)
	if o.UID != d.Order || o.UserID != "ann" || o.PaymentRef != "" || o.Status != "pending" || o.Quantity != 2 || o.Sale != "gig" ||
		o.State != "reserved" || o.Seq != d.Seq || o.AsOfSeq != d.Seq || !o.ExpiresAt.Equal(*d.ExpiresAt) || time.Since(o.CreationTS) > time.Minute {
		t.Errorf("order %s", a.body)
	}
	for _, field := range []string{"uid", "user_id", "payment_ref", "status", "creation_ts", "quantity", "state", "seq", "expires_at"} {
		if !strings.Contains(string(a.body), `"`+field+`":`) {
			t.Errorf("%s is missing in %s", field, a.body)
		}
	}
	f.pay(d.Seq, 2)
	o = into[contract.Order](f.call("GET", f.public, d.Callback, "ann", "").want(200, ""))
	if o.Status != "paid" || o.State != "paid" || o.PaymentRef != refOf(d.Order, 1) || o.ExpiresAt != nil {
		t.Errorf("paid order %+v", o)
	}
}

// pay takes an order of the fixture's default price to paid.
func (f *fixture) pay(seq uint64, quantity int64) {
	f.t.Helper()
	view, _, _, _ := f.backend.Order(context.Background(), seq, 0)
	begin := f.backend.do(sequencer.Command{Kind: sequencer.KindPayBegin, Order: seq, User: []byte(view.User), Amount: 5000 * quantity, Reference: []byte("a")})
	end := f.backend.do(sequencer.Command{Kind: sequencer.KindPayResult, Order: seq, Attempt: 1, Outcome: sequencer.PayAccepted})
	if begin.Code != sequencer.CodeOK || end.Code != sequencer.CodeOK {
		f.t.Fatalf("payment: %v %v", begin.Code, end.Code)
	}
}

func TestOrderIsItsBuyers(t *testing.T) {
	f := serve(t)
	f.sale("gig", nil)
	f.sale("other", nil)
	d := f.bought("ann", "?q=1&sale=gig")
	a := f.call("GET", f.public, d.Callback, "bob", "").want(404, "unknown-order")
	if a.problem.AsOfSeq == nil || *a.problem.AsOfSeq != d.Seq {
		t.Errorf("as_of_seq of %s", a.body)
	}
	before := f.backend.decided
	f.call("DELETE", f.public, d.Callback, "bob", "").want(404, "unknown-order")
	otherSale := "/v1/orders/" + sequencer.FormatUID(2, d.Seq)
	f.call("GET", f.public, otherSale, "ann", "").want(404, "unknown-order")
	f.call("DELETE", f.public, otherSale, "ann", "").want(404, "unknown-order")
	for _, uid := range []string{"x", strings.ToLower(d.Order), d.Order + "0", "0000000000000000"} {
		f.call("GET", f.public, "/v1/orders/"+uid, "ann", "").want(404, "unknown-order")
	}
	if f.backend.decided != before {
		t.Error("a cancel of what is not the caller's was sequenced")
	}
}

func TestOrderTag(t *testing.T) {
	f := serve(t)
	f.sale("gig", nil)
	d := f.bought("ann", "?q=1")
	first := f.call("GET", f.public, d.Callback, "ann", "").want(200, "")
	tag := first.header.Get("ETag")
	if tag == "" || first.header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", first.header)
	}
	f.bought("bob", "?q=1") // as_of_seq moves, the order does not
	for _, condition := range []string{tag, `"x", ` + tag, "*", strings.TrimPrefix(tag, "W/")} {
		same := f.call("GET", f.public, d.Callback, "ann", "", "If-None-Match: "+condition).want(304, "")
		if len(same.body) != 0 || same.header.Get("ETag") != tag {
			t.Errorf("304 with %q %v", same.body, same.header)
		}
	}
	f.call("DELETE", f.public, d.Callback, "ann", "").want(200, "")
	f.call("GET", f.public, d.Callback, "ann", "", "If-None-Match: "+tag).want(200, "")
}

func TestCancel(t *testing.T) {
	f := serve(t)
	f.sale("gig", nil)
	d := f.bought("ann", "?q=2")
	for range 2 {
		a := f.call("DELETE", f.public, d.Callback, "ann", "").want(200, "")
		if o := into[contract.Order](a); o.State != "cancelled" || o.Status != "cancelled" || o.UID != d.Order || o.ExpiresAt != nil {
			t.Errorf("cancelled order %s", a.body)
		}
	}
	paid := f.bought("ann", "?q=1")
	f.pay(paid.Seq, 1)
	a := f.call("DELETE", f.public, paid.Callback, "ann", "").want(409, "not-cancellable")
	if a.problem.State != "paid" || a.problem.Seq == 0 {
		t.Errorf("problem %s", a.body)
	}
	f.backend.set(func(b *testBackend) { b.fail = &sequencer.NotLeaderError{LeaderID: "n3", LeaderAddress: "h:1"} })
	f.call("DELETE", f.public, d.Callback, "ann", "").want(503, "no-leader")
}

func TestOrderPages(t *testing.T) {
	f := serve(t)
	f.sale("gig", func(s *sequencer.SaleSpec) { s.Cap = 100 })
	empty := f.call("GET", f.public, "/v1/orders", "ann", "").want(200, "")
	if !strings.HasPrefix(string(empty.body), `{"orders":[],"has_more":false`) {
		t.Errorf("no orders: %s", empty.body)
	}
	var want []string
	for range 5 {
		want = append(want, f.bought("ann", "?q=1").Order)
		f.bought("bob", "?q=1")
	}
	var got []string
	for cursor := ""; ; {
		page := into[contract.OrderPage](f.call("GET", f.public, "/v1/orders?limit=2"+cursor, "ann", "").want(200, ""))
		for _, order := range page.Orders {
			got = append(got, order.UID)
		}
		if !page.HasMore {
			break
		}
		cursor = "&cursor=" + page.Cursor
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("pages %v, want %v", got, want)
	}
	for _, query := range []string{"?limit=0", "?limit=101", "?limit=x", "?cursor=", "?cursor=abc", "?q=1"} {
		f.call("GET", f.public, "/v1/orders"+query, "ann", "").want(400, "bad-request")
	}
}

// TestOrderAhead: a replica that is asked for an order that it has not reached
// yet waits for it, and says 404 when it does not come.
func TestOrderAhead(t *testing.T) {
	f := serve(t)
	f.sale("gig", nil)
	d := f.bought("ann", "?q=1")
	f.backend.set(func(b *testBackend) {
		b.lag = 1
		b.onWait = func(uint64) { b.set(func(b *testBackend) { b.lag = 0 }) }
	})
	f.call("GET", f.public, d.Callback, "ann", "").want(200, "")
	f.backend.set(func(b *testBackend) { b.lag, b.onWait = 1, nil })
	started := time.Now()
	f.call("GET", f.public, d.Callback, "ann", "").want(503, "behind")
	if took := time.Since(started); took < 90*time.Millisecond {
		t.Errorf("503 after %v", took)
	}
	f.call("GET", f.public, fmt.Sprintf("%s?after_seq=%d", d.Callback, d.Seq), "ann", "").want(503, "behind")
	f.backend.set(func(b *testBackend) { b.lag = 0 })
	f.call("GET", f.public, fmt.Sprintf("%s?after_seq=%d", d.Callback, d.Seq), "ann", "").want(200, "")
	// A made-up uid that no leader has reached is not there.
	beyond := string(contract.AppendUID(nil, 0, 1, d.Seq+1000))
	if a := f.call("GET", f.public, "/v1/orders/"+beyond, "ann", "").want(404, "unknown-order"); *a.problem.AsOfSeq != d.Seq {
		t.Errorf("problem %s", a.body)
	}
}

func TestTickets(t *testing.T) {
	f := serve(t)
	f.sale("gig", func(s *sequencer.SaleSpec) { s.Waitlist = 5 })
	f.sale("soon", func(s *sequencer.SaleSpec) { s.StartsAt = time.Now().Add(time.Hour).UnixNano() })
	f.bought("ann", "?q=2&sale=gig")
	a := f.call("GET", f.public, "/v1/tickets", "", "").want(200, "") // no token is needed
	page := into[contract.SalePage](a)
	if len(page.Tickets) != 2 || page.HasMore || *page.AsOfSeq != 4 || a.header.Get("Cache-Control") != "public, max-age=1" {
		t.Fatalf("page %s %v", a.body, a.header)
	}
	gig, soon := page.Tickets[0], page.Tickets[1]
	if gig.UID != "gig" || gig.Item != "Concert" || gig.TotalQuantity != 10 || gig.AvailableQuantity != 8 || gig.Price != 5000 ||
		gig.Currency != "EUR" || gig.Status != "open" || gig.AsOfSeq != 4 || gig.AsOfTime.IsZero() || soon.Status != "scheduled" {
		t.Errorf("tickets %s", a.body)
	}
	one := f.call("GET", f.public, "/v1/tickets/gig", "", "").want(200, "")
	if into[contract.Sale](one) != gig {
		t.Errorf("one sale %s, want %+v", one.body, gig)
	}
	for _, view := range []*answer{a, one} {
		path := "/v1/tickets"
		if view == one {
			path += "/gig"
		}
		f.call("GET", f.public, path, "", "", "If-None-Match: "+view.header.Get("ETag")).want(304, "")
	}
	f.bought("bob", "?q=1&sale=gig")
	f.call("GET", f.public, "/v1/tickets/gig", "", "", "If-None-Match: "+one.header.Get("ETag")).want(200, "")
	f.call("GET", f.public, "/v1/tickets/none", "", "").want(404, "unknown-sale")
	f.clock.Store(int64(2 * time.Hour)) // the start passes without a decision
	if s := into[contract.Sale](f.call("GET", f.public, "/v1/tickets/soon", "", "")); s.Status != "open" {
		t.Errorf("status %s after its start", s.Status)
	}
	first := into[contract.SalePage](f.call("GET", f.public, "/v1/tickets?limit=1", "", ""))
	next := into[contract.SalePage](f.call("GET", f.public, "/v1/tickets?limit=1&cursor="+first.Cursor, "", ""))
	if !first.HasMore || first.Cursor != "gig" || next.HasMore || next.Tickets[0].UID != "soon" {
		t.Errorf("pages %+v %+v", first, next)
	}
	f.call("GET", f.public, "/v1/tickets?cursor=none", "", "").want(400, "bad-request")
}

func TestMethodsAndHead(t *testing.T) {
	f := serve(t)
	f.sale("gig", nil)
	for path, allow := range map[string]string{
		"/v1/tickets": "GET, HEAD, POST", "/v1/tickets/gig": "GET, HEAD", "/v1/orders": "GET, HEAD", "/v1/orders/X": "GET, DELETE, HEAD",
	} {
		a := f.call("PUT", f.public, path, "ann", "").want(405, "method-not-allowed")
		for method := range strings.SplitSeq(allow, ", ") {
			if !strings.Contains(a.header.Get("Allow"), method) {
				t.Errorf("%s: Allow %q, want %q", path, a.header.Get("Allow"), allow)
			}
		}
	}
	head := f.call("HEAD", f.public, "/v1/tickets", "", "").want(200, "")
	if len(head.body) != 0 || head.header.Get("ETag") == "" {
		t.Errorf("HEAD %v %q", head.header, head.body)
	}
}

func TestRequestIDAndTiming(t *testing.T) {
	f := serve(t)
	f.sale("gig", nil)
	a := f.buy("ann", "?q=1", "X-Request-Id: my-id.1", "X-Server-Timing: 1").want(202, "")
	if a.header.Get("X-Request-Id") != "my-id.1" {
		t.Errorf("X-Request-Id %q", a.header.Get("X-Request-Id"))
	}
	if timing := a.header.Get("Server-Timing"); !strings.HasPrefix(timing, "front-end;dur=") || !strings.Contains(timing, ", decide;dur=") {
		t.Errorf("Server-Timing %q", timing)
	}
	seen := map[string]bool{}
	for _, id := range []string{"", "two words", strings.Repeat("x", 65), "a\"b"} {
		a := f.buy("ann", "?q=1", "X-Request-Id: "+id)
		made := a.header.Get("X-Request-Id")
		if len(made) != 26 || seen[made] || a.header.Get("Server-Timing") != "" {
			t.Errorf("X-Request-Id %q for %q", made, id)
		}
		seen[made] = true
	}
	failed := f.buy("ann", "", "X-Request-Id: my-id.2").want(400, "bad-request")
	if failed.problem.Instance != "/v1/tickets#my-id.2" || failed.problem.Type != "urn:onsale:problem:bad-request" {
		t.Errorf("problem %s", failed.body)
	}
	if !json.Valid(failed.body) {
		t.Error("not JSON")
	}
}
