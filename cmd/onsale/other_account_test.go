package main

import (
	"context"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"onsale/api/contract"
	"onsale/payment"
	"onsale/proof/testenv"
)

// pays lets a buyer of one ticket pay at a node until there is an answer.
func (n *testNode) pays(t *testing.T, user, uid, method string) (paid *contract.Payment, err error) {
	t.Helper()
	testenv.Eventually(t, time.Minute, user+" is answered", func() bool {
		paid, err = n.buyer(user).Pay(context.Background(), uid, method)
		return err == nil || errors.Is(err, payment.ErrOtherAccount)
	})
	return paid, err
}

// mustWait waits until a node tells these amounts, by order, and nothing else, as what is under
// another account than that of the books.
func (n *testNode) mustWait(t *testing.T, want map[string]int64) (found *payment.Reconciliation) {
	t.Helper()
	testenv.Eventually(t, time.Minute, "what waits for the other account's key is told", func() bool {
		var err error
		if found, err = n.seller().Reconcile(context.Background()); err != nil {
			return false
		}
		told := map[string]int64{}
		for _, d := range found.Differences {
			if d.Kind == payment.DifferenceAccount {
				told[d.Order] = d.Amount
			}
		}
		return len(found.Differences) == len(told) && maps.Equal(told, want)
	})
	return found
}

// What was charged under one account stays due under it while the provider is another one, and
// new charges wait for an operator: through kill -9 of the leader, in a cluster of its backup,
// and until the first account is back. What the operator accepted and settled by hand stays so.
func TestAccountsOutliveLeaderAndBackup(t *testing.T) {
	testenv.TakesLong(t, "a cluster of processes")
	t.Parallel()
	s := newShop(t)
	first, second := s.books, filepath.Join(t.TempDir(), "second.jsonl")
	ctx := context.Background()
	leader := leaderAmong(t, s.nodes)
	openGig(t, leader, 100)
	buys := func(n *testNode, user string) string { return n.mustBuy(user, "gig").Order }
	due, open, lost := buys(leader, "dan"), buys(leader, "olga"), buys(leader, "lou")
	if paid, err := leader.pays(t, "dan", due, "tok_accept"); err != nil || paid.Status != contract.PaymentAccepted {
		t.Fatalf("%+v, %v", paid, err)
	}
	for user, uid := range map[string]string{"olga": open, "lou": lost} {
		if paid, err := leader.pays(t, user, uid, "tok_3ds"); err != nil || paid.NextAction == nil {
			t.Fatalf("%+v, %v", paid, err)
		}
	}
	testenv.Eventually(t, time.Minute, "the money is captured", func() bool {
		found, err := leader.seller().Reconcile(ctx)
		return err == nil && found.Unsettled == 2 && len(found.Differences) == 0
	})

	s.provideFrom(t, second)
	if order, err := leader.seller().RefundOrder(ctx, due); err != nil || order.MoneyBack != contract.MoneyDue {
		t.Fatalf("%+v, %v", order, err)
	}
	leader.kill()
	killed, left := leader, slices.DeleteFunc(slices.Clone(s.nodes), func(n *testNode) bool { return n == leader })
	leader = leaderAmong(t, left)
	late := buys(leader, "lena")
	if paid, err := leader.pays(t, "lena", late, "tok_accept"); !errors.Is(err, payment.ErrOtherAccount) {
		t.Fatalf("%+v, %v", paid, err)
	}
	waits := map[string]int64{due: 100, open: 100, lost: 100}
	account := leader.mustWait(t, waits).Account
	operate := func(n *testNode, args ...string) string {
		return command(t, 0, append(args, "--private", n.private, "--secret-file", n.secretFile)...)
	}
	has(t, operate(leader, "payments", "accept-account", account, "--reason", "the shop was sold"), account)
	if paid, err := leader.pays(t, "lena", late, "tok_accept"); err != nil || paid.Status != contract.PaymentAccepted {
		t.Fatalf("%+v, %v", paid, err)
	}

	killed.start()
	testenv.Eventually(t, time.Minute, "it is back", killed.ready)
	leader.kill()
	leader = leaderAmong(t, s.nodes)
	if paid, err := leader.pays(t, "nora", buys(leader, "nora"), "tok_accept"); err != nil || paid.Status != contract.PaymentAccepted {
		t.Fatalf("%+v, %v", paid, err)
	}
	for range 2 {
		has(t, operate(leader, "payments", "settle", lost, "--attempt", "1", "--as", "not-charged", "--reason", "on their statement"), "reserved")
	}
	delete(waits, lost)
	leader.mustWait(t, waits)
	backup := filepath.Join(t.TempDir(), "backup")
	operate(leader, "snapshot", "save", backup)
	for _, n := range append(s.nodes, s.front) {
		n.kill()
	}

	restoredFrom(t)(s.nodes[0], backup)
	restored := s.nodes[0].alone()
	restored.start()
	leaderAmong(t, []*testNode{restored})
	if paid, err := restored.pays(t, "rita", buys(restored, "rita"), "tok_accept"); err != nil || paid.Status != contract.PaymentAccepted {
		t.Fatalf("%+v, %v", paid, err)
	}
	if paid, err := restored.pays(t, "lou", lost, "tok_accept"); err != nil || paid.Status != contract.PaymentAccepted {
		t.Fatalf("%+v, %v", paid, err)
	}
	if found := restored.mustWait(t, waits); found.Accepted != account || found.Account != account {
		t.Errorf("%+v", found)
	}
	if order, err := restored.buyer("olga").Order(ctx, open); err != nil || order.State != "paying" {
		t.Errorf("%+v, %v", order, err)
	}

	s.provideFrom(t, first)
	testenv.Eventually(t, time.Minute, "the money of before goes back", func() bool {
		order, err := restored.buyer("dan").Order(ctx, due)
		return err == nil && order.MoneyBack == contract.MoneyDone
	})
	found, err := restored.seller().Reconcile(ctx)
	if err != nil || found.Account == account || found.Accepted != account || found.Unsettled != 1 || len(found.Differences) != 0 {
		t.Errorf("%+v, %v", found, err)
	}
}
