package main

import (
	"context"
	"slices"
	"testing"
	"time"

	"onsale/api/client"
	"onsale/proof/testenv"
)

// Two of three members come back under other addresses while nobody leads, and the one that
// stayed has the longest log: neither of the two can be elected, and it cannot reach them until
// they say where they are. All find each other again, and who was told has the order.
func TestTwoMovedWhileNobodyLeads(t *testing.T) {
	testenv.TakesLong(t, "a cluster of processes")
	t.Parallel()
	nodes := newNodes(t, 3)
	for _, n := range nodes {
		n.start()
	}
	stays := leaderAmong(t, nodes)
	openGig(t, stays, 1000)
	told := buySome(stays)
	moving := slices.DeleteFunc(slices.Clone(nodes), func(n *testNode) bool { return n == stays })
	for _, n := range moving {
		n.kill()
		n.peer = freeAddress(t)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := stays.buyer("alone").Buy(ctx, client.Purchase{Quantity: 1, Sale: "gig", Key: "k"}); err == nil {
		t.Fatal("a buy was decided without a majority") // it is in the log of who stayed alone
	}
	testenv.Eventually(t, time.Minute, "nobody leads", func() bool { return !stays.ready() })

	for _, n := range moving {
		n.start()
	}
	leader := leaderAmong(t, nodes)
	testenv.Eventually(t, time.Minute, "both addresses of all", func() bool {
		return !slices.ContainsFunc(nodes, func(n *testNode) bool { return !leader.tells(n) })
	})
	mustHold(t, leaderAmong(t, nodes), told)
	mustBeSame(t, nodes)
}
