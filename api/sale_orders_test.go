package api

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"onsale/api/client"
	"onsale/api/contract"
	"onsale/sequencer"
)

// saleOrders returns the uids of all pages of a search.
func (f *fixture) saleOrders(query string) (uids []string) {
	f.t.Helper()
	for after := ""; ; {
		page := into[contract.OrderPage](f.call("GET", f.private, "/v1/sales/gig/orders?limit=2"+query+after, "@auditor", "").want(200, ""))
		if len(page.Orders) > 2 || page.AsOfSeq == nil || page.AsOf == "" {
			f.t.Errorf("%s: %+v", query, page)
		}
		for i := range page.Orders {
			uids = append(uids, page.Orders[i].UID)
		}
		if after = "&after=" + page.Cursor; !page.HasMore {
			return uids
		}
	}
}

// Who bought: the orders of one sale, by state, buyer and reference, page by page.
func TestSaleOrders(t *testing.T) {
	f := serve(t)
	f.sale("gig", func(s *sequencer.SaleSpec) { s.Cap = 10 })
	f.sale("other", nil)
	var all, anns []string
	for i := range 7 {
		user := []string{"ann", "bób+"}[i%2]
		d := f.bought(user, fmt.Sprintf("?q=1&sale=gig&reference=cart%%20%d", i%3))
		all = append(all, d.Order)
		if user == "ann" {
			anns = append(anns, d.Order)
		}
		f.bought(user, "?q=1&sale=other")
		f.pay(d.Seq, 1)
		if i == 3 {
			break
		}
	}
	reserved := f.bought("ann", "?q=1&sale=gig").Order
	all, anns = append(all, reserved), append(anns, reserved)
	for query, want := range map[string][]string{
		"": all, "&user=ann": anns, "&user=b%C3%B3b%2B": {all[1], all[3]}, "&state=paid": all[:4], "&state=reserved": {reserved}, "&state=expired": nil,
		"&reference=cart%200": {all[0], all[3]}, "&reference=none": nil, "&user=ann&reference=cart%202": {all[2]}, "&user=ann&state=paid": {all[0], all[2]}, "&user=nobody": nil,
	} {
		if got := f.saleOrders(query); !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", query, got, want)
		}
	}
	for _, query := range []string{"state=none", "state=", "user=", "user=a+b", "user=%ff", "reference=a%0ab", "after=none", "after=arena", "after=000R000000000003", "limit=101", "cursor=x", "sale=gig", "after_seq=x"} {
		f.call("GET", f.private, "/v1/sales/gig/orders?"+query, "@seller", "").want(400, "bad-request")
	}
	f.call("GET", f.private, "/v1/sales/none/orders", "@seller", "").want(404, "unknown-sale")
	f.call("GET", f.private, "/v1/sales/gig/orders?after_seq=9999", "@seller", "").want(503, "behind")
	f.call("GET", f.private, "/v1/sales/gig/orders", "ann", "").want(403, "forbidden")

	var told []string
	for order, err := range f.sellerClient().AllOrders(t.Context(), "gig", client.OrderFilter{User: "bób+"}) {
		must(t, err)
		told = append(told, order.UID)
	}
	if want := []string{all[1], all[3]}; !slices.Equal(told, want) {
		t.Errorf("the client finds %v, want %v", told, want)
	}
}

// A search in which nothing is found for long ends with a cursor, and goes on from there.
func TestSaleOrdersEndsInTime(t *testing.T) {
	f := serve(t)
	f.sale("gig", nil)
	for i := range 3 {
		f.bought(fmt.Sprint("user ", i), "?q=1&sale=gig")
	}
	f.backend.set(func(b *testBackend) { b.onSearch = func() { f.clock.Add(int64(searchTime + time.Millisecond)) } })
	page := into[contract.OrderPage](f.call("GET", f.private, "/v1/sales/gig/orders?limit=3", "@seller", "").want(200, ""))
	if len(page.Orders) != 1 || !page.HasMore || page.Cursor == "" {
		t.Fatalf("%+v", page)
	}
	f.backend.set(func(b *testBackend) { b.onSearch = nil })
	page = into[contract.OrderPage](f.call("GET", f.private, "/v1/sales/gig/orders?limit=3&after="+page.Cursor, "@seller", "").want(200, ""))
	if len(page.Orders) != 2 || page.HasMore {
		t.Errorf("%+v", page)
	}
}

