package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"onsale/api/client"
	"onsale/api/contract"
	"onsale/audit"
	"onsale/proof/testenv"
	"onsale/sequencer"
)

// crowd buys as many users at a time until told to stop, each retrying with the
// same key until it has an answer, as a client should. It records what was told.
type crowd struct {
	nodes []*testNode
	mu    sync.Mutex
	told  map[string]string // user → uid of the order
	stop  chan struct{}
	group sync.WaitGroup
}

func gather(nodes []*testNode, buyers int) *crowd {
	c := &crowd{nodes: nodes, told: map[string]string{}, stop: make(chan struct{})}
	for b := range buyers {
		c.group.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-c.stop:
					return
				default:
					c.buy(fmt.Sprintf("user-%d-%d", b, i), i)
				}
			}
		})
	}
	return c
}

func (c *crowd) buy(user string, attempt int) {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); attempt++ {
		door := c.nodes[attempt%len(c.nodes)]
		d, err := door.buyer(user).Buy(context.Background(), client.Purchase{Quantity: 1, Sale: "gig", Key: "key of " + user})
		if err == nil {
			if d.Order != "" {
				c.mu.Lock()
				c.told[user] = d.Order
				c.mu.Unlock()
			}
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// crowdLeast is how many orders a crowd must have been told of to mean something.
const crowdLeast = 50

// buysOn waits until the crowd was told of many more orders: what comes next comes in the
// middle of the sale, on a fast machine as on a slow one.
func (c *crowd) buysOn(t testing.TB) {
	t.Helper()
	before := c.size()
	testenv.Eventually(t, time.Minute, "a crowd that buys", func() bool { return c.size() >= before+2*crowdLeast })
}

// disperse lets the crowd buy on for a while, stops it, and returns who was told of an
// order.
func (c *crowd) disperse(t testing.TB) map[string]string {
	t.Helper()
	c.buysOn(t)
	close(c.stop)
	c.group.Wait()
	return c.told
}

func (c *crowd) size() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.told)
}

// mustHold checks that every order that was told is there for its buyer, and that
// the key still answers with it.
func mustHold(t testing.TB, n *testNode, told map[string]string) {
	t.Helper()
	if len(told) < crowdLeast {
		t.Fatalf("only %d orders were told", len(told))
	}
	checked := 0
	for user, uid := range told {
		order, err := n.order(user, uid)
		if err != nil || order.UserID != user || order.State != "reserved" {
			t.Fatalf("order %s of %s: %+v, %v", uid, user, order, err)
		}
		if checked++; checked > 20 {
			continue
		}
		again, err := n.buyAgain(user, client.Purchase{Quantity: 1, Sale: "gig", Key: "key of " + user})
		if err != nil || again.Order != uid || !again.Replayed {
			t.Fatalf("the key of %s again: %+v, %v", user, again, err)
		}
	}
}

func mustAudit(t testing.TB, n *testNode) {
	t.Helper()
	report, err := audit.Run(filepath.Join(n.dir, "journal"), audit.Options{})
	if err != nil || report.Verdict != audit.VerdictClean {
		t.Fatalf("audit of %s: %v\n%v", n.id, err, report)
	}
}

func openGig(t testing.TB, leader *testNode, quantity uint32) {
	t.Helper()
	openSale(t, leader, contract.NewSale{ID: "gig", Item: "Gig", Quantity: quantity, Price: new(int64(100)), Currency: "EUR", Test: true})
}

// openFree opens a free sale, "day".
func openFree(t testing.TB, leader *testNode, quantity uint32) {
	t.Helper()
	openSale(t, leader, contract.NewSale{ID: "day", Item: "Open day", Quantity: quantity, Price: new(int64(0)), Currency: "EUR"})
}

func openSale(t testing.TB, leader *testNode, sale contract.NewSale) {
	t.Helper()
	testenv.Eventually(t, time.Minute, "a sale", func() bool {
		_, err := leader.seller().CreateSale(context.Background(), sale)
		if err != nil && !isBetweenLeaders(err) && !errors.Is(err, contract.ErrSaleExists) { // which an attempt made whose outcome was unknown
			t.Fatal(err)
		}
		return err == nil || errors.Is(err, contract.ErrSaleExists)
	})
}

// isBetweenLeaders reports whether a client would try again, with the same key: on a busy
// machine another node may be elected at any time.
func isBetweenLeaders(err error) bool {
	return errors.Is(err, sequencer.ErrNoLeader) || errors.Is(err, sequencer.ErrOutcomeUnknown) || errors.Is(err, sequencer.ErrStopping) || errors.Is(err, sequencer.ErrBehind)
}

// settled asks again while nobody leads.
func settled[T any](t testing.TB, ask func() (T, error)) (answer T, err error) {
	t.Helper()
	testenv.Eventually(t, time.Minute, "a leader's answer", func() bool {
		answer, err = ask()
		return !isBetweenLeaders(err)
	})
	return answer, err
}

// buyAgain buys under a key until there is an answer.
func (n *testNode) buyAgain(user string, p client.Purchase) (*contract.Decision, error) {
	n.t.Helper()
	return settled(n.t, func() (*contract.Decision, error) { return n.buyer(user).Buy(context.Background(), p) })
}

// order reads an order until there is an answer.
func (n *testNode) order(user, uid string) (*contract.Order, error) {
	n.t.Helper()
	return settled(n.t, func() (*contract.Order, error) { return n.buyer(user).Order(context.Background(), uid) })
}
