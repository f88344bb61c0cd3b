package api

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"onsale/api/contract"
	"onsale/sequencer"
)

// seller calls the private listener as a seller.
func (f *fixture) seller(method, path, body string) *answer {
	f.t.Helper()
	return f.call(method, f.private, path, "@seller", body)
}

const newSale = `{"id":"gig","item":"Concert","quantity":100,"price":5000,"currency":"EUR"}`

// Every seller's command carries whose token gave it.
func TestCommandsCarryTheirActor(t *testing.T) {
	f := serve(t)
	for _, step := range [][3]string{{"POST", "/v1/sales", newSale}, {"POST", "/v1/sales/gig/pause", ""}, {"PATCH", "/v1/sales/gig", `{"waitlist":3}`}} {
		f.backend.last = sequencer.Command{}
		f.seller(step[0], step[1], step[2])
		if got := string(f.backend.last.Actor); f.backend.last.Kind == 0 || got != "@seller" {
			t.Errorf("%s %s: the command %s was given by %q", step[0], step[1], f.backend.last.Kind, got)
		}
	}
}

func TestCreateSale(t *testing.T) {
	f := serve(t)
	a := f.seller("POST", "/v1/sales", newSale).want(201, "")
	sale := into[contract.SaleDetail](a)
	if sale.ID != "gig" || sale.Status != "open" || sale.Quantity != 100 || sale.Available != 100 || sale.Cap != 2 ||
		sale.Hold != contract.Duration(time.Hour) || sale.Grace != contract.Duration(10*time.Minute) || time.Since(sale.StartsAt) > time.Minute {
		t.Errorf("sale %s", a.body)
	}
	if a.header.Get("Location") != "/v1/sales/gig" || !strings.Contains(string(a.body), `"hold":"1h0m0s"`) {
		t.Errorf("answer %v %s", a.header, a.body)
	}
	f.seller("POST", "/v1/sales", newSale).want(409, "sale-exists")
	full := `{"id":"big","item":"Final","quantity":5,"cap":4,"waitlist":7,"price":1,"currency":"USD","starts_at":"2100-01-02T03:04:05Z","hold":"2s","grace":"0s","skip_unfit":true}`
	sale = into[contract.SaleDetail](f.seller("POST", "/v1/sales?pretty", full).want(201, ""))
	if sale.Status != "scheduled" || sale.Cap != 4 || sale.Waitlist != 7 || sale.Hold != contract.Duration(2*time.Second) || sale.Grace != 0 ||
		!sale.SkipUnfit || !sale.StartsAt.Equal(time.Date(2100, 1, 2, 3, 4, 5, 0, time.UTC)) {
		t.Errorf("sale %+v", sale)
	}
}