// One order as sellers see it: any buyer's, with its payments.
func TestSellersOrder(t *testing.T) {
	f := serve(t)
	f.sale("gig", nil)
	d := f.bought("ann", "?q=2&sale=gig&reference=cart-1")
	show := func() contract.OrderDetail {
		t.Helper()
		return into[contract.OrderDetail](f.call("GET", f.private, "/v1/orders/"+d.Order, "@seller", "").want(200, ""))
	}
	if is := show(); is.UserID != "ann" || is.Reference != "cart-1" || len(is.Payments) != 0 {
		t.Errorf("%+v", is)
	}
	step := func(c sequencer.Command) contract.OrderPayment {
		t.Helper()
		c.Order, c.User = d.Seq, []byte("ann")
		if r := f.backend.do(c); r.Code != sequencer.CodeOK {
			t.Fatalf("%v: %v", c.Kind, r.Code)
		}
		is := show()
		return is.Payments[len(is.Payments)-1]
	}
	ref := func(n uint8) string { return refOf(d.Order, n) }
	for i, c := range []struct {
		command sequencer.Command
		want    contract.OrderPayment
	}{
		{sequencer.Command{Kind: sequencer.KindPayBegin, Amount: 10000, Reference: []byte("a")}, contract.OrderPayment{Attempt: 1, PaymentRef: ref(1), Outcome: "open"}},
		{sequencer.Command{Kind: sequencer.KindPayResult, Attempt: 1, Outcome: sequencer.PayRejected, Reason: sequencer.ReasonDeclined},
			contract.OrderPayment{Attempt: 1, PaymentRef: ref(1), Outcome: "rejected", Reason: "declined"}},
		{sequencer.Command{Kind: sequencer.KindPayBegin, Amount: 10000, Reference: []byte("a")}, contract.OrderPayment{Attempt: 2, PaymentRef: ref(2), Outcome: "open"}},
		{sequencer.Command{Kind: sequencer.KindPayResult, Attempt: 2, Outcome: sequencer.PayAccepted}, contract.OrderPayment{Attempt: 2, PaymentRef: ref(2), Outcome: "accepted"}},
		{sequencer.Command{Kind: sequencer.KindPayCaptured, Attempt: 2, Amount: 10000}, contract.OrderPayment{Attempt: 2, PaymentRef: ref(2), Outcome: "accepted", Captured: true}},
		{sequencer.Command{Kind: sequencer.KindRefund}, contract.OrderPayment{Attempt: 2, PaymentRef: ref(2), Outcome: "accepted", Captured: true, MoneyBack: "due"}},
		{sequencer.Command{Kind: sequencer.KindPayVoided, Attempt: 2, Outcome: sequencer.PayRefunded}, contract.OrderPayment{Attempt: 2, PaymentRef: ref(2), Outcome: "accepted", Captured: true, MoneyBack: "done"}},
	} {
		if i == 2 {
			f.clock.Add(int64(time.Minute)) // attempts are apart
		}
		if got := step(c.command); got != c.want {
			t.Errorf("after %v: %+v, want %+v", c.command.Kind, got, c.want)
		}
	}
	if is := show(); is.Payments[0].Outcome != contract.AttemptEnded {
		t.Errorf("the first attempt: %+v", is.Payments[0])
	}
	f.call("GET", f.private, "/v1/orders/"+d.Order, "ann", "").want(403, "forbidden")
	history, err := f.sellerClient().OrderHistory(t.Context(), d.Order, "5")
	if err != nil || history.Order != d.Order || history.Events[0].Seq != d.Seq+5 {
		t.Errorf("history %+v, %v", history, err)
	}
	f.call("GET", f.private, "/v1/orders/"+d.Order+"/history?after=x", "@seller", "").want(400, "bad-request")
	f.call("GET", f.private, "/v1/orders/"+d.Order+"/history?after=7", "@auditor", "").want(409, "journal-incomplete")
	f.call("GET", f.private, "/v1/orders/000G000000000099/history", "@seller", "").want(404, "unknown-order")
	f.call("GET", f.private, "/v1/orders/"+d.Order+"?wait=1s", "@seller", "").want(400, "bad-request")
	whole := f.call("GET", f.private, "/v1/orders/"+d.Order+"?after_seq="+fmt.Sprint(d.Seq), "@seller", "").want(200, "")
	if a := f.call("GET", f.private, "/v1/orders/"+d.Order, "@seller", "", "If-None-Match: "+whole.header.Get("ETag")); a.status != 304 || len(a.body) > 0 {
		t.Errorf("%d %s", a.status, a.body)
	}
	f.call("GET", f.private, "/v1/orders/000G000000000099", "@seller", "").want(404, "unknown-order")
}
