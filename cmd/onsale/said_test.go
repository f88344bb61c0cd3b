package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"onsale/proof/testenv"
)

// Commands say what they did, or why they did nothing; nothing is answered as a bug.
func TestClusterCommandsSayWhatTheyDid(t *testing.T) {
	testenv.TakesLong(t, "a cluster of processes")
	t.Parallel()
	nodes := newNodes(t, 3)
	for _, n := range nodes {
		n.start()
	}
	leader := leaderAmong(t, nodes)
	testenv.Eventually(t, time.Minute, "health", func() bool { return leader.shows("failure_tolerance,1", "health") })
	var other, third *testNode
	for _, n := range nodes {
		if n != leader && other == nil {
			other = n
		} else if n != leader {
			third = n
		}
	}

	for _, door := range []*testNode{leader, other} {
		testenv.Eventually(t, time.Minute, door.id+" says who leads already", func() bool {
			code, text := door.try("transfer", leaderAmong(t, nodes).id) // done, when another one was elected meanwhile
			return code == 1 && strings.Contains(text, "leads already")
		})
		door.refuses("not a member", "transfer", "n9")
		door.refuses("not a member", "remove", "n9", "--yes")
		door.refuses("not a member", "demote", "n9", "--yes")
	}
	has(t, leader.manages("promote", other.id), fmt.Sprintf("node %s has a vote already\n", other.id))
	leader.refuses("belongs to a cluster already", "join", other.peer)

	learner := newcomer(t, "n4", nodes)
	learner.extra = []string{"--stable-time", "1h"}
	learner.start()
	testenv.Eventually(t, time.Minute, "a learner", func() bool { return leader.shows("n4,learner,follower,yes", "status") })
	leader.refuses("has no vote", "transfer", "n4")
	has(t, leader.manages("demote", "n4", "--yes"), "node n4 is a learner already, and stays one\n")
	learner.kill()
	testenv.Eventually(t, time.Minute, "no answer of n4", func() bool { return !leader.shows("n4,learner,follower", "status") })
	leader.refuses("cannot be told", "demote", "n4", "--yes")
	leader.refuses("is not healthy", "promote", "n4")
	leader.removes("n4")

	third.kill()
	leader.refuses("does not answer", "transfer", third.id)
	leader.removes(third.id)
	if code, text := leader.try("health"); !strings.Contains(text, "of two voters neither may fail") {
		t.Errorf("%d: %s", code, text)
	}
	if code, text := leader.try("remove", other.id, "--yes"); code != 0 && !strings.Contains(text, "quorum") {
		t.Errorf("%d: %s", code, text)
	}
	for _, n := range nodes {
		if strings.Contains(n.log(), "internal error") {
			t.Errorf("%s:\n%s", n.id, n.log())
		}
	}
}

// Without a majority a step says so, at any node, instead of waiting for one.
func TestStepsWithoutQuorum(t *testing.T) {
	testenv.TakesLong(t, "a cluster of processes")
	t.Parallel()
	nodes := newNodes(t, 3)
	for _, n := range nodes {
		n.start()
	}
	leaderAmong(t, nodes)
	nodes[0].kill()
	nodes[1].kill()
	testenv.Eventually(t, time.Minute, "a refusal with its reason", func() bool {
		code, text := nodes[2].try("remove", "n1", "--yes")
		return code == 4 && strings.Contains(text, "1 of 3 voters answer, and a step needs 2")
	})
	file := filepath.Join(t.TempDir(), "backup")
	save := []string{"snapshot", "save", file, "--private", nodes[2].private, "--secret-file", nodes[2].secretFile}
	has(t, command(t, 1, save...), "hears no leader")
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a backup that was refused: %v", err)
	}
	has(t, command(t, 0, append(save, "--stale", "-o", "csv")...), "\nstale,")
	has(t, command(t, 0, "snapshot", "inspect", file, "-o", "csv"), "\nstale,")
}

// A node that waits is told when nobody lets it in.
func TestJoinOfNobody(t *testing.T) {
	testenv.TakesLong(t, "it waits for nodes that are not there")
	t.Parallel()
	n := newcomer(t, "n1", newNodes(t, 2))
	n.join, n.extra = nil, []string{"--wait-to-join"}
	n.start()
	n.logs("listening")
	n.refuses("HOST:PORT", "join", "there")
	n.refuses("was not let in within", "join", freeAddress(t))
}