func TestCreateSaleSaysWhatIsWrong(t *testing.T) {
	f := serve(t)
	replaced := func(field, value string) string {
		fields := map[string]json.RawMessage{}
		must(t, json.Unmarshal([]byte(newSale), &fields))
		fields[field] = json.RawMessage(value)
		body, err := json.Marshal(fields)
		must(t, err)
		return string(body)
	}
	for _, c := range []struct{ field, value, says string }{
		{"id", `"No Spaces"`, `id is "No Spaces", allowed is 1 to 64 of a-z`},
		{"item", `""`, `item is ""`},
		{"quantity", `0`, "quantity is 0, allowed is 1 to"},
		{"quantity", `-1`, "quantity cannot be number -1"},
		{"quantity", `"ten"`, "quantity cannot be string"},
		{"cap", `0`, "cap is 0, allowed is 1 to 100"},
		{"cap", `101`, "cap is 101"},
		{"waitlist", `2000000000`, "waitlist is 2000000000"},
		{"price", `-1`, "price is -1"},
		{"price", `1.5`, "price cannot be number 1.5"},
		{"price", `null`, "price is missing"},
		{"currency", `"eur"`, `currency is "eur"`},
		{"currency", `"ZZZ"`, `currency ZZZ is none of ISO 4217`},
		{"starts_at", `"2025-01-02T03:04:05Z"`, "starts_at is in the past: 2025-01-02T03:04:05Z"},
		{"starts_at", `"tomorrow"`, "tomorrow"},
		{"starts_at", `"2120-01-01T00:00:00Z"`, "starts_at is 2120-01-01T00:00:00Z, allowed is a time between 1970 and 2116"},
		{"starts_at", `"2300-01-01T00:00:00+01:00"`, "starts_at is 2300-01-01T00:00:00+01:00, allowed is a time between 1970 and 2116"},
		{"hold", `"0s"`, "hold is 0s, allowed is more than 0s, up to 720h0m0s"},
		{"hold", `3600`, `a duration is a string such as "1h30m", not 3600`},
		{"hold", `"a while"`, `not "a while"`},
		{"grace", `"-1s"`, "grace is -1s, allowed is 0s to 720h0m0s"},
		{"colour", `"red"`, `unknown field "colour"`},
	} {
		a := f.seller("POST", "/v1/sales", replaced(c.field, c.value)).want(400, "bad-request")
		if !strings.Contains(a.problem.Detail, c.says) {
			t.Errorf("%s %s: %q does not say %q", c.field, c.value, a.problem.Detail, c.says)
		}
	}
	for _, body := range []string{"{", "[]", "null x", "{} {}", `"x"`} {
		f.seller("POST", "/v1/sales", body).want(400, "bad-request")
	}
	f.seller("POST", "/v1/sales", `{"id":"`+strings.Repeat("x", 5000)+`"}`).want(413, "body-too-large")
	f.call("POST", f.private, "/v1/sales", "@seller", newSale, "Content-Type: text/plain").want(415, "unsupported-media-type")
	f.seller("POST", "/v1/sales?dry=1", newSale).want(400, "bad-request")
	if f.backend.decided != 0 {
		t.Errorf("%d malformed sales were sequenced", f.backend.decided)
	}
}

func TestSaleVerbs(t *testing.T) {
	f := serve(t)
	f.sale("gig", func(s *sequencer.SaleSpec) { s.Waitlist = 3 })
	for _, step := range []struct{ verb, status string }{
		{"pause", "paused"}, {"pause", "paused"}, {"resume", "open"}, {"close", "closed"}, {"close", "closed"}, {"cancel", "cancelled"},
	} {
		sale := into[contract.SaleDetail](f.seller("POST", "/v1/sales/gig/"+step.verb, "").want(200, ""))
		if sale.Status != step.status {
			t.Errorf("%s: %s, want %s", step.verb, sale.Status, step.status)
		}
	}
	a := f.seller("POST", "/v1/sales/gig/pause", "").want(409, "sale-closed")
	if a.problem.Seq == 0 {
		t.Errorf("problem %s", a.body)
	}
	f.seller("POST", "/v1/sales/none/pause", "").want(404, "unknown-sale")
	f.seller("POST", "/v1/sales/gig/pause", "{}").want(400, "bad-request")
	f.seller("POST", "/v1/sales/gig/explode", "").want(404, "not-found")
}

