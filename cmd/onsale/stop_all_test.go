package main

import (
	"syscall"
	"testing"
	"time"

	"onsale/proof/testenv"
)

// All nodes of a cluster are told to stop at once, in the middle of what a crowd buys: each
// ends with 0, nobody waits for a leader that never comes, and who was answered keeps the
// order.
func TestStopOfAllAtOnce(t *testing.T) {
	testenv.TakesLong(t, "a cluster of processes")
	t.Parallel()
	nodes := newNodes(t, 3)
	for _, n := range nodes {
		n.start()
	}
	openGig(t, leaderAmong(t, nodes), 1<<20)
	c := gather(nodes, 16)
	var took []time.Duration
	for range 5 { // what waits for a leader waits each time; a busy machine does not
		for _, n := range nodes {
			testenv.Eventually(t, time.Minute, n.id+" ready", n.ready)
		}
		c.buysOn(t)
		began := time.Now()
		for _, n := range nodes {
			if err := n.process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
		}
		for _, n := range nodes {
			if code := n.ended(); code != 0 {
				t.Errorf("%s ended with %d:\n%s", n.id, code, n.log())
			}
		}
		took = append(took, time.Since(began))
		for _, n := range nodes {
			n.start()
		}
		leaderAmong(t, nodes)
		if took[len(took)-1] < 2*time.Second {
			break
		}
	}
	if took[len(took)-1] >= 2*time.Second {
		t.Errorf("stopping took %v", took)
	}
	mustHold(t, leaderAmong(t, nodes), c.disperse(t))
	mustBeSame(t, nodes)
}
