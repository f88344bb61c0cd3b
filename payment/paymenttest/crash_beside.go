package paymenttest

import (
	"context"
	"testing"
	"time"

	"onsale/payment"
	"onsale/sequencer"
)

// beside is an order that is paid at once and then comes to something else, while leaders die:
// so every step is passed, and of each the next leader makes what it must.
type beside struct {
	user, method string
	sale         uint16
	order        uint64
	refund       bool  // all of it once it is paid, or
	tickets      uint8 // so many
	is           func(*sequencer.OrderView) bool
}

// besideOf buys them: one that is refunded, one of which a ticket is, one that is free, and, as
// far as the provider has such methods, one whose refund fails later and one that is disputed.
func besideOf(t testing.TB, n *Node, with Crashes) []beside {
	isBack := func(v *sequencer.OrderView) bool { return v.VoidsDue|v.Failed == 0 }
	all := []beside{
		{user: "refunded", method: with.Good, sale: 1, refund: true, is: isBack},
		{user: "parted", method: with.Good, sale: 1, tickets: 1, is: func(v *sequencer.OrderView) bool {
			return v.State != sequencer.StatePaid || len(v.Parts) == 0 || v.PartTickets(sequencer.PartSpared)+v.PartTickets(sequencer.PartReturned) == 1
		}},
		{user: "free", sale: n.AddSale(t, sequencer.SaleSpec{ID: "free"}), is: func(v *sequencer.OrderView) bool { return !v.CaptureDue && v.VoidsDue == 0 }},
	}
	if with.Bounces != "" {
		all = append(all,
			beside{user: "bounced", method: with.Bounces, sale: 1, refund: true, is: isBack},
			beside{user: "bounced in part", method: with.Bounces, sale: 1, tickets: 1, is: all[1].is})
	}
	if with.Disputed != "" {
		all = append(all, beside{user: "disputed", method: with.Disputed, sale: 1, is: func(v *sequencer.OrderView) bool {
			return !v.Captured || v.Dispute.Status == sequencer.DisputeNeedsResponse
		}})
	}
	for i := range all {
		all[i].order = n.BuyIn(t, all[i].sale, all[i].user, 2)
	}
	return all
}

// pay pays the order, again and again while the first leader lives, and refunds it then.
func (b *beside) pay(asking context.Context, d *payment.Desk, n *Node, first *Process, timeout time.Duration) {
	for end := time.Now().Add(time.Minute); !first.Dead() && time.Now().Before(end); time.Sleep(timeout / 4) {
		ctx, cancel := context.WithTimeout(asking, timeout*15/2)
		answer, err := d.Pay(ctx, payment.Request{Order: b.order, Sale: b.sale, User: b.user, Method: b.method})
		cancel()
		if err != nil || answer.State != sequencer.StatePaid {
			continue
		}
		if b.refund || b.tickets > 0 {
			_, _ = n.Decide(&sequencer.Command{Kind: sequencer.KindRefund, Order: b.order, Quantity: b.tickets, Key: sequencer.KeyDigest{1}})
		}
		return
	}
}

// check waits until what came of the order is right: paid or not, its money and state are one.
// Nobody brings webhooks, so that the books are compared.
func (b *beside) check(t testing.TB, n *Node, next *payment.Desk, step payment.Step) {
	t.Helper()
	Eventually(t, b.user+", after a death at "+string(step)+", is as it must be", func() bool {
		view := n.Order(b.order)
		if n.UnsettledCount() == 0 && b.is(&view) {
			return true
		}
		_, _ = next.Reconcile(context.Background()) // finds what no webhook tells of, or is asked again
		return false
	})
}
