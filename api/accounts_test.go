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
	const captured, other = `{"attempt":1,"as":"captured","amount":5000,"reason":"on their statement"}`, `{"account":"stripe/test/b","reason":"the shop was sold"}`

	for _, who := range []string{"@auditor", "@seller"} {
		f.call("POST", f.private, accept, who, other).want(403, "forbidden")
		f.call("POST", f.private, settle, who, captured).want(403, "forbidden")
	}
	for _, bad := range []string{`{}`, `{"account":"","reason":"x"}`, `{"account":"a b","reason":"x"}`, `{"account":"a"}`,
		`{"account":"` + strings.Repeat("a", sequencer.AccountBytesMax+1) + `","reason":"x"}`, `{"account":"a","reason":"a\nb"}`} {
		f.call("POST", f.private, accept, "@operator", bad).want(400, "bad-request")
	}
	for _, bad := range []string{`{}`, `{"attempt":1,"as":"captured","amount":1}`, `{"attempt":1,"as":"lost","amount":1,"reason":"x"}`,
		`{"attempt":1,"as":"captured","amount":1,"reason":""}`, `{"as":"captured","amount":1,"reason":"x"}`, `{"attempt":1,"as":"captured","reason":"x"}`,
		`{"attempt":1,"as":"refunded","reason":"x"}`, `{"attempt":1,"as":"not_charged","amount":1,"reason":"x"}`, `{"attempt":1,"part":1,"as":"captured","amount":1,"reason":"x"}`,
		`{"attempt":1,"as":"captured","amount":-1,"reason":"x"}`, `{"attempt":2,"as":"captured","amount":5000,"reason":"x"}`} {
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
	f.call("POST", f.private, settle, "@operator", `{"attempt":1,"as":"refunded","amount":5000,"reason":"x"}`).want(409, "not-unsettled")
	f.call("POST", f.private, settle, "@operator", `{"attempt":1,"as":"captured","amount":4900,"reason":"x"}`).want(409, "amount-mismatch").tells("the order is paying, and that is not 49.00\u00a0EUR but 50.00\u00a0EUR")
	if order := into[contract.Order](f.call("POST", f.private, settle, "@operator", captured).want(200, "")); order.State != "paid" {
		t.Errorf("%+v", order)
	}
	if last := f.backend.last; last.Kind != sequencer.KindSettle || string(last.Actor) != "@operator" || string(last.Body) != "on their statement" {
		t.Errorf("%+v", last)
	}
	f.call("POST", f.private, settle, "@operator", captured).want(200, "")
	f.call("POST", f.private, settle, "@operator", `{"attempt":1,"as":"not_charged","reason":"x"}`).want(409, "not-unsettled")
	f.call("POST", f.private, "/v1/orders/"+sequencer.FormatUID(1, 1<<40)+"/settle", "@operator", captured).want(404, "unknown-order")
}

// An operator's answer is lost, and the word repeated when a later attempt is under way, whose account
// is lost as well: that attempt is not settled by it, and the word is no word about it either.
func TestSettledLate(t *testing.T) {
	f := serve(t)
	f.sale("gig", nil)
	order := f.bought("ann", "?q=1")
	begin := sequencer.Command{Kind: sequencer.KindPayBegin, Order: order.Seq, User: []byte("ann"), Amount: 5000, Reference: []byte("stripe/test/a")}
	accept := func(account string) {
		f.call("POST", f.private, "/v1/payments/account", "@operator", `{"account":"`+account+`","reason":"x"}`).want(200, "")
	}
	settle := func(word string) *answer {
		return f.call("POST", f.private, "/v1/orders/"+order.Order+"/settle", "@operator", word)
	}
	f.backend.do(begin)
	accept("stripe/test/b")
	const nothing = `{"attempt":1,"as":"not_charged","reason":"on no statement"}`
	if is := into[contract.Order](settle(nothing).want(200, "")); is.State != "reserved" {
		t.Fatalf("%+v", is)
	}
	begin.Reference = []byte("stripe/test/b")
	f.backend.do(begin)
	accept("stripe/test/c")
	if is := into[contract.Order](settle(nothing).want(200, "")); is.State != "paying" || is.Attempts != 2 {
		t.Errorf("%+v", is)
	}
	settle(`{"attempt":1,"as":"captured","amount":5000,"reason":"x"}`).want(409, "stale-attempt").tells("the order is paying, and its newest attempt to pay is 2")
	settle(`{"attempt":3,"as":"not_charged","reason":"x"}`).want(400, "bad-request").tells("the order is paying, with 2 attempts to pay and 0 parts")
}

// A seller's word on one part that could not go back is repeated when another part could not either:
// nobody has seen that.
func TestAcknowledgedLate(t *testing.T) {
	f := serve(t)
	f.sale("gig", nil)
	paid := f.bought("ann", "?q=2")
	f.pay(paid.Seq, 2)
	f.backend.do(sequencer.Command{Kind: sequencer.KindPayCaptured, Order: paid.Seq, Attempt: 1, Amount: 10000})
	path := "/v1/orders/" + paid.Order
	fail := func(part uint8) {
		f.call("POST", f.private, path+"/refund?q=1", "@seller", "", "Idempotency-Key: k").want(200, "")
		if result := f.backend.do(sequencer.Command{Kind: sequencer.KindPayBounced, Order: paid.Seq, Attempt: 1, Part: part, Count: 1, Reason: sequencer.ReasonDisputed}); result.Code != sequencer.CodeOK {
			t.Fatal(result)
		}
	}
	fail(1)
	const seen = `{"attempt":1,"part":1,"reason":"the bank has it"}`
	if is := into[contract.Order](f.seller("POST", path+"/acknowledge", seen).want(200, "")); !is.MoneyBackAcknowledged {
		t.Errorf("%+v", is)
	}
	f.seller("POST", path+"/acknowledge", `{"attempt":1,"part":2,"reason":"x"}`).want(400, "bad-request")
	f.seller("POST", path+"/acknowledge", `{"attempt":1,"reason":"x"}`).want(409, "not-failed")
}

// A buyer hears that payments wait for the operator.
func TestAccountOfABuyer(t *testing.T) {
	if kind := contract.KindOf(errors.Join(payment.ErrOtherAccount)); kind.Entry().Code != "provider-account" || kind.Entry().Status != 503 || !kind.Entry().Retry {
		t.Errorf("%+v", kind.Entry())
	}
}
