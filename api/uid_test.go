package api

import (
	"testing"

	"onsale/api/contract"
	"onsale/sequencer"
)

// uidRoute is a route that takes an order's uid, and what it answers of one that is none.
type uidRoute struct {
	name    string
	ask     func(uid string) *answer
	status  int
	code    string
	sellers bool // it takes everybody's
}

func uidRoutes(f *fixture) []uidRoute {
	buyer := func(method, query string) func(string) *answer {
		return func(uid string) *answer { return f.call(method, f.public, "/v1/orders/"+uid+query, "ann", "") }
	}
	return []uidRoute{
		{name: "order", ask: buyer("GET", ""), status: 404, code: "unknown-order"},
		{name: "long poll", ask: buyer("GET", "?wait=1s"), status: 404, code: "unknown-order"},
		{name: "events", ask: buyer("GET", "/events"), status: 404, code: "unknown-order"},
		{name: "cancel", ask: buyer("DELETE", ""), status: 404, code: "unknown-order"},
		{name: "pay", ask: func(uid string) *answer { return f.payBy("ann", uid, "tok_accept") }, status: 404, code: "unknown-order"},
		{name: "refund", status: 404, code: "unknown-order", sellers: true,
			ask: func(uid string) *answer { return f.seller("POST", "/v1/orders/"+uid+"/refund", "") }},
		{name: "acknowledge", status: 404, code: "unknown-order", sellers: true,
			ask: func(uid string) *answer {
				return f.seller("POST", "/v1/orders/"+uid+"/acknowledge", `{"attempt":1,"reason":"x"}`)
			}},
		{name: "page", status: 400, code: "bad-request",
			ask: func(uid string) *answer { return f.call("GET", f.public, "/v1/orders?cursor="+uid, "ann", "") }},
	}
}

// A uid is whole or it is not found, on every route: the number of its cluster, the number
// of its sale and its seq must all be the order's.
func TestUIDIsWhole(t *testing.T) {
	f := serve(t)
	f.sale("gig", nil)
	f.sale("other", nil)
	books := f.payments(nil)
	mine, another := f.bought("ann", "?q=1&sale=gig"), f.bought("bob", "?q=1&sale=gig")
	before := f.backend.decided
	for name, uid := range map[string]string{
		"another sale's number":     sequencer.FormatUID(2, mine.Seq),
		"a sale that is not there":  sequencer.FormatUID(9, mine.Seq),
		"no sale":                   sequencer.FormatUID(0, mine.Seq),
		"another cluster's number":  string(contract.AppendUID(nil, 3, 1, mine.Seq)),
		"a seq that made no order":  sequencer.FormatUID(1, 1),
		"a seq that is not decided": sequencer.FormatUID(1, mine.Seq+1000),
		"no seq":                    sequencer.FormatUID(1, 0),
		"a seq beyond all":          sequencer.FormatUID(1, mine.Seq|1<<54),
		"somebody else's":           another.Order,
	} {
		for _, route := range uidRoutes(f) {
			if route.sellers && uid == another.Order {
				continue
			}
			t.Run(route.name+": "+name, func(t *testing.T) {
				a := route.ask(uid)
				a.t = t
				a.want(route.status, route.code)
			})
		}
	}
	if f.backend.decided != before || len(books.Entries()) > 0 {
		t.Errorf("%d commands were decided, charged: %+v", f.backend.decided-before, books.Entries())
	}

	if page := into[contract.OrderPage](f.call("GET", f.public, "/v1/orders?cursor="+mine.Order, "ann", "").want(200, "")); len(page.Orders) != 0 {
		t.Errorf("behind the only order: %+v", page)
	}
	f.served[0].Serves = func(sale string) bool { return sale != "gig" }
	f.buy("ann", "?q=1&sale=gig").want(404, "unknown-sale")
	f.call("GET", f.public, "/v1/orders/"+mine.Order, "ann", "").want(200, "") // it was sold, and is listed too
	if paid := into[contract.Payment](f.payBy("ann", mine.Order, "tok_accept").want(200, "")); paid.Order != mine.Order || paid.State != "paid" {
		t.Errorf("%+v", paid)
	}
}
