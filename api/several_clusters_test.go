package api

import (
	"slices"
	"testing"
	"time"

	"onsale/api/contract"
	"onsale/sequencer"
)

// also lets a backend have a sale, as f.sale does the fixture's.
func (b *testBackend) also(t *testing.T, id string) {
	t.Helper()
	spec := sequencer.SaleSpec{ID: id, Item: "Concert", Quantity: 10, Cap: 2, Price: 5000, Currency: "EUR", StartsAt: 1,
		Hold: int64(time.Hour), Grace: 1}
	r := b.do(sequencer.Command{Kind: sequencer.KindSaleCreate, Body: sequencer.AppendSaleSpec(nil, &spec)})
	if r.Code != sequencer.CodeOK {
		t.Fatalf("sale: %v", r.Code)
	}
}

// A sale that two clusters have is sold by none of them, whoever the table says it is of;
// the orders of before go on, and so do the other sales. Cancelling one lets the other sell.
func TestSharedSale(t *testing.T) {
	f, away := twoClusters(t)
	before := f.bought("ann", "?q=2&sale=home")
	away.also(t, "home")
	for _, routing := range []func(string) bool{nil, func(sale string) bool { return sale == "away" }} {
		f.served[1].Serves = routing
		decided := f.backend.decided + away.decided
		a := f.buy("ann", "?q=2&sale=home").want(409, "sale-shared")
		if p := into[contract.Problem](a); p.Detail == "" || p.Type != "urn:onsale:problem:sale-shared" {
			t.Errorf("problem %+v", p)
		}
		f.call("GET", f.public, "/v1/tickets/home", "", "").want(409, "sale-shared")
		f.call("GET", f.public, "/v1/tickets/events?sale=home", "", "").want(409, "sale-shared")
		if now := f.backend.decided + away.decided; now != decided {
			t.Error("a cluster was asked for tickets")
		}
	}
	f.buy("ann", "?q=1&sale=away").want(202, "")
	f.call("DELETE", f.public, before.Callback, "ann", "").want(200, "")
	shared := SharedSales(f.served)
	if len(shared) != 1 || shared[0].ID != "home" || !slices.Equal(shared[0].Clusters, []string{"home", "elsewhere"}) {
		t.Errorf("shared %+v", shared)
	}

	f.served[1].Serves = nil
	number, _ := away.SaleByID("home")
	away.do(sequencer.Command{Kind: sequencer.KindSaleCancel, Sale: number.Number})
	f.buy("ann", "?q=1&sale=home").want(202, "")
	if shared := SharedSales(f.served); len(shared) != 0 {
		t.Errorf("shared %+v", shared)
	}
}

// The only sale that is on is not sold either when two clusters have it.
func TestSharedOnlySale(t *testing.T) {
	f := serve(t)
	f.sale("gig", nil)
	away := newTestBackend(time.Now)
	away.also(t, "gig")
	f.served = append(f.served, Cluster{Name: "elsewhere", Number: 7, Backend: away})
	f.buy("ann", "?q=1").want(409, "sale-shared")
}

// Pages name each id once and come to an end, also when two clusters have all of them.
func TestSharedSalesInPages(t *testing.T) {
	f, away := twoClusters(t)
	away.also(t, "home")
	f.backend.also(t, "away")
	var got []string
	for cursor := ""; len(got) < 10; {
		page := into[contract.SalePage](f.call("GET", f.public, "/v1/tickets?limit=1"+cursor, "", "").want(200, ""))
		got = append(got, page.Tickets[0].UID)
		if !page.HasMore {
			break
		}
		cursor = "&cursor=" + page.Cursor
	}
	if !slices.Equal(got, []string{"home", "away"}) {
		t.Errorf("sales %v", got)
	}
}

// While a cluster was never reached, nothing is said or sold that its sales could make wrong.
func TestClusterNeverReached(t *testing.T) {
	f := serve(t)
	f.sale("home", nil)
	away := newTestBackend(time.Now)
	reached := false
	f.served[0].Name = "main"
	f.served = append(f.served, Cluster{Name: "elsewhere", Number: 7, Backend: away, EverReached: func() bool { return reached }})

	f.buy("ann", "?q=1").want(503, "no-leader")           // elsewhere may sell something, too
	f.buy("ann", "?q=1&sale=home").want(503, "no-leader") // the table does not say whose it is
	f.buy("ann", "?q=1&sale=away").want(503, "no-leader")
	f.call("GET", f.public, "/v1/tickets/away", "", "").want(503, "no-leader")
	f.call("GET", f.public, "/v1/tickets?cursor=away", "", "").want(503, "no-leader")
	a := f.call("GET", f.public, "/v1/tickets", "", "").want(200, "")
	page := into[contract.SalePage](a)
	if len(page.Tickets) != 1 || !slices.Equal(page.Incomplete, []string{"elsewhere"}) {
		t.Errorf("page %+v", page)
	}
	if a.header.Get("Cache-Control") != "no-store" || a.header.Get("ETag") != "" {
		t.Errorf("header %v", a.header)
	}

	f.served[1].Serves = func(sale string) bool { return sale == "away" }
	f.served[0].Serves = func(sale string) bool { return sale != "away" }
	f.buy("ann", "?q=1&sale=home").want(202, "") // whatever the other one has
	f.buy("ann", "?q=1&sale=nowhere").want(404, "unknown-sale")
	f.buy("ann", "?q=1").want(503, "no-leader")

	reached = true
	f.buy("bob", "?q=1").want(202, "")
	f.buy("ann", "?q=1&sale=away").want(404, "unknown-sale")
	a = f.call("GET", f.public, "/v1/tickets", "", "").want(200, "")
	if page := into[contract.SalePage](a); page.Incomplete != nil || a.header.Get("Cache-Control") != saleCacheControl {
		t.Errorf("page %+v, header %v", page, a.header)
	}
}

// Without any cluster that was ever reached there is no list, and no empty one.
func TestNoClusterReached(t *testing.T) {
	f := serve(t)
	f.served[0].EverReached = func() bool { return false }
	f.call("GET", f.public, "/v1/tickets", "", "").want(503, "no-leader")
	f.buy("ann", "?q=1").want(503, "no-leader")
	f.buy("ann", "?q=1&sale=gig").want(503, "no-leader")
}
