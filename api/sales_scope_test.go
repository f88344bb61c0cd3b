package api

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"onsale/api/contract"
	"onsale/payment"
	"onsale/sequencer"
)

// Two sellers: neither sees nor changes what is the other's, by whatever route.
func TestSellersAreApart(t *testing.T) {
	f := serve(t)
	f.timeline = func(context.Context, *sequencer.SaleView) (*contract.Timeline, error) {
		return new(contract.Timeline), nil
	}
	f.sale("arena", nil)
	f.sale("gig", nil)
	f.sale("arena-late", nil)
	own, others := f.bought("ann", "?q=2&sale=arena"), f.bought("ann", "?q=2&sale=gig")
	f.pay(own.Seq, 2)
	f.pay(others.Seq, 2)
	const sella = "@seller:arena*"
	before := f.backend.decided

	for _, o := range operationsOn(t, privateListener) {
		if o.Security == nil || len(rolesAt(&o, false)) == 0 || strings.HasPrefix(o.Path, "/debug/") || !f.routes(f.private, &o) {
			continue
		}
		target := strings.NewReplacer("{id}", "gig", "{uid}", others.Order, "{ticket}", "1.svg").Replace(o.Path)
		for _, role := range rolesAt(&o, false) {
			a := f.call(o.Method, f.private, target, "@"+role+":arena*", bodyOf(o.OperationID))
			if strings.Contains(string(a.body), "\"gig\"") && a.problem.Code != "unknown-sale" {
				t.Errorf("%s %s as %s tells of another's sale: %s", o.Method, o.Path, role, a.body)
			}
			if named := target != o.Path; named && a.status != 404 {
				t.Errorf("%s %s as %s: %d %s", o.Method, o.Path, role, a.status, a.body)
			}
		}
	}
	if f.backend.decided != before {
		t.Errorf("%d commands of another's sale were sequenced", f.backend.decided-before)
	}
	for _, target := range []string{"/v1/sales/gig", "/v1/sales/none"} { // one cannot be told from the other
		a := f.call("GET", f.private, target, sella, "").want(404, "unknown-sale")
		if !strings.HasPrefix(a.problem.Detail, "there is no sale ") {
			t.Errorf("%s: %s", target, a.problem.Detail)
		}
	}
	for _, target := range []string{"/v1/payments/reconciliation", "/v1/payments/orphans", "/metrics"} {
		f.call("GET", f.private, target, "@operator:arena*", "").want(403, "forbidden")
	}

	f.call("POST", f.private, "/v1/sales/arena/pause", sella, "").want(200, "")
	f.call("GET", f.private, "/v1/sales/arena/report", sella, "").want(200, "")
	f.call("GET", f.private, "/v1/node", sella, "").want(200, "")
	f.call("POST", f.private, "/v1/orders/"+own.Order+"/refund", sella, "").want(200, "")
	f.call("POST", f.private, "/v1/orders/"+others.Order+"/refund", sella, "").want(404, "unknown-order")
	f.call("POST", f.private, "/v1/orders/"+others.Order+"/refund", "@seller:*", "").want(200, "")
}

// bodyOf is a body that an operation would take.
func bodyOf(operation string) string {
	switch operation {
	case "createSale":
		return strings.Replace(newSale, `"id":"`, `"id":"others-`, 1)
	case "changeSale":
		return `{"cap":2}`
	case "releaseTickets":
		return `{"tickets":1,"changed_seq":1}`
	case "extendHolds":
		return `{"by":"1m","changed_seq":1}`
	case "settleOrder":
		return `{"attempt":1,"as":"captured","amount":1,"reason":"seen"}`
	case "acknowledgeOrder":
		return `{"attempt":1,"reason":"seen"}`
	}
	return ""
}

// A seller makes sales under the names that are theirs, and lists those.
func TestSellersOwnSales(t *testing.T) {
	f := serve(t)
	for _, id := range []string{"gig", "arena", "gig-2", "arena-2", "gig-3", "arena-3"} {
		f.sale(id, nil)
	}
	const sella = "@seller:arena*"
	f.call("POST", f.private, "/v1/sales", sella, bodyOf("createSale")).want(403, "forbidden")
	var seen []string
	for cursor := ""; ; {
		page := into[contract.SaleList](f.call("GET", f.private, "/v1/sales?limit=2"+cursor, sella, "").want(200, ""))
		for _, sale := range page.Sales {
			seen = append(seen, sale.ID)
		}
		if !page.HasMore {
			break
		}
		cursor = "&cursor=" + page.Cursor
	}
	if want := []string{"arena", "arena-2", "arena-3"}; !slices.Equal(seen, want) {
		t.Errorf("listed %v, want %v", seen, want)
	}
	f.call("GET", f.private, "/v1/sales?cursor=gig-2", sella, "").want(400, "bad-request")
	none := into[contract.SaleList](f.call("GET", f.private, "/v1/sales", "@auditor:none", "").want(200, ""))
	if len(none.Sales) != 0 || none.HasMore {
		t.Errorf("of no sale: %+v", none)
	}
}

// Of disputes a seller sees those of their sales.
func TestSellersOwnDisputes(t *testing.T) {
	f := serve(t)
	f.sale("arena", nil)
	f.sale("gig", nil)
	own, others := f.bought("ann", "?q=1&sale=arena"), f.bought("ann", "?q=1&sale=gig")
	all := payment.Disputes{Disputes: []payment.DisputeView{{Order: own.Order}, {Order: others.Order}, {Order: "nonsense"}}}
	p := &Private{config: testConfig(), backend: f.backend, payments: disputed{all: &all}}
	for pattern, want := range map[string]int{"arena*": 1, "none": 0, "*": 2} {
		who, err := f.tokens.Verify([]byte(f.token("@seller:"+pattern)), 0)
		must(t, err)
		w := httptest.NewRecorder()
		must(t, p.disputes(&exchange{writer: w, request: httptest.NewRequest("GET", "/v1/payments/disputes", nil), sales: who.Sales}))
		var told payment.Disputes
		must(t, json.Unmarshal(w.Body.Bytes(), &told))
		if len(told.Disputes) != want || len(all.Disputes) != 3 {
			t.Errorf("%s sees %s, want %d disputes", pattern, w.Body, want)
		}
	}
}

// disputed knows disputes only.
type disputed struct {
	Payments
	all *payment.Disputes
}

func (d disputed) Disputes(context.Context) (*payment.Disputes, error) { return d.all, nil }
