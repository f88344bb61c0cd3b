package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"onsale/api/contract"
	"onsale/internal/procs"
	"onsale/proof/testenv"
)

// shop is three nodes, a front-end and the payment provider, all processes.
type shop struct {
	nodes    []*testNode
	front    *testNode
	provider *procs.Process
	payAt    string // where the provider listens
	books    string // its file
}

// newShop starts a cluster that takes payments by a sandbox of its own process.
func newShop(t *testing.T) *shop { return newShopOf(t, func(*testNode) {}) }

// newShopOf does the same with nodes that are changed before they start.
func newShopOf(t *testing.T, change func(*testNode)) *shop {
	t.Helper()
	s := planShop(t)
	for _, n := range s.nodes {
		change(n)
	}
	s.open(t)
	return s
}

// planShop plans a shop that nothing of runs yet.
func planShop(t *testing.T) *shop {
	s := &shop{nodes: newNodes(t, 3), payAt: freeAddress(t)}
	s.front = newFrontEnds(t, 1, s.nodes)[0]
	for _, n := range append(s.nodes, s.front) {
		n.extra = append(n.extra, "--user-requests-per-second", "0")
		if n != s.front {
			n.extra = append(n.extra, "--payment", "sandbox", "--payment-url", "http://"+s.payAt, "--payment-secret-file", n.secretFile)
		}
	}
	return s
}

// open starts all of it.
func (s *shop) open(t *testing.T) {
	t.Helper()
	for _, n := range append(s.nodes, s.front) {
		n.start()
	}
	leaderAmong(t, s.nodes)
	testenv.Eventually(t, time.Minute, "a ready front-end", s.front.ready)
	s.provideFrom(t, filepath.Join(t.TempDir(), "books.jsonl"))
}

// provideFrom starts the provider with the books of a file, in place of the one that was there.
func (s *shop) provideFrom(t *testing.T, books string) {
	t.Helper()
	if s.books = books; s.provider != nil {
		s.provider.Kill()
	}
	s.provider = startProcess(t, procs.Config{Name: "sandbox", Path: os.Args[0], Env: ownEnvironment(),
		Args: []string{"sandbox", "--listen", s.payAt, "--books", books, "--payment-secret-file", s.nodes[0].secretFile, "--webhook", "http://" + s.front.http}})
	if err := s.provider.Await(t.Context(), func(context.Context) error {
		answer, err := http.Get("http://" + s.payAt)
		if err == nil {
			err = answer.Body.Close()
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// Payments through every door; then the leader is killed while the provider thinks, and
// its successor finds out what came of it, by asking.
func TestPaymentsOutliveTheLeader(t *testing.T) {
	testenv.TakesLong(t, "a cluster of processes")
	t.Parallel()
	s := newShop(t)
	ctx := context.Background()
	openGig(t, leaderAmong(t, s.nodes), 100)
	for _, door := range append(s.nodes, s.front) {
		d := door.mustBuy("at-"+door.id, "gig")
		buyer := door.buyer("at-" + door.id)
		if paid, err := buyer.Pay(ctx, d.Order, "tok_decline"); err != nil || paid.Status != contract.PaymentRejected || paid.Reason != "declined" {
			t.Fatalf("%s: %+v, %v", door.id, paid, err)
		}
		for range 2 {
			if paid, err := buyer.Pay(ctx, d.Order, "tok_accept"); err != nil || paid.Status != contract.PaymentAccepted || !strings.HasSuffix(paid.PaymentRef, "-"+d.Order+"-02") {
				t.Fatalf("%s: %+v, %v", door.id, paid, err)
			}
		}
	}

	orders := map[string]string{} // by buyer
	for i := range 10 {
		user := fmt.Sprintf("patient-%d", i)
		orders[user] = s.front.mustBuy(user, "gig").Order
	}
	for user, uid := range orders {
		go func() { _, _ = s.front.buyer(user).Pay(ctx, uid, "tok_delay_8000ms") }() // it is asked below
	}
	leader := leaderAmong(t, s.nodes)
	for user, uid := range orders {
		testenv.Eventually(t, time.Minute, user+" is paying", func() bool {
			o, err := leader.buyer(user).Order(ctx, uid)
			return err == nil && o.State == "paying"
		})
	}
	leader.kill()
	for user, uid := range orders {
		testenv.Eventually(t, time.Minute, user+" has paid", func() bool {
			o, err := s.front.buyer(user).Order(ctx, uid)
			return err == nil && o.State == "paid" && strings.HasSuffix(o.PaymentRef, "-"+uid+"-01")
		})
	}
	successor := leaderAmong(t, s.nodes)
	testenv.Eventually(t, time.Minute, "books and orders agree", func() bool {
		found, err := successor.seller().Reconcile(ctx)
		return err == nil && found.Unsettled == 0 && len(found.Differences) == 0 && found.Orders == 14 && found.Charges == 18
	})
}
