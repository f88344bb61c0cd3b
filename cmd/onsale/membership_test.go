package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"onsale/proof/testenv"
)

// newcomer plans a node that joins nodes.
func newcomer(t testing.TB, id string, nodes []*testNode) *testNode {
	n := &testNode{t: t, id: id, http: freeAddress(t), private: freeAddress(t), peer: freeAddress(t), secretFile: nodes[0].secretFile,
		peerSecretFile: nodes[0].peerSecretFile, format: "text"}
	n.dir = filepath.Join(t.TempDir(), id)
	n.join, n.extra = []string{nodes[0].peer, nodes[1].peer}, []string{"--stable-time", "500ms"}
	t.Cleanup(n.kill)
	return n
}

// cluster runs a `cluster` command at a node.
func (n *testNode) cluster(code int, args ...string) string {
	n.t.Helper()
	return command(n.t, code, append(append([]string{"cluster"}, args...), "--private", n.private, "--secret-file", n.secretFile)...)
}

// manages runs a `cluster` command until it succeeds. On a busy machine a member has not
// heard its leader for a moment, and then counts as lost.
func (n *testNode) manages(args ...string) (text string) {
	n.t.Helper()
	testenv.Eventually(n.t, time.Minute, fmt.Sprint(n.id, " does ", args), func() bool {
		var code int
		code, text = n.try(args...)
		return code == 0
	})
	return text
}

// refuses runs a `cluster` command until it is refused with these words, for the same
// reason; it must not succeed.
func (n *testNode) refuses(words string, args ...string) {
	n.t.Helper()
	testenv.Eventually(n.t, time.Minute, fmt.Sprint(n.id, " refuses ", args, ": ", words), func() bool {
		code, text := n.try(args...)
		if code == 0 {
			n.t.Fatalf("%v was done:\n%s", args, text)
		}
		return code == 1 && strings.Contains(text, words)
	})
}

func (n *testNode) try(args ...string) (code int, text string) {
	return attempt(append(append([]string{"cluster"}, args...), "--private", n.private, "--secret-file", n.secretFile)...)
}

// removes takes a node out of the cluster. An attempt whose answer was lost may have done
// it; then the next one finds no member.
func (n *testNode) removes(id string) {
	n.t.Helper()
	testenv.Eventually(n.t, time.Minute, n.id+" removes "+id, func() bool {
		code, text := n.try("remove", id, "--yes")
		return code == 0 && strings.Contains(text, "node "+id+" is out of the cluster\n") || strings.Contains(text, "not a member")
	})
}

// shows says whether a `cluster` command succeeds now and prints want; between two
// leaders, or before everybody is well, it may not.
func (n *testNode) shows(want string, args ...string) bool {
	code, text := n.try(append(args, "-o", "csv")...)
	return code == 0 && strings.Contains(text, want)
}

// During a running sale a node joins and gets its vote, another is taken away, and
// the leadership moves three times: nothing that was told is lost.
func TestMembershipUnderLoad(t *testing.T) {
	testenv.TakesLong(t, "a cluster of processes")
	t.Parallel()
	nodes := newNodes(t, 3)
	for _, n := range nodes {
		n.extra = []string{"--stable-time", "500ms"}
		n.start()
	}
	openGig(t, leaderAmong(t, nodes), 1<<20)
	front := newFrontEnds(t, 1, nodes)[0]
	front.start()
	testenv.Eventually(t, time.Minute, "a ready front-end", front.ready)
	c := gather(append([]*testNode{front}, nodes[1:]...), 8)

	fourth := newcomer(t, "n4", nodes)
	fourth.start()
	testenv.Eventually(t, time.Minute, "the fourth node's vote", func() bool {
		return nodes[1].shows("n4,voter", "status")
	})
	handedOver := 0
	for range 3 {
		before := leaderAmong(t, append(nodes, fourth))
		testenv.Eventually(t, time.Minute, "another leader", func() bool {
			code, _ := before.try("transfer") // who should take over may not be ready for it
			if code == 0 {
				handedOver++
			}
			return leaderAmong(t, append(nodes, fourth)) != before
		})
	}
	if handedOver == 0 {
		t.Error("no transfer was told to have succeeded")
	}
	nodes[1].removes("n1")
	if code := nodes[0].ended(); code != 1 {
		t.Errorf("the removed node ended with %d:\n%s", code, nodes[0].log())
	}
	testenv.Eventually(t, time.Minute, "a healthy cluster", func() bool {
		return nodes[1].shows("n4,voter", "status")
	})
	told := c.disperse(t)
	rest := []*testNode{nodes[1], nodes[2], fourth}
	mustHold(t, leaderAmong(t, rest), told)
	mustBeSame(t, rest)
	front.stop()
	for _, n := range rest {
		n.stop()
	}
	mustAudit(t, nodes[1])
	mustAudit(t, nodes[2])
}

