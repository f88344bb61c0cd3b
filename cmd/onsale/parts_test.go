package main

import (
	"testing"

	"onsale/api/contract"
	"onsale/proof/testenv"
)

// One of two at the command line: given back before it is paid, refunded after, each once for
// its key; books and orders agree to the last unit, in currencies of none and three decimals.
func TestOneOfTwo(t *testing.T) {
	testenv.TakesLong(t, "waits for the provider in three currencies")
	o := openOffice(t, func(s *settings) { s.Payment.Provider = providerSandbox })
	defer o.close()
	for _, sale := range []struct{ id, price, currency string }{{"gig", "4900", "EUR"}, {"matsuri", "4900", "JPY"}, {"souk", "12340", "KWD"}} {
		o.sell(0, "sale", "create", sale.id, "--quantity", "10", "--cap", "3", "--price", sale.price, "--currency", sale.currency)
		order := into[contract.Decision](t, o.buy(0, "alice", "buy", "--sale", sale.id, "--quantity", "3", "-o", "json")).Order
		for range 2 {
			shown := into[contract.Order](t, o.buy(0, "alice", "order", "cancel", order, "--quantity", "1", "--key", "k", "-o", "json"))
			if shown.State != "reserved" || shown.Quantity != 2 {
				t.Fatalf("%+v", shown)
			}
		}
		o.buy(0, "alice", "pay", order, "--method", "tok_accept")
		mustSettle(t, o)
		for range 2 {
			shown := into[contract.Order](t, o.sell(0, "order", "refund", order, "--quantity", "1", "--key", "k", "--wait", "-o", "json"))
			if shown.State != "paid" || shown.Quantity != 1 || shown.MoneyBack != contract.MoneyDone || len(shown.Parts) != 1 {
				t.Fatalf("%+v", shown)
			}
		}
		has(t, o.sell(1, "order", "refund", order, "--quantity", "2"), "invalid-quantity")
	}
	mustSettle(t, o)
	o.sell(0, "payments", "reconcile")
}
