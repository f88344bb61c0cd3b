package api

import (
	"errors"
	"strings"
	"testing"

	"onsale/api/contract"
	"onsale/sequencer"
)

// One of several tickets of a reservation is given back, once for a key; all of them is a cancel.
func TestCancelPart(t *testing.T) {
	f := serve(t)
	f.sale("gig", func(s *sequencer.SaleSpec) { s.Cap = 3 })
	d := f.bought("ann", "?q=3")
	for range 2 {
		a := f.call("DELETE", f.public, d.Callback+"?q=1", "ann", "", "Idempotency-Key: k").want(200, "")
		if o := into[contract.Order](a); o.State != "reserved" || o.Quantity != 2 || o.ExpiresAt == nil {
			t.Errorf("%s", a.body)
		}
	}
	f.call("DELETE", f.public, d.Callback+"?q=2", "ann", "", "Idempotency-Key: k").want(422, "key-reused")
	f.call("DELETE", f.public, d.Callback+"?q=3", "ann", "").want(409, "invalid-quantity")
	f.call("DELETE", f.public, d.Callback+"?q=0", "ann", "").want(400, "bad-request")
	f.call("DELETE", f.public, d.Callback+"?q=1", "bob", "").want(404, "unknown-order")
	if o := into[contract.Order](f.call("GET", f.public, d.Callback, "ann", "").want(200, "")); o.Quantity != 2 || o.MoneyBack != "" || len(o.Parts) != 0 {
		t.Errorf("%+v", o)
	}
	if o := into[contract.Order](f.call("DELETE", f.public, d.Callback+"?q=2", "ann", "").want(200, "")); o.State != "cancelled" {
		t.Errorf("%+v", o)
	}
}

// One of two paid tickets is refunded, once for a key, and the order says where its money is.
func TestRefundPart(t *testing.T) {
	f := serve(t)
	f.sale("gig", nil)
	paid := f.bought("ann", "?q=2")
	f.pay(paid.Seq, 2)
	before := f.call("GET", f.public, paid.Callback, "ann", "").want(200, "").header.Get("ETag")
	refund := "/v1/orders/" + paid.Order + "/refund"
	for range 2 {
		a := f.call("POST", f.private, refund+"?q=1", "@seller", "", "Idempotency-Key: k").want(200, "")
		o := into[contract.Order](a)
		want := contract.OrderPart{Part: 1, Quantity: 1, MoneyBack: contract.MoneyDue}
		if o.State != "paid" || o.Quantity != 1 || o.MoneyBack != contract.MoneyDue || len(o.Parts) != 1 || o.Parts[0] != want {
			t.Errorf("%s", a.body)
		}
	}
	f.call("GET", f.public, paid.Callback, "ann", "", "If-None-Match: "+before).want(200, "")
	for _, odd := range []string{strings.Repeat("k", sequencer.KeyBytesMax+1), "\u00e4"} {
		f.call("POST", f.private, refund+"?q=1", "@seller", "", "Idempotency-Key: "+odd).want(400, "bad-request")
	}
	f.call("POST", f.private, refund+"?q=2", "@seller", "", "Idempotency-Key: k").want(422, "key-reused")
	f.call("POST", f.private, refund+"?q=1", "@seller", "").want(400, "bad-request") // repeated, it would be another ticket
	f.call("POST", f.private, refund+"?q=2", "@seller", "", "Idempotency-Key: other").want(409, "invalid-quantity")
	if o := into[contract.Order](f.seller("POST", refund, "").want(200, "")); o.State != "refunded" || o.Parts[0].MoneyBack != contract.MoneyDue {
		t.Errorf("%+v", o)
	}
	report := into[contract.Report](f.seller("GET", "/v1/sales/gig/report", "").want(200, ""))
	if report.Money.Gross != 10000 || report.Money.Refunded != 10000 || report.Tickets.Withheld != 2 {
		t.Errorf("%+v", report)
	}
}

// The client gives back and refunds under a key.
func TestClientsParts(t *testing.T) {
	f := serve(t)
	f.sale("gig", func(s *sequencer.SaleSpec) { s.Cap = 3 })
	d := f.bought("ann", "?q=3")
	for range 2 {
		if o, err := f.buyer("ann").CancelTickets(t.Context(), d.Order, 1, "k"); err != nil || o.Quantity != 2 {
			t.Errorf("%+v, %v", o, err)
		}
	}
	f.pay(d.Seq, 2)
	for range 2 {
		if o, err := f.sellerClient().RefundTickets(t.Context(), d.Order, 1, "k"); err != nil || o.Quantity != 1 || o.State != "paid" {
			t.Errorf("%+v, %v", o, err)
		}
	}
	if _, err := f.sellerClient().RefundTickets(t.Context(), d.Order, 2, "other"); !errors.Is(err, contract.ErrInvalidQuantity) {
		t.Error(err)
	}
}

