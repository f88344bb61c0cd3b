package api

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"onsale/api/contract"
	"onsale/internal/ticket"
	"onsale/sequencer"
)

// testSigner makes codes that are none, and counts them.
type testSigner struct {
	off    bool
	fail   error
	signed int
}

func (s *testSigner) TicketCodes(_ context.Context, v *sequencer.OrderView) (coded []ticket.Coded, err error) {
	for _, is := range v.Tickets {
		if !s.off && !is.Revoked {
			s.signed++
			coded = append(coded, ticket.Coded{Number: is.Number, Code: codeOf(is.Number)})
		}
	}
	return coded, s.fail
}

func (s *testSigner) TicketKeys(context.Context) (ticket.ClusterKeys, error) {
	if s.off {
		return ticket.ClusterKeys{}, ticket.ErrOff
	}
	return ticket.ClusterKeys{Births: []ticket.PublicBirth{{Birth: strings.Repeat("0f", 16), Cause: "new", FirstSeq: 1, Keys: []string{strings.Repeat("A", 43) + "="}}},
		AsOf: sequencer.Position{Height: 1}.String()}, s.fail
}

func codeOf(number uint32) string { return fmt.Sprintf("%0*d", ticket.CodeCharacters, number) }

func (b *testBackend) Revocations(ctx context.Context, sale uint16, after uint64, limit int, reached uint64) (page RevokedPage, err error) {
	if err := b.WaitApplied(ctx, reached); err != nil {
		return page, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	page.Revoked, page.Next, page.More = b.state.Revocations(sale, after, limit)
	page.AsOf = b.asOf()
	return page, nil
}

func (b *testBackend) TicketedIn(ctx context.Context, sale uint16, after uint64, limit int, reached uint64) (page TicketedPage, err error) {
	if err := b.WaitApplied(ctx, reached); err != nil {
		return page, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	page.Orders, page.Next, page.More = b.state.TicketedIn(sale, after, limit)
	page.AsOf = b.asOf()
	return page, nil
}

// A paid order shows the codes of its valid tickets to its buyer and to who sells, and to nobody
// else; a list and a change show their numbers.
func TestOrderShowsItsTickets(t *testing.T) {
	f := serve(t)
	f.sale("gig", func(s *sequencer.SaleSpec) { s.Cap = 4 })
	d := f.bought("ann", "?q=3")
	if o := f.orderOf("ann", d.Order); o.Tickets != nil {
		t.Errorf("before it is paid: %+v", o.Tickets)
	}
	f.pay(d.Seq, 3)
	uid := "/v1/orders/" + d.Order
	refund := func(query, key string) *answer {
		return f.call("POST", f.private, uid+"/refund"+query, "@seller", "", "Idempotency-Key: "+key)
	}
	shown := func(a *answer, numbers ...uint32) {
		t.Helper()
		order := into[contract.OrderDetail](a.want(200, ""))
		if len(order.Tickets) != len(numbers) {
			t.Fatalf("%+v, want %v", order.Tickets, numbers)
		}
		for i, number := range numbers {
			if order.Tickets[i] != (contract.OrderTicket{Number: number, Code: codeOf(number)}) {
				t.Errorf("%+v, want number %d", order.Tickets[i], number)
			}
		}
	}
	before := f.call("GET", f.public, uid, "ann", "")
	shown(before, 1, 2, 3)
	shown(f.call("GET", f.private, uid, "@seller", ""), 1, 2, 3)
	shown(f.call("GET", f.private, uid, "@operator", ""), 1, 2, 3)
	signed := f.signer.signed
	for _, a := range []*answer{f.call("GET", f.private, uid, "@auditor", ""), refund("?tickets=2", "k"), refund("?q=1&tickets=2", "k")} {
		if o := into[contract.OrderDetail](a.want(200, "")); len(o.Tickets) < 2 || o.Tickets[0] != (contract.OrderTicket{Number: 1}) {
			t.Errorf("%s", a.body)
		}
	}
	if page := into[contract.OrderPage](f.call("GET", f.public, "/v1/orders", "ann", "").want(200, "")); len(page.Orders[0].Tickets) != 2 || f.signer.signed != signed {
		t.Errorf("%+v, %d were signed", page.Orders[0].Tickets, f.signer.signed-signed)
	}
	shown(f.call("GET", f.public, uid, "ann", "", "If-None-Match: "+before.header.Get("ETag")), 1, 3)

	refund("?tickets=1", "k").want(422, "key-reused")
	refund("?tickets=2", "l").want(404, "unknown-ticket")
	refund("?q=2&tickets=3", "l").want(400, "bad-request")
	for _, odd := range []string{"", "0", "03", "3,1", "1,1", "x", "1,", "4294967296", "%2C"} {
		refund("?tickets="+odd, "l").want(400, "bad-request")
	}
	refund("?tickets=1%2C3", "l").want(200, "")
	shown(f.call("GET", f.public, uid, "ann", ""))

	f.signer.fail = sequencer.ErrNoLeader
	other := f.bought("ann", "?q=1")
	f.pay(other.Seq, 1)
	f.call("GET", f.public, "/v1/orders/"+other.Order, "ann", "").want(503, "no-leader")
}

// The picture of a ticket is for who may see its code.
func TestTicketPicture(t *testing.T) {
	f := serve(t)
	f.sale("gig", nil)
	d := f.bought("ann", "?q=2")
	f.pay(d.Seq, 2)
	path := "/v1/orders/" + d.Order + "/tickets/"
	for _, at := range []struct{ listener, who string }{{f.public, "ann"}, {f.private, "@seller"}, {f.private, "@operator"}} {
		a := f.call("GET", at.listener, path+"2.svg", at.who, "").want(200, "")
		want, err := ticket.Picture(codeOf(2))
		if must(t, err); string(a.body) != string(want) || a.header.Get("Content-Type") != ticket.PictureType || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v, %.100s", at.who, a.header, a.body)
		}
	}
	f.call("GET", f.private, path+"2.svg", "@auditor", "").want(403, "forbidden")
	f.call("GET", f.public, path+"2.svg", "bob", "").want(404, "unknown-order")
	f.call("GET", f.public, path+"3.svg", "ann", "").want(404, "unknown-ticket")
	for _, odd := range []string{"2", "2.png", "x.svg", "02.svg", ".svg"} {
		f.call("GET", f.public, path+odd, "ann", "").want(404, "not-found")
	}
	f.signer.off = true
	f.call("GET", f.public, path+"2.svg", "ann", "").want(501, "tickets-off")
}

// The keys are everybody's, and there are none where nothing is signed.
func TestTicketKeys(t *testing.T) {
	f := serve(t)
	if keys := into[ticket.Keys](f.call("GET", f.public, keysPath, "", "").want(200, "")); len(keys.Clusters) != 1 || len(keys.Clusters[0].Births) != 1 {
		t.Errorf("%+v", keys)
	}
	f.signer.off = true
	f.call("GET", f.public, keysPath, "", "").want(501, "tickets-off")
}

// What was revoked comes in pages, of one sale, and later what was since.
func TestRevocations(t *testing.T) {
	f := serve(t)
	f.sale("gig", nil)
	f.sale("other", nil)
	for i, sale := range []string{"gig", "other", "gig"} {
		d := f.bought(fmt.Sprint("u", i), "?q=2&sale="+sale)
		f.pay(d.Seq, 2)
		f.seller("POST", "/v1/orders/"+d.Order+"/refund", "").want(200, "")
	}
	page := func(query string) ticket.Revoked {
		t.Helper()
		return into[ticket.Revoked](f.seller("GET", "/v1/sales/gig/revocations"+query, "").want(200, ""))
	}
	all := page("")
	if fmt.Sprint(all.Numbers) != "[1 2 3 4]" || all.More || all.Sale != "gig" || all.SaleNumber != 1 {
		t.Errorf("%+v", all)
	}
	one := page("?limit=1")
	if next := page(fmt.Sprint("?limit=2&after=", one.After)); fmt.Sprint(one.Numbers, one.More, next.Numbers) != "[1] true [2 3]" {
		t.Errorf("%+v, %+v", one, next)
	}
	if none := page(fmt.Sprint("?after=", all.After)); len(none.Numbers) != 0 || none.More || none.After != all.After {
		t.Errorf("%+v", none)
	}
	f.seller("GET", "/v1/sales/gig/revocations?after=x", "").want(400, "bad-request")
	f.seller("GET", "/v1/sales/none/revocations", "").want(404, "unknown-sale")
}

// The list for the entrance has all tickets by number, with whose they are, and codes of what is
// valid; in pages of so many orders, for who sells.
func TestSaleTickets(t *testing.T) {
	f := serve(t)
	f.sale("gig", nil)
	f.sale("other", nil)
	var uids []string
	for i, sale := range []string{"gig", "other", "gig"} {
		d := f.bought(fmt.Sprint("u", i), "?q=2&sale="+sale)
		f.pay(d.Seq, 2)
		uids = append(uids, d.Order)
	}
	f.call("POST", f.private, "/v1/orders/"+uids[0]+"/refund?tickets=1", "@seller", "", "Idempotency-Key: k").want(200, "")
	page := func(query string) contract.SaleTicketPage {
		t.Helper()
		return into[contract.SaleTicketPage](f.seller("GET", "/v1/sales/gig/tickets"+query, "").want(200, ""))
	}
	want := []contract.SaleTicket{{Number: 1, Revoked: true, Order: uids[0], UserID: "u0"}, {Number: 2, Order: uids[0], UserID: "u0", Code: codeOf(2)},
		{Number: 3, Order: uids[2], UserID: "u2", Code: codeOf(3)}, {Number: 4, Order: uids[2], UserID: "u2", Code: codeOf(4)}}
	all := page("")
	if !slices.Equal(all.Tickets, want) || all.HasMore || all.AsOf == "" {
		t.Errorf("%+v, want %+v", all, want)
	}
	one := page("?limit=1")
	next := page(fmt.Sprint("?limit=2&after=", one.After))
	if !slices.Equal(append(one.Tickets, next.Tickets...), want) || !one.HasMore || next.HasMore {
		t.Errorf("%+v, %+v", one, next)
	}
	if none := page(fmt.Sprint("?after=", all.After)); len(none.Tickets) != 0 || none.HasMore || none.After != all.After {
		t.Errorf("%+v", none)
	}
	f.call("GET", f.private, "/v1/sales/gig/tickets", "@auditor", "").want(403, "forbidden")
	f.seller("GET", "/v1/sales/gig/tickets?after=x", "").want(400, "bad-request")
	f.seller("GET", "/v1/sales/none/tickets", "").want(404, "unknown-sale")

	f.signer.off = true
	if all := page(""); len(all.Tickets) != 4 || all.Tickets[1].Code != "" {
		t.Errorf("without a key: %+v", all.Tickets)
	}
	f.signer.fail = sequencer.ErrNoLeader
	f.seller("GET", "/v1/sales/gig/tickets", "").want(503, "no-leader")
}
