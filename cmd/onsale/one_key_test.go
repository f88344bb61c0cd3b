package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"onsale/api/client"
	"onsale/api/contract"
	"onsale/proof/testenv"
)

// A thousand requests at once with one idempotency key, through every door: one
// order, and one answer, also of the leader that comes after a kill.
func TestOneKey(t *testing.T) {
	testenv.TakesLong(t, "a cluster of processes")
	t.Parallel()
	nodes := newNodes(t, 3)
	fronts := newFrontEnds(t, 2, nodes)
	for _, n := range nodes {
		n.extra = append(n.extra, "--user-requests-per-second", "0")
		n.start()
	}
	openGig(t, leaderAmong(t, nodes), 1000)
	for _, f := range fronts {
		f.extra = append(f.extra, "--user-requests-per-second", "0")
		f.start()
		testenv.Eventually(t, time.Minute, "a ready front-end", f.ready)
	}
	doors := append(fronts, nodes...)
	purchase := client.Purchase{Quantity: 1, Sale: "gig", Key: "one and the same"}
	first := buyAtOnce(t, doors, 1000, purchase)

	mustAnswerAsBefore := func(n *testNode) {
		t.Helper()
		again, err := n.buyAgain("ann", purchase)
		if err != nil || !again.Replayed || again.Order != first.Order || again.Seq != first.Seq {
			t.Errorf("%s: %+v, %v; want %+v", n.id, again, err, first)
		}
		other := purchase
		other.Quantity = 2
		if answer, err := n.buyAgain("ann", other); !errors.Is(err, contract.ErrKeyReused) {
			t.Errorf("%s, another body: %+v, %v", n.id, answer, err)
		}
	}
	for _, n := range doors {
		mustAnswerAsBefore(n)
	}
	leaderAmong(t, nodes).kill()
	for _, n := range doors {
		if n.isRunning() {
			testenv.Eventually(t, time.Minute, "a ready "+n.id, n.ready)
			mustAnswerAsBefore(n)
		}
	}
	page, err := fronts[0].buyer("ann").Orders(context.Background(), 10, "")
	if err != nil || len(page.Orders) != 1 {
		t.Errorf("ann's orders: %+v, %v", page, err)
	}
}

// buyAtOnce sends one purchase of ann's many times at once and returns the decision
// that all were answered with.
func buyAtOnce(t *testing.T, doors []*testNode, times int, p client.Purchase) *contract.Decision {
	t.Helper()
	buyers := make([]*client.Client, len(doors))
	for i, n := range doors {
		buyers[i] = n.buyer("ann")
	}
	var sent sync.WaitGroup
	var mu sync.Mutex
	firsts, unknown, answers, start := 0, 0, map[string]*contract.Decision{}, make(chan struct{})
	for i := range times {
		sent.Go(func() {
			<-start
			d, err := buyers[i%len(buyers)].Buy(context.Background(), p)
			again := err != nil && isBetweenLeaders(err)
			if again { // on a busy machine another node may be elected: buyers send it again
				d, err = settled(t, func() (*contract.Decision, error) { return buyers[i%len(buyers)].Buy(context.Background(), p) })
			}
			mu.Lock()
			defer mu.Unlock()
			if again {
				unknown++
			}
			if err != nil {
				t.Errorf("request %d: %v", i, err)
				return
			}
			if !d.Replayed {
				firsts++
			}
			answers[fmt.Sprint(d.Order, d.Seq, d.Status, d.State)] = d
		})
	}
	close(start)
	sent.Wait()
	if firsts > 1 || firsts == 0 && unknown == 0 || len(answers) != 1 {
		t.Fatalf("%d firsts, %d sent again, %d different answers: %v", firsts, unknown, len(answers), answers)
	}
	for _, d := range answers {
		return d
	}
	return nil
}
