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

// The sale that runs out: more is asked for than there is, by buyers who ask for
// more than the cap.
const (
	scarceTickets = 800
	scarceBuyers  = 640
	scarceKeys    = 3 // purchases of each buyer; the cap allows two
	scarceCrowd   = 16
)

// told is what a purchase was answered with, under its key.
type told struct {
	user, key string
	decision  contract.Decision
}

// rush has every buyer of a scarce sale buy under each key, from many
// goroutines, through whichever door, and retry until there is an answer.
type rush struct {
	nodes   []*testNode
	mu      sync.Mutex
	answers []told
	unheard []string // purchases that never had an answer
	group   sync.WaitGroup
}

func startRush(nodes []*testNode) *rush {
	r := &rush{nodes: nodes}
	for lane := range scarceCrowd {
		r.group.Go(func() {
			for b := lane; b < scarceBuyers; b += scarceCrowd {
				for k := range scarceKeys {
					r.purchase(fmt.Sprintf("buyer-%d", b), fmt.Sprintf("key-%d", k), b)
				}
			}
		})
	}
	return r
}

func (r *rush) purchase(user, key string, attempt int) {
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); attempt++ {
		d, err := r.nodes[attempt%len(r.nodes)].buyer(user).Buy(context.Background(), client.Purchase{Quantity: 1, Sale: "gig", Key: key})
		if err == nil {
			r.mu.Lock()
			r.answers = append(r.answers, told{user, key, *d})
			r.mu.Unlock()
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unheard = append(r.unheard, user+" "+key)
}

// progress is how many purchases have an answer.
func (r *rush) progress() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.answers)
}

// until waits for a share of all answers: a kill then falls into the middle of
// the sale on a fast machine as on a slow one.
func (r *rush) until(t testing.TB, percent int) {
	t.Helper()
	testenv.Eventually(t, time.Minute, fmt.Sprintf("%d %% of the answers", percent), func() bool {
		return r.progress() >= scarceBuyers*scarceKeys*percent/100
	})
}

// settle waits for the last answer and checks that they add up: every purchase
// was answered, what was promised is exactly the tickets, and nobody has more
// than two.
func (r *rush) settle(t testing.TB) []told {
	t.Helper()
	r.group.Wait()
	if len(r.unheard) > 0 {
		t.Fatalf("no answer for %d purchases, such as %s", len(r.unheard), r.unheard[0])
	}
	seqs, each, sold := map[uint64]told{}, map[string]int{}, 0
	for _, a := range r.answers {
		if before, twice := seqs[a.decision.Seq]; twice {
			t.Fatalf("one seq for two purchases:\n%+v\n%+v", before, a)
		}
		seqs[a.decision.Seq] = a
		if a.decision.Order != "" {
			sold++
			each[a.user]++
		}
		if each[a.user] > contract.DefaultCap {
			t.Fatalf("%s has %d tickets", a.user, each[a.user])
		}
	}
	if sold != scarceTickets {
		t.Fatalf("%d tickets were promised of %d", sold, scarceTickets)
	}
	return r.answers
}

// mustRepeat checks that a node stands by answers: the order is its buyer's with
// its uid and its seq, and the key has the same outcome again.
func mustRepeat(t testing.TB, n *testNode, answers []told) {
	t.Helper()
	for i, a := range answers {
		if a.decision.Order != "" {
			order, err := n.order(a.user, a.decision.Order)
			if err != nil || order.UserID != a.user || order.Seq != a.decision.Seq || order.State != a.decision.State {
				t.Fatalf("%s was told %+v, %s has %+v, %v", a.user, a.decision, n.id, order, err)
			}
		}
		if i%10 != 0 {
			continue // a buy is an fsync: a tenth is enough
		}
		again, err := n.buyAgain(a.user, client.Purchase{Quantity: 1, Sale: "gig", Key: a.key})
		if err != nil || again.Order != a.decision.Order || again.Reason != a.decision.Reason {
			t.Fatalf("%s was told %+v under %s, then %+v, %v", a.user, a.decision, a.key, again, err)
		}
		if a.decision.Order != "" && (!again.Replayed || again.Seq != a.decision.Seq) {
			t.Fatalf("%s was told %+v under %s, then %+v", a.user, a.decision, a.key, again)
		}
	}
}

// mustBeSame waits until all nodes have applied the same, and compares them.
func mustBeSame(t testing.TB, nodes []*testNode) {
	t.Helper()
	var failure error
	testenv.Eventually(t, time.Minute, "the replicas at one seq", func() bool {
		first, err := nodes[0].status()
		for _, n := range nodes[1:] {
			s, failed := n.status()
			err = errors.Join(err, failed)
			if err != nil || s.Seq != first.Seq || s.JournalHeight != first.JournalHeight {
				return false
			}
			if s.StateHash != first.StateHash || s.JournalHash != first.JournalHash || s.StateHash == "" || s.JournalHash == "" {
				failure = fmt.Errorf("replicas differ:\n%+v\n%+v", first, s)
			}
		}
		return err == nil
	})
	if failure != nil {
		t.Fatal(failure)
	}
}
