package main

import (
	"context"
	"testing"
	"time"

	"onsale/api/contract"
	"onsale/proof/testenv"
)

// An operator restarts the only node in the middle of a sale: it exits with 0
// each time, and who was answered keeps the order.
func TestRestartUnderLoad(t *testing.T) {
	testenv.TakesLong(t, "a process that starts three times")
	t.Parallel()
	nodes := newNodes(t, 1)
	n := nodes[0]
	n.start()
	leaderAmong(t, nodes)
	openGig(t, n, 1<<20)
	c := gather(nodes, 16)
	for range 2 {
		c.buysOn(t)
		n.stop()
		n.start()
		leaderAmong(t, nodes)
	}
	mustHold(t, n, c.disperse(t))
	n.stop()
	mustAudit(t, n)
}

// The three nodes are restarted one after the other, the leader last, while
// buyers buy at all of them.
func TestRollingRestartUnderLoad(t *testing.T) {
	testenv.TakesLong(t, "a cluster of processes")
	t.Parallel()
	nodes := newNodes(t, 3)
	for _, n := range nodes {
		n.start()
	}
	leader := leaderAmong(t, nodes)
	openGig(t, leader, 1<<20)
	c := gather(nodes, 16)
	for _, n := range nodes {
		if n != leader {
			restart(t, n, c)
		}
	}
	restart(t, leader, c)
	told := c.disperse(t)
	mustHold(t, leaderAmong(t, nodes), told)
	mustBeSame(t, nodes)
	for _, n := range nodes {
		n.stop()
		mustAudit(t, n)
	}
}

// restart restarts a node in the middle of what a crowd buys.
func restart(t testing.TB, n *testNode, c *crowd) {
	t.Helper()
	c.buysOn(t)
	n.stop()
	n.start()
	testenv.Eventually(t, time.Minute, n.id+" ready again", n.ready)
}

// Time goes on while no node runs: a hold that ended in between is over at the
// restart, without a request, and a sale whose instant passed is open.
func TestTimePassesWhileDown(t *testing.T) {
	testenv.TakesLong(t, "it waits for a start while no node runs")
	t.Parallel()
	nodes := newNodes(t, 1)
	n := nodes[0]
	n.start()
	leaderAmong(t, nodes)
	hold, at := contract.Duration(time.Second), time.Now().Add(6*time.Second)
	for _, sale := range []contract.NewSale{
		{ID: "held", Item: "Held", Quantity: 1, Price: new(int64(100)), Currency: "EUR", Hold: &hold},
		{ID: "later", Item: "Later", Quantity: 1, Price: new(int64(100)), Currency: "EUR", StartsAt: &at},
	} {
		if _, err := n.seller().CreateSale(context.Background(), sale); err != nil {
			t.Fatal(err)
		}
	}
	has(t, n.run(t, 0, "buy", "--sale", "held", "--user", "ann"), "reserved")
	has(t, n.run(t, 3, "buy", "--sale", "later", "--user", "ann"), "not_started")
	n.kill()
	time.Sleep(time.Until(at))
	n.start()
	leaderAmong(t, nodes)
	testenv.Eventually(t, time.Minute, "the hold over, with no request", func() bool {
		sale, err := n.buyer("ann").Ticket(context.Background(), "held")
		return err == nil && sale.AvailableQuantity == 1
	})
	has(t, n.run(t, 0, "order", "list", "--user", "ann"), "expired")
	has(t, n.run(t, 0, "buy", "--sale", "held", "--user", "bob"), "reserved")
	has(t, n.run(t, 0, "buy", "--sale", "later", "--user", "ann"), "reserved")
	n.stop()
	mustAudit(t, n)
}

// run runs a buyer's command line against the node.
func (n *testNode) run(t testing.TB, code int, args ...string) string {
	t.Helper()
	return command(t, code, append(args, "--http", n.http, "--secret-file", n.secretFile)...)
}
