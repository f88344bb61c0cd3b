package api

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"onsale/api/contract"
	"onsale/sequencer"
)

// twoClusters serves a second cluster, number 7, which has the sale "away".
func twoClusters(t *testing.T) (f *fixture, away *testBackend) {
	f = serve(t)
	away = newTestBackend(time.Now)
	f.sale("home", nil)
	spec := sequencer.SaleSpec{ID: "away", Item: "Concert", Quantity: 100, Cap: 2, Price: 5000, Currency: "EUR", StartsAt: 1, Hold: int64(time.Hour), Grace: 1}
	if r := away.do(sequencer.Command{Kind: sequencer.KindSaleCreate, Body: sequencer.AppendSaleSpec(nil, &spec)}); r.Code != sequencer.CodeOK {
		t.Fatalf("sale: %v", r.Code)
	}
	f.served[0].Name = "home"
	f.served = append(f.served, Cluster{Name: "elsewhere", Number: 7, Backend: away})
	return f, away
}

// Each sale is bought where it is, and its orders' uids say where that was.
func TestTwoClusters(t *testing.T) {
	f, away := twoClusters(t)
	here, there := f.bought("ann", "?q=1&sale=home"), f.bought("ann", "?q=1&sale=away")
	if here.Seq != there.Seq || here.Order == there.Order {
		t.Fatalf("orders %+v and %+v", here, there)
	}
	for _, d := range []contract.Decision{here, there} {
		o := into[contract.Order](f.call("GET", f.public, d.Callback, "ann", "").want(200, ""))
		if o.UID != d.Order {
			t.Errorf("order %s says it is %s", d.Order, o.UID)
		}
	}
	f.buy("ann", "?q=1").want(400, "sale-required")
	stranger := string(contract.AppendUID(nil, 3, 1, here.Seq))
	f.call("GET", f.public, "/v1/orders/"+stranger, "ann", "").want(404, "unknown-order")
	f.call("DELETE", f.public, there.Callback, "ann", "").want(200, "")
	if view, _, _, _ := away.Order(context.Background(), there.Seq, 0); view.State != sequencer.StateCancelled {
		t.Errorf("there it is %v", view.State)
	}
	if view, _, _, _ := f.backend.Order(context.Background(), here.Seq, 0); view.State != sequencer.StateReserved {
		t.Errorf("here it is %v", view.State)
	}
}

// Lists go over all clusters, page by page, and name nothing twice.
func TestTwoClustersLists(t *testing.T) {
	f, _ := twoClusters(t)
	var want []string
	for _, sale := range [...]string{"home", "home", "away", "away"} {
		want = append(want, f.bought("ann", "?q=1&sale="+sale).Order)
	}
	var got []string
	for cursor := ""; ; {
		page := into[contract.OrderPage](f.call("GET", f.public, "/v1/orders?limit=1"+cursor, "ann", "").want(200, ""))
		got = append(got, page.Orders[0].UID)
		if page.AsOfSeq != nil {
			t.Errorf("a page over two clusters is as of %d", *page.AsOfSeq)
		}
		if !page.HasMore {
			break
		}
		cursor = "&cursor=" + page.Cursor
	}
	if !slices.Equal(got, want) {
		t.Errorf("orders %v, want %v", got, want)
	}
	first := into[contract.SalePage](f.call("GET", f.public, "/v1/tickets?limit=1", "", "").want(200, ""))
	second := into[contract.SalePage](f.call("GET", f.public, "/v1/tickets?limit=1&cursor="+first.Cursor, "", "").want(200, ""))
	if first.Tickets[0].UID != "home" || !first.HasMore || second.Tickets[0].UID != "away" || second.HasMore {
		t.Errorf("pages %+v and %+v", first, second)
	}
}

