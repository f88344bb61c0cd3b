package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"onsale/api/contract"
	"onsale/proof/releases"
	"onsale/proof/testenv"
	"onsale/sequencer"
)

// root is of the whole tree, from this package.
const root = "../.."

// Nodes and front-ends of the last release become this program, and the last release again, in
// both orders, while buyers come: what anybody was ever told stays so, whoever answers, and both
// programs' audits are clean. While nothing is released the last commit is in the release's
// place (package releases).
func TestUpgradeFromTheLastRelease(t *testing.T) {
	testenv.TakesLong(t, "a cluster of processes, and a program that is built")
	t.Parallel()
	last, err := releases.Last(t.Context(), root, sequencer.LevelMax)
	if err != nil {
		t.Fatal(err)
	}
	if last.Name == releases.Unreleased {
		t.Log("nothing is released: this program is upgraded from the last commit")
	}
	released, err := last.Build(t.Context(), root, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	u := newUpgradeWithMoney(t, released)
	openGig(t, leaderAmong(t, u.nodes), 1<<30)
	s := newStory(u)

	u.buyers = beginStream(t, *upgradeRate, u.fronts)
	for _, step := range []struct {
		program string
		order   [][]*testNode
	}{
		{u.next, [][]*testNode{u.nodes, u.fronts}}, {u.old, [][]*testNode{u.fronts, u.nodes}},
		{u.next, [][]*testNode{u.fronts, u.nodes}}, {u.old, [][]*testNode{u.nodes, u.fronts}},
	} {
		u.turn(step.program, step.order[0])
		s.holds() // both programs at once, nodes of one and front-ends of the other
		u.turn(step.program, step.order[1])
		s.goesOn()
	}
	told := u.buyers.end(t)

	s.holds()
	u.mustHaveSold(told)
	u.mustBeAtLevel(last.Level)
	mustBeSame(t, u.nodes)
	s.booksAgree()
	s.letsIn(u.old, u.next)
	for _, n := range append(slices.Clone(u.fronts), u.nodes...) {
		n.stop()
	}
	u.audited(u.old)
	u.audited(u.next)
}

// newUpgradeWithMoney starts three nodes and two front-ends of a released program, with a payment
// provider and signed tickets.
func newUpgradeWithMoney(t *testing.T, released string) *upgrade {
	t.Helper()
	s := &shop{nodes: newNodes(t, 3), payAt: freeAddress(t)}
	u := &upgrade{t: t, old: released, next: os.Args[0], nodes: s.nodes, fronts: newFrontEnds(t, 2, s.nodes)}
	s.front = u.fronts[0]
	key := filepath.Join(t.TempDir(), "ticket-key")
	command(t, 0, "ticket", "key", key)
	for _, n := range append(slices.Clone(u.nodes), u.fronts...) {
		n.program, n.extra = released, []string{"--user-requests-per-second", "0"}
		if n.frontEndOf == nil {
			n.extra = append(n.extra, "--payment", "sandbox", "--payment-url", "http://"+s.payAt, "--payment-secret-file", n.secretFile,
				"--ticket-key-file", key)
		}
		n.start()
	}
	s.provideFrom(t, filepath.Join(t.TempDir(), "books.jsonl"))
	leaderAmong(t, u.nodes)
	for _, f := range u.fronts {
		testenv.Eventually(t, time.Minute, "a ready front-end", f.ready)
	}
	return u
}

// mustBeAtLevel expects that nobody raised the cluster's level.
func (u *upgrade) mustBeAtLevel(level uint16) {
	u.t.Helper()
	if status, err := u.status(u.nodes[0]); err != nil || status.Health.Level > level {
		u.t.Errorf("the cluster is at level %d, the release speaks %d: %v", status.Health.Level, level, err)
	}
}

// openStages opens a sale with tickets for all, and one with a single ticket and a waitlist.
func openStages(t *testing.T, leader *testNode) {
	t.Helper()
	price := int64(4900)
	openSale(t, leader, contract.NewSale{ID: "stage", Item: "Stage", Quantity: 1000, Price: &price, Currency: "EUR"})
	openSale(t, leader, contract.NewSale{ID: "full", Item: "Full", Quantity: 1, Waitlist: 1000, Price: &price, Currency: "EUR"})
}
