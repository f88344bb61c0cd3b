package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"onsale/proof/testenv"
	"onsale/raftfsm/folder"
)

// tells reports whether a node knows that a member is well, at an address that both the
// membership and the member say.
func (n *testNode) tells(member *testNode) bool {
	code, text := n.try("status", "-o", "csv")
	return code == 0 && slices.ContainsFunc(strings.Split(text, "\n"), func(line string) bool {
		return strings.HasPrefix(line, member.id+",voter,") && strings.Contains(line, ",yes,") &&
			strings.HasSuffix(line, ","+member.peer+","+member.peer)
	})
}

// buySome returns the orders of as many buyers as mustHold wants to see.
func buySome(n *testNode) map[string]string {
	told := map[string]string{}
	for i := range 60 {
		user := fmt.Sprint("user-", i)
		told[user] = n.mustBuy(user, "gig").Order
	}
	return told
}

// A node that comes back under another address is found again, by itself: a follower,
// the leader, and two of three at once.
func TestNodesThatMoved(t *testing.T) {
	testenv.TakesLong(t, "a cluster of processes")
	t.Parallel()
	nodes := newNodes(t, 3)
	for _, n := range nodes {
		n.start()
	}
	leader := leaderAmong(t, nodes)
	openGig(t, leader, 1000)
	other := func() *testNode { return nodes[(slices.Index(nodes, leader)+1)%3] }
	told := buySome(leader)
	for _, moving := range [][]*testNode{{other()}, {leader}, {leader, other()}} {
		for _, n := range moving {
			n.kill()
			n.peer = freeAddress(t)
		}
		for _, n := range moving {
			n.start()
		}
		leader = leaderAmong(t, nodes)
		testenv.Eventually(t, time.Minute, "both addresses of all", func() bool {
			return !slices.ContainsFunc(nodes, func(n *testNode) bool { return !leader.tells(n) })
		})
		leader = leaderAmong(t, nodes)
	}
	mustHold(t, leader, told)
	mustBeSame(t, nodes)
}

// All nodes moved at once: they are told where the others are, and go on as the same
// cluster, without any of it in the log. It may be said twice, and a node that is not told
// yet harms nobody.
func TestAllNodesMoved(t *testing.T) {
	testenv.TakesLong(t, "a cluster of processes")
	t.Parallel()
	nodes := newNodes(t, 3)
	for _, n := range nodes {
		n.start()
	}
	openGig(t, leaderAmong(t, nodes), 1000)
	told := buySome(nodes[0])
	mustBeSame(t, nodes)
	before, err := nodes[0].status()
	if err != nil {
		t.Fatal(err)
	}
	has(t, command(t, 1, "cluster", "readdress", "--data-dir", nodes[0].dir, "n1=127.0.0.1:1"), "stop that process first")

	args := []string{"cluster", "readdress"}
	for _, n := range nodes {
		n.stop()
		n.peer = freeAddress(t)
		args = append(args, n.id+"="+n.peer)
	}
	has(t, command(t, 1, "cluster", "readdress", "--data-dir", nodes[0].dir, "n9=127.0.0.1:1"), "not a member", "n9")
	has(t, command(t, 2, "cluster", "readdress", "--data-dir", nodes[0].dir, "n1=here"), "HOST:PORT")
	has(t, command(t, 2, "cluster", "readdress", "--data-dir", nodes[0].dir, "n1"), "NODE=HOST:PORT")
	has(t, command(t, 2, "cluster", "readdress", "--data-dir", nodes[0].dir, "n1="+nodes[1].peer, "n2="+nodes[1].peer), "would both be at")
	for i, n := range nodes {
		if i == 1 {
			has(t, command(t, 0, "cluster", "readdress", "--data-dir", n.dir, "n1=127.0.0.1:1", "n3=127.0.0.1:2"), "n2")
		}
		has(t, command(t, 0, append(args, "--data-dir", n.dir)...), n.peer)
		n.start() // it is alone, and is refused nothing
	}
	leader := leaderAmong(t, nodes)
	testenv.Eventually(t, time.Minute, "both addresses of all", func() bool {
		return !slices.ContainsFunc(nodes, func(n *testNode) bool { return !leader.tells(n) })
	})
	mustHold(t, leader, told)
	after, err := nodes[0].status()
	if err != nil || after.ClusterID != before.ClusterID || len(after.Births) != len(before.Births) {
		t.Errorf("cluster %s with %d births was %s with %d, %v", after.ClusterID, len(after.Births), before.ClusterID, len(before.Births), err)
	}
	for _, n := range nodes {
		testenv.Eventually(t, time.Minute, n.id+" has forgotten where they moved", func() bool {
			is, err := folder.ReadIdentity(n.dir)
			return err == nil && len(is.Moved) == 0
		})
	}
	mustBeSame(t, nodes)
}

// A node's name stays a name: what the operator wrote is what the others are told.
func TestNameOfPeersPort(t *testing.T) {
	o := openOffice(t, func(s *settings) { s.Node.RaftAddress = "localhost:0" })
	defer o.close()
	if is := o.server.node.Status(); !strings.HasPrefix(is.Address, "localhost:") || strings.HasSuffix(is.Address, ":0") || is.Members[0].Address != is.Address {
		t.Errorf("it is at %s, a member at %s", is.Address, is.Members[0].Address)
	}
}
