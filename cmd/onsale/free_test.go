package main

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"onsale/api/contract"
	"onsale/proof/testenv"
)

// A free sale's life on a node as it comes, without a payment provider: bought, paid, taken
// back, sold again, cancelled, reported and audited.
func TestFreeSaleByCommand(t *testing.T) {
	o := openOffice(t)
	o.sell(0, "sale", "create", "day", "--price", "0", "--quantity", "4")
	first := into[contract.Decision](t, o.buy(0, "ann", "buy", "-q", "2", "-o", "json"))
	for _, more := range [][]string{nil, {"--method", "tok_decline"}} {
		paid := into[contract.Payment](t, o.buy(0, "ann", append([]string{"pay", first.Order, "-o", "json"}, more...)...))
		if paid.Status != contract.PaymentAccepted || paid.State != "paid" {
			t.Fatalf("%+v", paid)
		}
	}
	if back := into[contract.Order](t, o.sell(0, "order", "refund", first.Order, "-o", "json")); back.State != "refunded" || back.MoneyBack != "" {
		t.Errorf("%+v", back)
	}
	has(t, o.sell(0, "sale", "show", "day"), "withheld", "2")
	o.sell(0, "sale", "release", "day", "2")
	second := into[contract.Decision](t, o.buy(0, "bob", "buy", "-o", "json"))
	o.buy(0, "bob", "pay", second.Order)
	report := into[contract.Report](t, o.sell(0, "sale", "report", "day", "-o", "json"))
	if report.Tickets.Sold != 1 || report.Tickets.Withheld != 0 || report.Money.Net != 0 {
		t.Errorf("%+v", report)
	}
	o.sell(0, "sale", "cancel", "day", "--yes")
	if order := into[contract.Order](t, o.buy(0, "bob", "order", "get", second.Order, "-o", "json")); order.State != "refunded" || order.MoneyBack != "" {
		t.Errorf("%+v", order)
	}
	has(t, o.sell(1, "payments", "reconcile"), "payments-off")
	o.sell(0, "sale", "create", "gig", "--price", "100", "--quantity", "4")
	third := into[contract.Decision](t, o.buy(0, "cid", "buy", "--sale", "gig", "-o", "json"))
	has(t, o.buy(1, "cid", "pay", third.Order, "--method", "tok_accept"), "payments-off")
	o.close()
	has(t, command(t, 0, "audit", filepath.Join(o.dir, "journal")), "clean")
}

// Every door of a cluster without a provider confirms what costs nothing; the leader is killed
// between, and what its successor finds begun is confirmed too.
func TestFreeThroughEveryDoor(t *testing.T) {
	testenv.TakesLong(t, "a cluster of processes")
	t.Parallel()
	nodes := newNodes(t, 3)
	front := newFrontEnds(t, 1, nodes)[0]
	doors := append(nodes, front)
	for _, n := range doors {
		n.extra = append(n.extra, "--user-requests-per-second", "0")
		n.start()
	}
	openFree(t, leaderAmong(t, nodes), 100)
	testenv.Eventually(t, time.Minute, "a ready front-end", front.ready)
	for _, door := range doors {
		uid := door.mustBuy("at-"+door.id, "day").Order
		if paid, err := door.buyer("at-"+door.id).Pay(t.Context(), uid, ""); err != nil || paid.Status != contract.PaymentAccepted {
			t.Errorf("%s: %+v, %v", door.id, paid, err)
		}
	}
	uid, leader := front.mustBuy("late", "day").Order, leaderAmong(t, nodes)
	go func() { _, _ = front.buyer("late").Pay(context.Background(), uid, "") }() // it is asked below
	leader.kill()
	testenv.Eventually(t, time.Minute, "paid at the next leader", func() bool {
		paid, err := front.buyer("late").Pay(context.Background(), uid, "")
		return err == nil && paid.Status == contract.PaymentAccepted
	})
	leader.start()
	testenv.Eventually(t, time.Minute, "all nodes", leader.ready)
	mustBeSame(t, nodes)
	for _, n := range nodes {
		n.stop()
		mustAudit(t, n)
	}
}
