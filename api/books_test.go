package api

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"onsale/api/contract"
	"onsale/sequencer"
)

// A refund of an orphan names a charge and says why, in words for a record.
func TestOrphanRefundBodies(t *testing.T) {
	f := serve(t)
	key := refOf("000G000000000003", 1)
	body := func(key, reason string) string { return fmt.Sprintf(`{"payment":%q,"reason":%q}`, key, reason) }
	const path = "/v1/payments/orphans/refund"
	for name, bad := range map[string]string{
		"no key": body("", "lost"), "half a key": body("000G000000000003-01", "lost"), "no reason": body(key, ""),
		"a long reason": body(key, strings.Repeat("x", contract.ReasonBytesMax+1)), "two lines": body(key, "a\nb"),
		"a field more": `{"payment":"` + key + `","reason":"lost","amount":1}`,
	} {
		t.Log(name)
		f.seller("POST", path, bad).want(400, "bad-request")
	}
	f.seller("POST", path, body(key, strings.Repeat("x", contract.ReasonBytesMax))).want(501, "payments-off")
	f.seller("GET", "/v1/payments/disputes", "").want(501, "payments-off")
	f.seller("GET", "/v1/payments/orphans", "").want(501, "payments-off")
	f.call("POST", f.private, path, "@auditor", body(key, "lost")).want(403, "forbidden")
}

// A seller acknowledges what failed, with a reason, and the order shows it; what did not fail
// is not acknowledged.
func TestAcknowledge(t *testing.T) {
	f := serve(t)
	f.sale("gig", nil)
	paid := f.bought("ann", "?q=2")
	f.pay(paid.Seq, 2)
	path := "/v1/orders/" + paid.Order + "/acknowledge"
	const body = `{"attempt":1,"reason":"paid back in cash"}`
	f.seller("POST", "/v1/orders/"+paid.Order+"/refund", "").want(200, "")
	f.seller("POST", path, body).want(409, "not-failed")
	failed := f.backend.do(sequencer.Command{Kind: sequencer.KindPayBounced, Order: paid.Seq, Attempt: 1, Count: 1, Reason: sequencer.ReasonDisputed})
	if failed.Code != sequencer.CodeOK {
		t.Fatal(failed)
	}
	if order := f.orderOf("ann", paid.Order); order.MoneyBack != "failed" || order.MoneyBackReason != "disputed" || order.MoneyBackAcknowledged {
		t.Errorf("%+v", order)
	}
	for _, bad := range []string{`{}`, `{"reason":"x"}`, `{"attempt":1,"reason":""}`, `{"attempt":1,"reason":"a\nb"}`, `{"attempt":1,"reason":"` + strings.Repeat("x", contract.ReasonBytesMax+1) + `"}`} {
		f.seller("POST", path, bad).want(400, "bad-request")
	}
	f.call("POST", f.private, path, "@auditor", body).want(403, "forbidden")
	f.seller("POST", "/v1/orders/"+sequencer.FormatUID(1, 1<<40)+"/acknowledge", body).want(404, "unknown-order")
	for range 2 {
		if order := into[contract.Order](f.seller("POST", path, body).want(200, "")); order.MoneyBack != "failed" || !order.MoneyBackAcknowledged {
			t.Errorf("%+v", order)
		}
	}
	if last := f.backend.last; string(last.Actor) != "@seller" || string(last.Body) != "paid back in cash" {
		t.Errorf("%+v", last)
	}
	if order := f.orderOf("ann", paid.Order); !order.MoneyBackAcknowledged {
		t.Errorf("%+v", order)
	}
}

// A dispute is shown with the order, with the time until which evidence may be given.
func TestDisputedOrder(t *testing.T) {
	f := serve(t)
	f.sale("gig", nil)
	paid := f.bought("ann", "?q=2")
	f.pay(paid.Seq, 2)
	if order := f.orderOf("ann", paid.Order); order.Dispute != nil {
		t.Errorf("%+v", order.Dispute)
	}
	by := time.Date(2026, 12, 8, 10, 0, 0, 0, time.UTC)
	for _, c := range []sequencer.Command{
		{Kind: sequencer.KindPayCaptured, Order: paid.Seq, Attempt: 1, Amount: 10000},
		{Kind: sequencer.KindPayDisputed, Order: paid.Seq, Attempt: 1, Dispute: sequencer.DisputeNeedsResponse, Amount: 10000, Count: uint32(by.Unix())},
	} {
		if r := f.backend.do(c); r.Code != sequencer.CodeOK {
			t.Fatal(r)
		}
	}
	order := f.orderOf("ann", paid.Order)
	if order.State != "paid" || order.Dispute == nil || order.Dispute.Status != "needs_response" || order.Dispute.Amount != 10000 || !order.Dispute.EvidenceBy.Equal(by) {
		t.Errorf("%+v, %+v", order, order.Dispute)
	}
}