// A pause that names the change which its seller saw is made once: repeated late it undoes nothing
// that was done since, also where it did nothing the first time.
func TestLatePause(t *testing.T) {
	f := serve(t)
	f.sale("gig", nil)
	pause, status := f.seen("gig", ""), func() string {
		return into[contract.SaleDetail](f.seller("GET", "/v1/sales/gig", "").want(200, "")).Status
	}
	f.seller("POST", "/v1/sales/gig/pause", pause).want(200, "")
	f.seller("POST", "/v1/sales/gig/pause", pause).want(409, "sale-changed")
	resume := f.seen("gig", "")
	f.seller("POST", "/v1/sales/gig/resume", resume).want(200, "")
	if f.seller("POST", "/v1/sales/gig/pause", pause).want(409, "sale-changed"); status() != "open" {
		t.Error("a late pause stopped a sale that had gone on")
	}
	f.seller("POST", "/v1/sales/gig/pause", f.seen("gig", "")).want(200, "")
	if f.seller("POST", "/v1/sales/gig/resume", resume).want(409, "sale-changed"); status() != "paused" {
		t.Error("a late resume let a sale go on that had been paused again")
	}
	f.seller("POST", "/v1/sales/gig/resume", `{"changed_seq":0}`).want(400, "bad-request")
	f.seller("POST", "/v1/sales/none/resume", `{"changed_seq":1}`).want(404, "unknown-sale")
}

func TestChangeSale(t *testing.T) {
	f := serve(t)
	f.sale("soon", func(s *sequencer.SaleSpec) { s.StartsAt = time.Now().Add(time.Hour).UnixNano() })
	f.sale("gig", nil)
	change := `{"item":"Other","quantity":50,"cap":3,"waitlist":9,"price":7,"currency":"USD","hold":"5m","grace":"1m","skip_unfit":true,"starts_at":"2100-01-01T00:00:00Z"}`
	sale := into[contract.SaleDetail](f.seller("PATCH", "/v1/sales/soon", change).want(200, ""))
	if sale.Item != "Other" || sale.Quantity != 50 || sale.Cap != 3 || sale.Waitlist != 9 || sale.Price != 7 || sale.Currency != "USD" ||
		sale.Hold != contract.Duration(5*time.Minute) || sale.Grace != contract.Duration(time.Minute) || !sale.SkipUnfit || sale.StartsAt.Year() != 2100 {
		t.Errorf("sale %+v", sale)
	}
	f.seller("PATCH", "/v1/sales/soon", `{"cap":0}`).want(400, "bad-request")
	f.seller("PATCH", "/v1/sales/soon", `{"id":"x"}`).want(400, "bad-request")
	f.seller("PATCH", "/v1/sales/soon", `{}`).want(400, "bad-request")
	f.seller("PATCH", "/v1/sales/none", `{"cap":1}`).want(404, "unknown-sale")
	if a := f.seller("PATCH", "/v1/sales/gig", `{"cap":1}`).want(409, "sale-started"); !strings.Contains(a.problem.Detail, "waitlist, hold") {
		t.Errorf("does not say what may change: %s", a.body)
	}

	f.bought("ann", "?q=2&sale=gig")
	for _, quantity := range []string{"12", "2", "2"} {
		sale = into[contract.SaleDetail](f.seller("PATCH", "/v1/sales/gig", `{"quantity":`+quantity+`}`).want(200, ""))
	}
	if sale.Quantity != 2 || sale.Available != 0 || sale.Held != 2 {
		t.Errorf("sale %+v", sale)
	}
	if a := f.seller("PATCH", "/v1/sales/gig", `{"quantity":1}`).want(409, "invalid-quantity"); !strings.HasPrefix(a.problem.Detail, "2 tickets are sold, held") {
		t.Errorf("does not say what is allowed: %s", a.body)
	}
}