// What would break the quorum is refused; learners come and go; a wiped voter and a
// foreign folder are told what to do.
func TestMembershipRefusals(t *testing.T) {
	testenv.TakesLong(t, "a cluster of processes")
	t.Parallel()
	nodes := newNodes(t, 3)
	for _, n := range nodes {
		n.start()
	}
	leader := leaderAmong(t, nodes)
	var followers []*testNode
	for _, n := range nodes {
		if n != leader {
			followers = append(followers, n)
		}
	}
	testenv.Eventually(t, time.Minute, "health", func() bool { return leader.shows("failure_tolerance,1", "health") })
	has(t, leader.cluster(2, "remove", followers[0].id), "--yes")
	followers[0].kill()
	leader.refuses("quorum at risk", "remove", followers[1].id, "--yes")
	leader.refuses("quorum at risk", "demote", followers[1].id, "--yes")
	leader.refuses("not a member", "promote", "n9")
	leader.refuses("failure_tolerance", "health")

	if err := os.RemoveAll(followers[0].dir); err != nil {
		t.Fatal(err)
	}
	followers[0].start()
	testenv.Eventually(t, time.Minute, "the wiped voter to be refused", func() bool {
		return strings.Contains(followers[0].log(), "this data folder is empty; remove the lost one first")
	})
	followers[0].kill()
	leader.removes(followers[0].id)

	learner := newcomer(t, "n7", []*testNode{leader, followers[1]})
	learner.extra = []string{"--learner"}
	learner.start()
	testenv.Eventually(t, time.Minute, "a learner", func() bool {
		return leader.shows("n7,learner,follower,yes", "status")
	})
	has(t, leader.manages("promote", "n7"), "node n7 has a vote now\n")
	has(t, leader.manages("demote", "n7", "--yes", "-o", "csv"), "done,node n7 is a learner now\n")
	learner.stop()
	learner.start() // as before: it is a member already
	testenv.Eventually(t, time.Minute, "the learner again", learner.ready)

	imposter := newcomer(t, "n7", []*testNode{leader, followers[1]})
	imposter.start()
	imposter.logs("another node runs as")

	waiting := newcomer(t, "n8", nodes)
	waiting.join, waiting.extra = nil, []string{"--wait-to-join", "--stable-time", "300ms"}
	waiting.start()
	waiting.logs("listening")
	command(t, 0, "cluster", "join", leader.peer, "--private", waiting.private, "--secret-file", waiting.secretFile)
	testenv.Eventually(t, time.Minute, "it is in", waiting.ready)
}

// A backup becomes a new cluster with every order; a cluster that lost its majority
// goes on from what is left.
func TestBackupAndRecovery(t *testing.T) {
	testenv.TakesLong(t, "a cluster of processes")
	t.Parallel()
	nodes := newNodes(t, 3)
	for _, n := range nodes {
		n.start()
	}
	leader := leaderAmong(t, nodes)
	openGig(t, leader, 1000)
	told := map[string]string{}
	for i := range 60 {
		user := fmt.Sprint("user-", i)
		told[user] = nodes[i%3].mustBuy(user, "gig").Order
	}
	mustBeSame(t, nodes) // a backup is of what a node has applied
	file := filepath.Join(t.TempDir(), "backup")
	has(t, command(t, 0, "snapshot", "save", file, "--private", nodes[0].private, "--secret-file", nodes[0].secretFile), "orders")
	has(t, command(t, 0, "snapshot", "inspect", file, "-o", "csv"), "orders,60")

	restored := newcomer(t, "r1", nodes)
	restored.join = nil
	command(t, 0, "snapshot", "restore", file, "--successor", "--data-dir", restored.dir, "--node-id", "r1", "--peer", restored.peer)
	has(t, command(t, 1, "snapshot", "restore", file, "--successor", "--data-dir", restored.dir, "--node-id", "r1", "--peer", restored.peer), "is not empty")
	restored.start()
	leaderAmong(t, []*testNode{restored})
	mustHold(t, restored, told)
	damaged, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	damaged[len(damaged)/2] ^= 1
	if err := os.WriteFile(file, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	has(t, command(t, 1, "snapshot", "inspect", file), "damaged")

	var left *testNode
	mustBeSame(t, nodes)
	for _, n := range nodes {
		if n == leader {
			n.stop()
			left = n
		} else {
			n.kill()
		}
	}
	has(t, command(t, 0, "cluster", "recover", "--data-dir", left.dir, "--node-id", left.id, "--peer", left.peer, "--yes"), "cluster of one")
	left.join = nil
	left.start()
	leaderAmong(t, []*testNode{left})
	mustHold(t, left, told)
	for _, n := range nodes {
		if n != left { // a lost node that comes back is refused by the new cluster
			n.start()
			n.kill()
		}
	}
	left.stop()
	mustAudit(t, left)
}

// A node that is removed while it waits for its vote ends, stays removed and does not start
// again.
func TestRemovedStaysRemoved(t *testing.T) {
	testenv.TakesLong(t, "a cluster of processes")
	t.Parallel()
	nodes := newNodes(t, 3)
	for _, n := range nodes {
		n.start()
	}
	leaderAmong(t, nodes)
	fourth := newcomer(t, "n4", nodes)
	fourth.extra = []string{"--stable-time", "1h"}
	fourth.start()
	testenv.Eventually(t, time.Minute, "a learner", func() bool { return nodes[1].shows("n4,learner", "status") })
	nodes[1].removes("n4")
	for range 2 {
		if code := fourth.ended(); code != 1 || !strings.Contains(fourth.log(), "this node was removed from its cluster") {
			t.Errorf("it ended with %d:\n%s", code, fourth.log())
		}
		fourth.start()
	}
	if text := nodes[1].manages("status", "-o", "csv"); strings.Contains(text, "n4,") {
		t.Errorf("n4 is a member again:\n%s", text)
	}
}