// A cluster that is down takes no other with it.
func TestOneClusterDown(t *testing.T) {
	f, away := twoClusters(t)
	away.set(func(b *testBackend) { b.fail, b.failReads = sequencer.ErrNoLeader, sequencer.ErrNoLeader })
	f.buy("ann", "?q=1&sale=away").want(503, "no-leader")
	f.buy("ann", "?q=1&sale=home").want(202, "")
	if a := f.call("GET", f.public, "/v1/orders", "ann", "").want(503, "no-leader"); !strings.Contains(string(a.body), "elsewhere") {
		t.Errorf("which cluster? %s", a.body)
	}
	if page := into[contract.SalePage](f.call("GET", f.public, "/v1/tickets", "", "").want(200, "")); len(page.Tickets) != 2 {
		t.Errorf("sales %+v", page)
	}
	// Only its leader could say that there is no such sale.
	f.buy("ann", "?q=1&sale=nowhere").want(503, "no-leader")
	f.served[1].Serves = func(sale string) bool { return sale == "away" }
	f.buy("ann", "?q=1&sale=nowhere").want(404, "unknown-sale")
}

// A sale that was created a moment ago is found by asking the leader.
func TestUnknownSaleIsCaughtUp(t *testing.T) {
	f := serve(t)
	spec := sequencer.SaleSpec{ID: "fresh", Item: "Concert", Quantity: 100, Cap: 2, Currency: "EUR", StartsAt: 1, Hold: int64(time.Hour), Grace: 1}
	f.backend.set(func(b *testBackend) {
		b.onCatchUp = func() {
			b.apply(sequencer.Command{Kind: sequencer.KindSaleCreate, Body: sequencer.AppendSaleSpec(nil, &spec)})
			b.onCatchUp = nil
		}
	})
	f.buy("ann", "?q=1&sale=fresh").want(202, "")
}

// Under load views go first, then polls; buys are never refused here.
func TestShedding(t *testing.T) {
	f := serve(t)
	f.sale("gig", nil)
	d := f.bought("ann", "?q=1")
	for _, c := range []struct {
		load        float64
		views, poll int
		buy         int // bob may have two
	}{{0.49, 200, 200, 202}, {0.5, 503, 200, 202}, {0.75, 503, 503, 200}, {1, 503, 503, 200}} {
		f.backend.set(func(b *testBackend) { b.load = c.load })
		codes := map[int]string{200: "", 503: "overloaded"}
		f.call("GET", f.public, "/v1/tickets", "", "").want(c.views, codes[c.views])
		f.call("GET", f.public, "/v1/tickets/gig", "", "").want(c.views, codes[c.views])
		f.call("GET", f.public, "/v1/orders", "ann", "").want(c.views, codes[c.views])
		f.call("GET", f.public, d.Callback, "ann", "").want(c.poll, codes[c.poll])
		f.buy("bob", "?q=1").want(c.buy, "")
	}
}

// A buy of a closed sale is answered at the door, unless its key may have an
// earlier answer; both answers say the same.
func TestAnsweredAtTheDoor(t *testing.T) {
	f := serve(t)
	f.sale("gig", nil)
	f.seller("POST", "/v1/sales/gig/close", "").want(200, "")
	before := f.backend.decided
	a := f.buy("ann", "?q=1&sale=gig").want(200, "")
	if f.backend.decided != before {
		t.Error("the leader was asked")
	}
	var door contract.DoorDecision
	if err := json.Unmarshal(a.body, &door); err != nil || door.Status != "fail" || door.Reason != "closed" || door.AsOfSeq == 0 {
		t.Fatalf("%s, %v", a.body, err)
	}
	keyed := into[contract.Decision](f.buy("ann", "?q=1&sale=gig", "Idempotency-Key: k").want(200, ""))
	if f.backend.decided != before+1 || keyed.Status != door.Status || keyed.Reason != door.Reason || keyed.Seq == 0 {
		t.Fatalf("with a key %+v, at the door %+v", keyed, door)
	}
}

// Two sellers who change a sale at once do not undo each other.
func TestSaleChangedMeanwhile(t *testing.T) {
	f := serve(t)
	f.sale("gig", nil)
	others := 3
	f.backend.set(func(b *testBackend) {
		b.onChange = func() {
			if others > 0 {
				others--
				b.apply(sequencer.Command{Kind: sequencer.KindSaleQuantity, Sale: 1, Amount: 1})
			}
		}
	})
	f.seller("PATCH", "/v1/sales/gig", `{"quantity":500}`).want(200, "")
	if view, _ := f.backend.SaleByID("gig"); view.Quantity != 500 || others != 0 {
		t.Fatalf("quantity %d, %d others left", view.Quantity, others)
	}
	others = 1000
	f.seller("PATCH", "/v1/sales/gig", `{"quantity":600}`).want(409, "sale-changed")
}
