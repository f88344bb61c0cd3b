package main

import (
	"context"
	"testing"

	"onsale/proof/testenv"
)

// A sale runs out while its only node is killed three times: every purchase has
// one answer, exactly the tickets are promised, and nobody passes the cap.
func TestSoldOutThroughKills(t *testing.T) {
	testenv.TakesLong(t, "a cluster of processes")
	t.Parallel()
	nodes := newNodes(t, 1)
	n := nodes[0]
	n.start()
	leaderAmong(t, nodes)
	openGig(t, n, scarceTickets)
	r := startRush(nodes)
	for _, percent := range []int{15, 35, 55} {
		r.until(t, percent)
		n.kill()
		n.start()
		leaderAmong(t, nodes)
	}
	answers := r.settle(t)
	n.kill() // what nobody waits for any more must be there as well
	n.start()
	leaderAmong(t, nodes)
	mustRepeat(t, n, answers)
	mustHaveSold(t, n)
	n.stop()
	mustAudit(t, n)
}

// The same on three nodes, with the leader killed twice.
func TestSoldOutThroughLeaders(t *testing.T) {
	testenv.TakesLong(t, "a cluster of processes")
	t.Parallel()
	nodes := newNodes(t, 3)
	for _, n := range nodes {
		n.start()
	}
	openGig(t, leaderAmong(t, nodes), scarceTickets)
	r := startRush(nodes)
	for _, percent := range []int{20, 45} {
		r.until(t, percent)
		old := leaderAmong(t, nodes)
		old.kill()
		if leaderAmong(t, nodes) == old {
			t.Fatal("who was killed leads")
		}
		r.until(t, percent+10) // the two go on without the third
		old.start()
	}
	answers := r.settle(t)
	leader := leaderAmong(t, nodes)
	mustRepeat(t, leader, answers)
	mustHaveSold(t, leader)
	mustBeSame(t, nodes)
	for _, n := range nodes {
		n.stop()
	}
	for _, n := range nodes {
		mustAudit(t, n)
	}
}

// mustHaveSold checks the seller's own numbers.
func mustHaveSold(t testing.TB, n *testNode) {
	t.Helper()
	report, err := n.seller().Report(context.Background(), "gig")
	if err != nil || report.Tickets.Held != scarceTickets || report.Tickets.Available != 0 {
		t.Fatalf("%+v, %v", report, err)
	}
}
