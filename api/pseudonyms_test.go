package api

import (
	"context"
	"strings"
	"testing"

	"onsale/api/apitest"
	"onsale/api/contract"
	"onsale/internal/pseudonym"
	"onsale/sequencer"
)

// keyed gives the fixture a file of keys, each of one letter; none without.
func (f *fixture) keyed(letters ...string) (keys *pseudonym.Keys) {
	f.t.Helper()
	var lines []string
	for _, letter := range letters {
		lines = append(lines, strings.Repeat(letter, 32))
	}
	if len(lines) > 0 {
		var err error
		keys, err = pseudonym.Parse([]byte(strings.Join(lines, "\n")))
		must(f.t, err)
	}
	config := apitest.TokenConfig()
	config.Pseudonyms = keys
	must(f.t, f.tokens.Configure(config))
	return keys
}

// Buyers are known by pseudonyms in a sale that is created while there is a key: the state has
// nothing else, and they and their seller find their orders as before.
func TestPseudonyms(t *testing.T) {
	f := serve(t)
	f.sale("clear", func(s *sequencer.SaleSpec) { s.Test = true })
	plain := f.bought("ann", "?q=1&sale=clear")
	keys := f.keyed("a")
	is := into[contract.SaleDetail](f.seller("POST", "/v1/sales", `{"id":"gig","item":"Gig","quantity":9,"price":5000,"currency":"EUR"}`).want(201, ""))
	if is.PseudonymKey != keys.Newest().String() {
		t.Errorf("the sale is under %q", is.PseudonymKey)
	}
	anns := string(keys.Of(keys.Newest(), []byte("ann")))
	d := f.bought("ann", "?q=1&sale=gig")
	if view, _, _, err := f.backend.Order(context.Background(), d.Seq, 0); err != nil || view.User != anns {
		t.Errorf("%q, %v", view.User, err)
	}
	again := into[contract.Decision](f.buy("ann", "?q=1&sale=gig", "Idempotency-Key: k").want(202, ""))
	if repeated := into[contract.Decision](f.buy("ann", "?q=1&sale=gig", "Idempotency-Key: k").want(202, "")); repeated.Order != again.Order {
		t.Errorf("%+v, %+v", again, repeated)
	}
	if over := into[contract.Decision](f.buy("ann", "?q=1&sale=gig").want(200, "")); over.Reason != "cap_exceeded" {
		t.Errorf("%+v", over)
	}
	page := into[contract.OrderPage](f.call("GET", f.public, "/v1/orders", "ann", "").want(200, ""))
	if len(page.Orders) != 3 || page.Orders[0].UID != plain.Order || page.Orders[0].UserID != "ann" || page.Orders[1].UID != d.Order || page.Orders[1].UserID != anns {
		t.Errorf("%+v", page)
	}
	first := into[contract.OrderPage](f.call("GET", f.public, "/v1/orders?limit=2", "ann", "").want(200, ""))
	rest := into[contract.OrderPage](f.call("GET", f.public, "/v1/orders?limit=2&cursor="+first.Cursor, "ann", "").want(200, ""))
	if len(first.Orders) != 2 || len(rest.Orders) != 1 || rest.Orders[0].UID != again.Order || rest.HasMore {
		t.Errorf("%+v, then %+v", first, rest)
	}
	for query, want := range map[string]int{"&user=ann": 2, "&user=" + anns: 2, "&user=bob": 0} {
		if found := f.saleOrders(query); len(found) != want {
			t.Errorf("%s: %v", query, found)
		}
	}
	f.call("GET", f.public, d.Callback, "bob", "").want(404, "unknown-order")
	f.call("DELETE", f.public, again.Callback, "ann", "").want(200, "")
}

// Where a sale's key is missing, its buyers are refused and not taken for others; with both keys all
// orders are there, each sale's under its own.
func TestKeyIsMissing(t *testing.T) {
	f := serve(t)
	f.payments(nil)
	f.keyed("a")
	create := func(id string) {
		f.seller("POST", "/v1/sales", `{"id":"`+id+`","item":"Gig","quantity":9,"price":5000,"currency":"EUR"}`).want(201, "")
	}
	create("gig")
	d := f.bought("ann", "?q=1&sale=gig")
	for _, letters := range [][]string{{"b"}, nil} {
		f.keyed(letters...)
		f.buy("ann", "?q=1&sale=gig").want(503, "pseudonym-key")
		f.call("GET", f.public, d.Callback, "ann", "").want(503, "pseudonym-key")
		f.call("DELETE", f.public, d.Callback, "ann", "").want(503, "pseudonym-key")
		f.payBy("ann", d.Order, "tok_accept").want(503, "pseudonym-key")
		f.call("GET", f.private, "/v1/sales/gig/orders?user=ann", "@auditor", "").want(503, "pseudonym-key")
		if found := f.saleOrders(""); len(found) != 1 {
			t.Errorf("all orders: %v", found)
		}
	}
	f.keyed("b", "a")
	create("late")
	late := f.bought("ann", "?q=2&sale=late")
	if page := into[contract.OrderPage](f.call("GET", f.public, "/v1/orders", "ann", "").want(200, "")); len(page.Orders) != 2 || page.Orders[0].UserID == page.Orders[1].UserID {
		t.Errorf("%+v", page)
	}
	f.payBy("ann", d.Order, "tok_accept").want(200, "")
	f.keyed("b") // the gig's buyers are nobody's now
	f.payBy("ann", late.Order, "tok_accept").want(200, "")
	if page := into[contract.OrderPage](f.call("GET", f.public, "/v1/orders", "ann", "").want(200, "")); len(page.Orders) != 1 || page.Orders[0].UID != late.Order {
		t.Errorf("%+v", page)
	}
}