// What nobody could be charged is refused before it is sold, and a wrong price can be put right
// while it is nobody's.
func TestPrice(t *testing.T) {
	f := serve(t)
	priced := func(price, currency string) string {
		return `{"id":"gig","item":"Concert","quantity":100,"price":` + price + `,"currency":"` + currency + `"}`
	}
	if a := f.seller("POST", "/v1/sales", priced("4950", "EUR")).want(400, "bad-request"); !strings.Contains(a.problem.Detail, "price 49.50\u00a0EUR: no cents: 4950") {
		t.Errorf("%s", a.body)
	}
	f.seller("POST", "/v1/sales", `{"id":"gig","item":"Concert","quantity":100,"currency":"EUR"}`).want(400, "bad-request")
	f.seller("POST", "/v1/sales", priced("0", "EUR")).want(201, "")
	f.seller("PATCH", "/v1/sales/gig", `{"price":4950}`).want(400, "bad-request")
	f.seller("PATCH", "/v1/sales/gig", `{"currency":"XXX"}`).want(400, "bad-request")
	if sale := into[contract.SaleDetail](f.seller("PATCH", "/v1/sales/gig", `{"price":4900}`).want(200, "")); sale.Price != 4900 || sale.Status != "open" {
		t.Errorf("%+v", sale)
	}
	f.bought("ann", "?q=1")
	if a := f.seller("PATCH", "/v1/sales/gig", `{"price":5000}`).want(409, "sale-started"); !strings.Contains(a.problem.Detail, "price and currency while nobody") {
		t.Errorf("%s", a.body)
	}
	f.seller("PATCH", "/v1/sales/gig", `{"starts_at":"2025-01-01T00:00:00Z"}`).want(400, "bad-request")
}

func TestRefundReleaseAndReport(t *testing.T) {
	f := serve(t)
	f.sale("gig", func(s *sequencer.SaleSpec) { s.Quantity, s.Waitlist = 4, 1 })
	paid := f.bought("ann", "?q=2")
	f.pay(paid.Seq, 2)
	kept := f.bought("bob", "?q=2")
	f.pay(kept.Seq, 2)
	waiting := f.bought("cid", "?q=1")
	f.buy("dan", "?q=1").want(200, "")
	f.seller("POST", "/v1/orders/"+waiting.Order+"/refund", "").want(409, "not-paid")
	f.seller("POST", "/v1/orders/x/refund", "").want(404, "unknown-order")
	f.seller("POST", "/v1/orders/"+sequencer.FormatUID(9, paid.Seq)+"/refund", "").want(404, "unknown-order")
	f.seller("POST", "/v1/orders/"+sequencer.FormatUID(1, 1<<40)+"/refund", "").want(404, "unknown-order")
	for range 2 {
		order := into[contract.Order](f.seller("POST", "/v1/orders/"+paid.Order+"/refund", "").want(200, ""))
		if order.State != "refunded" || order.PaymentRef != refOf(paid.Order, 1) {
			t.Errorf("refunded order %+v", order)
		}
	}
	report := into[contract.Report](f.seller("GET", "/v1/sales/gig/report", "").want(200, ""))
	if report.Money != (contract.ReportMoney{Currency: "EUR", Price: 5000, Gross: 20000, Refunded: 10000, Net: 10000}) {
		t.Errorf("money %+v", report.Money)
	}
	if r := report.Requests; r.Total != 4 || r.Accepted != 3 || r.Refused != 1 || r.ByReason["sold_out"] != 1 {
		t.Errorf("requests %+v", r)
	}
	if tickets := report.Tickets; tickets.Sold != 2 || tickets.Withheld != 2 || tickets.Refunded != 2 || tickets.Quantity != 4 {
		t.Errorf("tickets %+v", tickets)
	}
	if w := report.Waitlist; w.Entered != 1 || w.Waiting != 1 || report.Orders.Paid != 2 || report.Orders.Refunded != 1 {
		t.Errorf("waitlist %+v orders %+v", w, report.Orders)
	}
	f.seller("POST", "/v1/sales/gig/release", f.seen("gig", `"tickets":3`)).want(409, "invalid-quantity")
	release := f.seen("gig", `"tickets":2`)
	sale := into[contract.SaleDetail](f.seller("POST", "/v1/sales/gig/release", release).want(200, ""))
	f.seller("POST", "/v1/sales/gig/release", release).want(409, "sale-changed")
	if sale.Withheld != 0 || sale.Held != 1 || sale.Available != 1 || sale.Waiting != 0 || sale.Buys["sold_out"] != 1 || sale.Orders["refunded"] != 1 {
		t.Errorf("sale %+v", sale)
	}
	f.seller("GET", "/v1/sales/none/report", "").want(404, "unknown-sale")
}

