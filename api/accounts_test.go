package api

import (
	"errors"
	"strings"
	"testing"

	"onsale/api/contract"
	"onsale/payment"
	"onsale/sequencer"
)

// An operator accepts another account, and settles what was charged under the last one: nobody
// else may, without a reason nobody does, and what can still be asked is refused.
func TestAccountsByHand(t *testing.T) {
	f := serve(t)
	f.sale("gig", nil)
	paying := f.bought("ann", "?q=1")
	f.backend.do(sequencer.Command{Kind: sequencer.KindPayBegin, Order: paying.Seq, User: []byte("ann"), Amount: 5000, Reference: []byte("stripe/test/a")})
	settle, accept := "/v1/orders/"+paying.Order+"/settle", "/v1/payments/account"
	const captured, other = `{"as":"captured","reason":"on their statement"}`, `{"account":"stripe/test/b","reason":"the shop was sold"}`

	for _, who := range []string{"@auditor", "@seller"} {
		f.call("POST", f.private, accept, who, other).want(403, "forbidden")
		f.call("POST", f.private, settle, who, captured).want(403, "forbidden")
	}
	for _, bad := range []string{`{}`, `{"account":"","reason":"x"}`, `{"account":"a b","reason":"x"}`, `{"account":"a"}`,
		`{"account":"` + strings.Repeat("a", sequencer.AccountBytesMax+1) + `","reason":"x"}`, `{"account":"a","reason":"a\nb"}`} {
		f.call("POST", f.private, accept, "@operator", bad).want(400, "bad-request")
	}
	for _, bad := range []string{`{}`, `{"as":"captured"}`, `{"as":"lost","reason":"x"}`, `{"as":"captured","reason":""}`} {
		f.call("POST", f.private, settle, "@operator", bad).want(400, "bad-request")
	}
	f.call("POST", f.private, settle, "@operator", captured).want(409, "account-in-use")
	for range 2 {
		if is := into[contract.Account](f.call("POST", f.private, accept, "@operator", other).want(200, "")); is.Account != "stripe/test/b" {
			t.Errorf("%+v", is)
		}
	}
	if last := f.backend.last; string(last.Actor) != "@operator" || string(last.Body) != "the shop was sold" {
		t.Errorf("%+v", last)
	}
	f.call("POST", f.private, settle, "@operator", `{"as":"refunded","reason":"x"}`).want(409, "not-unsettled")
	if order := into[contract.Order](f.call("POST", f.private, settle, "@operator", captured).want(200, "")); order.State != "paid" {
		t.Errorf("%+v", order)
	}
	if last := f.backend.last; last.Kind != sequencer.KindSettle || string(last.Actor) != "@operator" || string(last.Body) != "on their statement" {
		t.Errorf("%+v", last)
	}
	f.call("POST", f.private, settle, "@operator", captured).want(409, "not-unsettled")
	f.call("POST", f.private, "/v1/orders/"+sequencer.FormatUID(1, 1<<40)+"/settle", "@operator", captured).want(404, "unknown-order")
}

// A buyer hears that payments wait for the operator.
func TestAccountOfABuyer(t *testing.T) {
	if kind := contract.KindOf(errors.Join(payment.ErrOtherAccount)); kind.Entry().Code != "provider-account" || kind.Entry().Status != 503 || !kind.Entry().Retry {
		t.Errorf("%+v", kind.Entry())
	}
}