// What an order says of its parts' money, and of its own: the worst of all.
func TestMoneyOfParts(t *testing.T) {
	part := func(state sequencer.PartState) sequencer.Part {
		p := sequencer.Part{Quantity: 1, State: state, Attempts: 1}
		if state == sequencer.PartFailed || state == sequencer.PartAcknowledged {
			p.Fails, p.Reason = 1, sequencer.ReasonDisputed
		}
		return p
	}
	for _, c := range []struct {
		parts        []sequencer.PartState
		whole        string
		acknowledged bool
		each         []string
	}{
		{[]sequencer.PartState{sequencer.PartUnpaid}, "", false, nil},
		{[]sequencer.PartState{sequencer.PartSpared, sequencer.PartReturned}, "done", false, []string{"done", "done"}},
		{[]sequencer.PartState{sequencer.PartUnpaid, sequencer.PartDue, sequencer.PartFailed}, "due", false, []string{"due", "failed"}},
		{[]sequencer.PartState{sequencer.PartFailed, sequencer.PartReturned}, "failed", false, []string{"failed", "done"}},
		{[]sequencer.PartState{sequencer.PartAcknowledged}, "failed", true, []string{"failed"}},
	} {
		v := sequencer.OrderView{Seq: 2, Sale: 1, State: sequencer.StatePaid, Quantity: 1, Attempts: 1}
		for _, state := range c.parts {
			v.Parts = append(v.Parts, part(state))
		}
		o := contract.OrderOf(&v, v.UID())
		if o.MoneyBack != c.whole || o.MoneyBackAcknowledged != c.acknowledged || len(o.Parts) != len(c.each) {
			t.Errorf("%v: %+v", c.parts, o)
			continue
		}
		for i, want := range c.each {
			if o.Parts[i].MoneyBack != want {
				t.Errorf("%v: part %d is %s, want %s", c.parts, i, o.Parts[i].MoneyBack, want)
			}
		}
	}
}

// A seller cancels anybody's order that is not paid, or a part of it, once for a key, and of the own
// sales only.
func TestSellersCancel(t *testing.T) {
	f := serve(t)
	f.sale("gig", func(s *sequencer.SaleSpec) { s.Quantity, s.Waitlist = 2, 5 })
	held, waiting := f.bought("ann", "?q=2"), f.bought("bob", "?q=2")
	path := "/v1/orders/" + held.Order
	for range 2 {
		a := f.call("DELETE", f.private, path+"?q=1", "@seller", "", "Idempotency-Key: k").want(200, "")
		if o := into[contract.Order](a); o.State != "reserved" || o.Quantity != 1 {
			t.Errorf("%+v", o)
		}
	}
	if last := f.backend.last; last.Kind != sequencer.KindWithdraw || string(last.Actor) != "@seller" || len(last.User) != 0 {
		t.Errorf("decided %+v", last)
	}
	f.call("DELETE", f.private, path+"?q=2", "@seller", "", "Idempotency-Key: other").want(409, "invalid-quantity")
	f.call("DELETE", f.private, path+"?q=2", "@seller", "", "Idempotency-Key: k").want(422, "key-reused")
	f.call("DELETE", f.private, path, "@seller", "x").want(400, "bad-request")
	f.call("DELETE", f.private, path, "ann", "").want(403, "forbidden")
	f.call("DELETE", f.private, path, "@auditor", "").want(403, "forbidden")
	f.call("DELETE", f.private, path, "@seller:arena*", "").want(404, "unknown-order")
	if o := into[contract.Order](f.call("DELETE", f.private, path, "@seller:gig", "").want(200, "")); o.State != "cancelled" {
		t.Errorf("%+v", o)
	}
	if o := into[contract.Order](f.call("GET", f.public, waiting.Callback, "bob", "").want(200, "")); o.State != "reserved" {
		t.Errorf("who waited: %+v", o)
	}
	f.pay(waiting.Seq, 2)
	if a := f.call("DELETE", f.private, "/v1/orders/"+waiting.Order, "@operator", "").want(409, "not-cancellable"); a.problem.State != "paid" {
		t.Errorf("%+v", a.problem)
	}
	f.call("DELETE", f.private, "/v1/orders/000G0000000000ZZ", "@seller", "").want(404, "unknown-order")

	d := f.bought("cid", "?q=2")
	seller := f.sellerClient()
	if o, err := seller.WithdrawTickets(t.Context(), d.Order, 1, "w"); err != nil || o.Quantity != 1 {
		t.Errorf("%+v %v", o, err)
	}
	if o, err := seller.WithdrawOrder(t.Context(), d.Order); err != nil || o.State != "cancelled" {
		t.Errorf("%+v %v", o, err)
	}
}