func TestPrivateRoles(t *testing.T) {
	f := serve(t)
	f.sale("gig", nil)
	for _, c := range []struct {
		method, path string
		change       bool
	}{
		{"POST", "/v1/sales", true}, {"PATCH", "/v1/sales/gig", true}, {"POST", "/v1/sales/gig/pause", true},
		{"POST", "/v1/sales/gig/release", true}, {"POST", "/v1/sales/gig/extend", true}, {"POST", "/v1/orders/0000000000000000/refund", true},
		{"GET", "/v1/sales", false}, {"GET", "/v1/sales/gig", false}, {"GET", "/v1/sales/gig/report", false}, {"GET", "/v1/node", false},
	} {
		f.call(c.method, f.private, c.path, "", "").want(401, "unauthorized")
		f.call(c.method, f.private, c.path, "ann", "").want(403, "forbidden")
		auditor := f.call(c.method, f.private, c.path, "@auditor", "")
		if (auditor.problem.Code == "forbidden") != c.change {
			t.Errorf("%s %s as auditor: %d %s", c.method, c.path, auditor.status, auditor.body)
		}
		if operator := f.call(c.method, f.private, c.path, "@operator", ""); operator.status == 401 || operator.status == 403 {
			t.Errorf("%s %s as operator: %d", c.method, c.path, operator.status)
		}
	}
}

func TestPrivateErrors(t *testing.T) {
	f := serve(t)
	f.sale("gig", nil)
	f.seller("GET", "/v1/nothing", "").want(404, "not-found")
	f.seller("GET", "/", "").want(404, "not-found")
	a := f.seller("DELETE", "/v1/sales", "").want(405, "method-not-allowed")
	if allow := a.header.Get("Allow"); !strings.Contains(allow, "GET") || !strings.Contains(allow, "POST") {
		t.Errorf("Allow %q", allow)
	}
	f.seller("GET", "/v1//sales", "").want(400, "bad-request")
	f.seller("GET", "/v1/sales/..%2fgig", "").want(400, "bad-request")
	f.seller("GET", "/v1/sales?x=1", "").want(400, "bad-request")
	f.backend.set(func(b *testBackend) { b.fail = &sequencer.NotLeaderError{LeaderID: "n2", LeaderAddress: "h:2"} })
	a = f.seller("POST", "/v1/sales/gig/pause", "").want(503, "no-leader")
	if a.header.Get("Retry-After") == "" {
		t.Errorf("problem %s", a.body)
	}
	f.backend.set(func(b *testBackend) { b.fail, b.panics = nil, true })
	f.seller("POST", "/v1/sales/gig/pause", "").want(500, "internal")
	raw := exchangeRaw(t, f.private, "GET /v1/sales HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: mine\r\nConnection: close\r\n\r\n").want(401, "unauthorized")
	if raw.header.Get("X-Request-Id") != "mine" || raw.header.Get("WWW-Authenticate") == "" {
		t.Errorf("header %v", raw.header)
	}
}

