package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"onsale/internal/failpoint"
	"onsale/proof/testenv"
)

// newHung returns a cluster of processes at which somebody can make a disk, or the decisions, hang.
func newHung(t *testing.T, flags ...string) []*testNode {
	program, dir := buildProgram(t, "-tags", "failpoints"), t.TempDir()
	nodes := newNodes(t, 3)
	for _, n := range nodes {
		n.program, n.environment = program, []string{failpoint.Variable + "=" + filepath.Join(dir, n.id)}
		n.extra = append(n.extra, flags...)
		n.start()
	}
	openGig(t, leaderAmong(t, nodes), 1<<20)
	return nodes
}

// hangAt makes a process hang at a place for ever, the next time that it comes by.
func hangAt(t *testing.T, n *testNode, name failpoint.Name) {
	t.Helper()
	if err := os.WriteFile(strings.TrimPrefix(n.environment[0], failpoint.Variable+"="), fmt.Appendf(nil, "%s=stall", name), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A leader whose Apply or log hangs loses its office, and its process ends; the process of one
// whose votes hang ends as well. Buys go on at the others, and who starts again has all.
func TestProcessesThatHang(t *testing.T) {
	testenv.TakesLong(t, "a cluster of processes")
	t.Parallel()
	nodes := newHung(t, "--stall-together-max", "8s")
	for _, name := range []failpoint.Name{failpoint.ApplyBefore, failpoint.LogAppendBefore, failpoint.VoteBefore} {
		leader := leaderAmong(t, nodes)
		hung, others := leader, slices.DeleteFunc(slices.Clone(nodes), func(n *testNode) bool { return n == leader })
		if name == failpoint.VoteBefore { // at its election
			hung, others = others[0], []*testNode{leader, others[1]}
		}
		c := gather(others, 4)
		hangAt(t, hung, name)
		if name == failpoint.VoteBefore {
			attempt("cluster", "transfer", hung.id, "--private", leader.private, "--secret-file", leader.secretFile)
		}
		leaderAmong(t, others)
		c.buysOn(t)
		if code := hung.ended(); code == 0 || !strings.Contains(hung.log(), "it hangs") {
			t.Errorf("%s that hung at %s ended with %d:\n%s", hung.id, name, code, hung.log())
		}
		hung.start()
		testenv.Eventually(t, 2*time.Minute, hung.id+" ready again", hung.ready)
		mustHold(t, leaderAmong(t, nodes), c.disperse(t))
	}
	mustBeSame(t, nodes)
}

// A leader whose journal hangs decides nothing more: another one takes its office while its process
// goes on and is not ready, and then its process ends, with the word journal. Who starts again has all.
func TestJournalThatHangs(t *testing.T) {
	testenv.TakesLong(t, "a cluster of processes")
	t.Parallel()
	nodes := newHung(t, "--stall-max", "2s", "--stall-together-max", "5s")
	hung := leaderAmong(t, nodes)
	others := slices.DeleteFunc(slices.Clone(nodes), func(n *testNode) bool { return n == hung })
	c := gather(others, 4)
	hangAt(t, hung, failpoint.JournalPutBefore)
	leaderAmong(t, others)
	c.buysOn(t)
	if code := hung.ended(); code == 0 || !strings.Contains(hung.log(), "it hangs: journal") {
		t.Errorf("%s ended with %d:\n%s", hung.id, code, hung.log())
	}
	hung.start()
	testenv.Eventually(t, time.Minute, hung.id+" ready again", hung.ready)
	mustHold(t, leaderAmong(t, nodes), c.disperse(t))
	mustBeSame(t, nodes)
}

// A node whose snapshot hangs stops when it is told to.
func TestStopWhileASnapshotHangs(t *testing.T) {
	testenv.TakesLong(t, "a cluster of processes")
	t.Parallel()
	nodes := newHung(t, "--stall-together-max", "8s")
	n := leaderAmong(t, nodes)
	hangAt(t, n, failpoint.SnapshotWriteBefore)
	go attempt("snapshot", "save", filepath.Join(t.TempDir(), "backup"), "--private", n.private, "--secret-file", n.secretFile)
	testenv.Eventually(t, time.Minute, "a snapshot that hangs", func() bool { return strings.Contains(n.log(), "failpoint "+string(failpoint.SnapshotWriteBefore)) })
	if err := n.process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	n.ended() // which waits for it, bounded
	if !strings.Contains(n.log(), "snapshot does not return") {
		t.Errorf("it does not say what hung:\n%s", n.log())
	}
}
