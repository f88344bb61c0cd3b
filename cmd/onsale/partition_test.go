package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"onsale/api/client"
	"onsale/internal/procs"
	"onsale/proof/testenv"
	"onsale/sequencer"
)

// inNamespace is set in the process that has a network of its own.
const inNamespace = "RUN_IN_OWN_NETWORK"

// Partitions of a real network: every node has a network namespace, and a cut is a
// route to nowhere. A leader that is cut off from the majority, both ways or one
// way, takes no buy; the others go on, and after it is healed all are the same.
func TestPartitions(t *testing.T) {
	testenv.TakesLong(t, "a cluster of processes")
	if os.Getenv(inNamespace) == "" {
		own := []string{"--net", "--mount"}
		if os.Geteuid() != 0 { // who is not root is it among names of its own
			own = append(own, "--user", "--map-root-user")
		}
		testenv.NeedsProgram(t, "ip", "iproute2")
		testenv.NeedsNamespaces(t, own...)
		again := exec.Command("unshare", append(own, os.Args[0], "-test.run", "^TestPartitions$", "-test.v", "-test.timeout", "8m")...)
		again.Env = append(os.Environ(), inNamespace+"=1")
		again.SysProcAttr = procs.EndWithParent(nil)
		if output, err := again.CombinedOutput(); err != nil || !strings.Contains(string(output), "--- PASS: TestPartitions") {
			t.Fatalf("%v\n%s", err, output)
		}
		return
	}
	nodes := networked(t, 3)
	for _, n := range nodes {
		n.start()
	}
	openGig(t, leaderAmong(t, nodes), 1<<20)
	told := map[string]string{}
	for i := range 60 {
		user := fmt.Sprint("user-", i)
		told[user] = nodes[i%3].mustBuy(user, "gig").Order
	}
	for round, cut := range []string{"both", "out", "in"} {
		leader := leaderAmong(t, nodes)
		var others []*testNode
		for _, n := range nodes {
			if n != leader {
				others = append(others, n)
			}
		}
		isolate(t, cut, "add", leader, others)
		mustTakeNothing(t, leader, fmt.Sprint("minority-", round))
		next := leaderAmong(t, others)
		user := fmt.Sprint("majority-", round)
		testenv.Eventually(t, time.Minute, "a buy at the majority", func() bool {
			d, err := next.buyer(user).Buy(context.Background(), client.Purchase{Quantity: 1, Sale: "gig", Key: "key of " + user})
			if err == nil {
				told[user] = d.Order
			}
			return err == nil
		})
		mustTakeNothing(t, leader, fmt.Sprint("late-minority-", round))
		isolate(t, cut, "del", leader, others)
		testenv.Eventually(t, time.Minute, "the old leader is back", leader.ready)
		mustBeSame(t, nodes)
		leader.mustBuy(fmt.Sprint("healed-", round), "gig")
	}
	mustHold(t, leaderAmong(t, nodes), told)
	for _, n := range nodes {
		n.stop()
		mustAudit(t, n)
	}
}

// mustTakeNothing checks that a node that is cut off answers no buy with a decision
// for as long as a buyer would try.
func mustTakeNothing(t *testing.T, n *testNode, user string) {
	t.Helper()
	for began := time.Now(); time.Since(began) < 2*time.Second; {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		d, err := n.buyer(user).Buy(ctx, client.Purchase{Quantity: 1, Sale: "gig", Key: "k"})
		cancel()
		if err == nil {
			t.Fatalf("the minority decided %+v", d)
		}
		if !errors.Is(err, sequencer.ErrNoLeader) && !errors.Is(err, sequencer.ErrOutcomeUnknown) && !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("the minority answered %v", err)
		}
	}
}

// networked plans nodes with a network namespace each, on one bridge.
func networked(t *testing.T, count int) []*testNode {
	mustRun(t, "mount", "-t", "tmpfs", "tmpfs", "/run") // ip keeps its names there; this one ends with the process
	mustRun(t, "ip", "link", "set", "lo", "up")
	mustRun(t, "ip", "link", "add", "bridge0", "type", "bridge")
	mustRun(t, "ip", "address", "add", "10.9.0.254/24", "dev", "bridge0")
	mustRun(t, "ip", "link", "set", "bridge0", "up")
	nodes := newNodes(t, count)
	var join []string
	for i, n := range nodes {
		n.namespace = fmt.Sprint("net", i+1)
		host, outer := addressOf(i), fmt.Sprint("outer", i+1)
		mustRun(t, "ip", "netns", "add", n.namespace)
		mustRun(t, "ip", "link", "add", outer, "type", "veth", "peer", "name", "eth0", "netns", n.namespace)
		mustRun(t, "ip", "link", "set", outer, "master", "bridge0", "up")
		mustRun(t, "ip", "-n", n.namespace, "address", "add", host+"/24", "dev", "eth0")
		mustRun(t, "ip", "-n", n.namespace, "link", "set", "eth0", "up")
		mustRun(t, "ip", "-n", n.namespace, "link", "set", "lo", "up")
		n.http, n.private, n.peer = host+":8101", host+":8201", host+":7101"
		n.extra = []string{"--insecure"}
		join = append(join, n.peer)
	}
	for _, n := range nodes {
		n.join = join
	}
	return nodes
}

func addressOf(i int) string { return fmt.Sprintf("10.9.0.%d", i+1) }

// isolate cuts or heals the ways between a node and others: both ways, out of it,
// or into it.
func isolate(t *testing.T, way, verb string, one *testNode, others []*testNode) {
	t.Helper()
	host := func(n *testNode) string { return strings.Split(n.peer, ":")[0] }
	for _, other := range others {
		if way != "in" {
			mustRun(t, "ip", "-n", one.namespace, "route", verb, "blackhole", host(other)+"/32")
		}
		if way != "out" {
			mustRun(t, "ip", "-n", other.namespace, "route", verb, "blackhole", host(one)+"/32")
		}
	}
}

func mustRun(t *testing.T, program string, args ...string) {
	t.Helper()
	if output, err := exec.Command(program, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, output)
	}
}