func TestSaleListAndNode(t *testing.T) {
	f := serve(t)
	f.sale("one", nil)
	f.sale("two", nil)
	list := into[contract.SaleList](f.seller("GET", "/v1/sales", "").want(200, ""))
	if len(list.Sales) != 2 || list.Sales[1].ID != "two" {
		t.Errorf("sales %+v", list)
	}
	page := into[contract.SaleList](f.seller("GET", "/v1/sales?limit=1", "").want(200, ""))
	if len(page.Sales) != 1 || page.Sales[0].ID != "one" || !page.HasMore || page.Cursor != "one" {
		t.Errorf("the first page is %+v", page)
	}
	page = into[contract.SaleList](f.seller("GET", "/v1/sales?limit=1&cursor=one", "").want(200, ""))
	if len(page.Sales) != 1 || page.Sales[0].ID != "two" || page.HasMore || page.Cursor != "" {
		t.Errorf("the last page is %+v", page)
	}
	if a := f.seller("GET", "/v1/sales?cursor=none", "").want(400, "bad-request"); a.problem.Parameter != "cursor" {
		t.Errorf("a cursor of nothing is answered %s", a.body)
	}
	f.seller("GET", "/v1/sales?limit=101", "").want(400, "bad-request")
	f.seller("GET", "/v1/sales/one?limit=1", "").want(400, "bad-request")
	if one := into[contract.SaleDetail](f.seller("GET", "/v1/sales/one", "").want(200, "")); one.ID != "one" {
		t.Errorf("sale %+v", one)
	}
	f.seller("GET", "/v1/sales/none", "").want(404, "unknown-sale")
	if node := f.seller("GET", "/v1/node", "").want(200, ""); string(node.body) != `{"clusters":[],"id":"f1"}` {
		t.Errorf("node %s", node.body)
	}
}

func TestHealth(t *testing.T) {
	f := serve(t)
	open := func(path string, status int, want string) {
		t.Helper()
		a := f.call("GET", f.private, path, "", "")
		if a.status != status || string(a.body) != want {
			t.Errorf("%s: %d %q, want %d %q", path, a.status, a.body, status, want)
		}
	}
	open("/livez", 200, "ok")
	open("/livez?verbose", 200, "[+]http ok\nlivez check passed\n")
	open("/readyz", 200, "ok")
	open("/readyz?verbose", 200, "[+]raft ok\nreadyz check passed\n")
	f.checks.Store(&[]Check{{Name: "raft", Err: errors.New("no leader")}, {Name: "disk"}})
	open("/readyz", 503, "[-]raft failed: no leader\n[+]disk ok\nreadyz check failed\n")
	f.checks.Store(&[]Check{{Name: "raft"}, {Name: "payment", Err: errors.Join(errors.New("no answer"), errors.New("twice")), Warning: true}})
	open("/readyz", 200, "ok")
	open("/readyz?verbose", 200, "[+]raft ok\n[!]payment warning: no answer; twice\nreadyz check passed\n")
	if a := f.call("GET", f.private, "/debug/pprof/", "@operator", ""); a.status != 200 {
		t.Errorf("pprof: %d", a.status)
	}
}

func TestMetrics(t *testing.T) {
	f := serve(t)
	f.sale("gig", nil)
	f.buy("ann", "?q=1").want(202, "")
	f.buy("ann", "?q=1").want(202, "")
	f.buy("ann", "?q=1").want(200, "")
	f.buy("ann", "").want(400, "bad-request")
	f.backend.set(func(b *testBackend) { b.fail = sequencer.ErrOverloaded })
	f.buy("ann", "?q=1").want(503, "overloaded")
	f.call("GET", f.public, "/v1/orders", "bob", "").want(200, "")
	text := string(f.call("GET", f.private, "/metrics", "@monitor", "").want(200, "").body)
	for _, line := range []string{
		`onsale_http_requests_total{outcome="reserved",route="buy"} 2`,
		`onsale_http_requests_total{outcome="cap_exceeded",route="buy"} 1`,
		`onsale_http_requests_total{outcome="bad-request",route="buy"} 1`,
		`onsale_http_requests_total{outcome="overloaded",route="buy"} 1`,
		`onsale_http_requests_total{outcome="ok",route="orders"} 1`,
		`onsale_http_refused_total{status="503"} 1`,
		`onsale_http_refused_total{status="429"} 0`,
		`onsale_http_request_duration_seconds_count{route="buy"} 5`,
		`onsale_token_cache_hits_total 4`,
		`onsale_token_cache_misses_total 3`, // the asking token too
		`onsale_tokens_refused_total 0`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("%s is missing in\n%s", line, text)
		}
	}
}
