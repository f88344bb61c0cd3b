package main

import (
	"testing"
	"time"

	"onsale/api/contract"
	"onsale/payment"
	"onsale/proof/testenv"
)

// A refund that the provider refuses for good is acknowledged by a seller who says why, at the
// command line.
func TestAcknowledge(t *testing.T) {
	o := openOffice(t, func(s *settings) { s.Payment.Provider = providerSandbox })
	defer o.close()
	o.sell(0, "sale", "create", "gig", "--quantity", "10", "--price", "4900")
	order := into[contract.Decision](t, o.buy(0, "alice", "buy", "-o", "json")).Order
	o.buy(0, "alice", "pay", order, "--method", "tok_refund_refused")
	const reason = "paid back in cash"
	has(t, o.sell(1, "payments", "acknowledge", order, "--attempt", "1", "--reason", reason), "not-failed")
	o.sell(0, "order", "refund", order)
	mustSettle(t, o)
	if shown := into[contract.Order](t, o.buy(0, "alice", "order", "get", order, "-o", "json")); shown.MoneyBack != "failed" || shown.MoneyBackAcknowledged {
		t.Errorf("%+v", shown)
	}
	has(t, o.sell(2, "payments", "acknowledge", order, "--attempt", "1"), "--reason")
	has(t, o.sell(2, "payments", "acknowledge", order, "--reason", reason), "--attempt")
	if shown := into[contract.Order](t, o.sell(0, "payments", "acknowledge", order, "--attempt", "1", "--reason", reason, "-o", "json")); !shown.MoneyBackAcknowledged {
		t.Errorf("%+v", shown)
	}
	has(t, o.sell(6, "payments", "reconcile", "-o", "csv"), "not_returned")
}

// A dispute is found by a reconciliation and listed, in a table and as JSON.
func TestDisputes(t *testing.T) {
	o := openOffice(t, func(s *settings) { s.Payment.Provider = providerSandbox })
	defer o.close()
	o.sell(0, "sale", "create", "gig", "--quantity", "10", "--price", "4900")
	order := into[contract.Decision](t, o.buy(0, "alice", "buy", "-o", "json")).Order
	has(t, o.sell(0, "payments", "disputes", "-o", "json"), `"disputes": []`)
	o.buy(0, "alice", "pay", order, "--method", "tok_disputed_1ms")
	testenv.Eventually(t, time.Minute, "it is disputed", func() bool {
		o.sell(0, "payments", "reconcile")
		return into[contract.Order](t, o.buy(0, "alice", "order", "get", order, "-o", "json")).Dispute != nil
	})
	has(t, o.sell(0, "payments", "disputes"), order, "needs_response", "49.00", "paid")
	if list := into[payment.Disputes](t, o.sell(0, "payments", "disputes", "-o", "json")); len(list.Disputes) != 1 || list.Disputes[0].EvidenceBy == nil {
		t.Errorf("%+v", list)
	}
	has(t, o.sell(0, "payments", "reconcile", "-o", "csv"), "disputed_amount,4900,EUR")
}
