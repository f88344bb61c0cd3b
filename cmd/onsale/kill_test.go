package main

import (
	"testing"

	"onsale/proof/testenv"
)

// The only node is killed in the middle of a sale, again and again: what it
// answered stays.
func TestKilledNodeKeepsItsWord(t *testing.T) {
	t.Parallel()
	nodes := newNodes(t, 1)
	n := nodes[0]
	n.start()
	leaderAmong(t, nodes)
	openGig(t, n, 1<<20)
	c := gather(nodes, 16)
	for range testenv.Pick(3, 1) {
		c.buysOn(t)
		n.kill()
		n.start()
		leaderAmong(t, nodes)
	}
	told := c.disperse(t)
	mustHold(t, n, told)
	n.stop()
	mustAudit(t, n)
}

// The leader of three is killed in the middle of a sale, twice, and comes back:
// the sale goes on, nothing that was told is lost, and all replicas are the same.
func TestKilledLeaderIsReplaced(t *testing.T) {
	testenv.TakesLong(t, "a cluster of processes")
	t.Parallel()
	nodes := newNodes(t, 3)
	for _, n := range nodes {
		n.start()
	}
	openGig(t, leaderAmong(t, nodes), 1<<20)
	c := gather(nodes, 16)
	for range 2 {
		c.buysOn(t)
		old := leaderAmong(t, nodes)
		old.kill()
		leaderAmong(t, nodes)
		c.buysOn(t)
		old.start()
	}
	told := c.disperse(t)
	leader := leaderAmong(t, nodes)
	mustHold(t, leader, told)
	mustBeSame(t, nodes)
	for _, n := range nodes {
		n.stop()
	}
	for _, n := range nodes {
		mustAudit(t, n)
	}
}

// What the operator reads when a start fails.
func TestRefusedStarts(t *testing.T) {
	testenv.TakesLong(t, "eight processes")
	nodes := newNodes(t, 1)
	n := nodes[0]
	n.start()
	leaderAmong(t, nodes)
	n.logs("msg=ready")
	refused := func(code int, words string, environment []string, args ...string) {
		t.Helper()
		got, output := onsaleProcess(t, environment, args...)
		if got != code {
			t.Errorf("%v: exit code %d, want %d", args, got, code)
		}
		has(t, output, words)
	}
	taken := freeAddress(t)
	other := append([]string{"serve", "--data-dir", t.TempDir(), "--private", taken, "--peer", taken}, "--http", n.http)
	refused(1, "address already in use", nil, other...)
	refused(1, "is open in another process", nil, "serve", "--data-dir", n.dir, "--secret-file", n.secretFile, "--http", "127.0.0.1:0", "--private", "127.0.0.1:0")
	n.stop()
	refused(1, "was made by node \"n1\"", nil, "serve", "--data-dir", n.dir, "--node-id", "n7", "--secret-file", n.secretFile, "--http", "127.0.0.1:0", "--private", "127.0.0.1:0")
	refused(2, "the same --secret-file", nil, "serve", "--data-dir", t.TempDir(), "--http", "127.0.0.1:0", "--private", "127.0.0.1:0", "--peer", "127.0.0.1:0", "--join", "127.0.0.1:1")
	refused(2, `unknown setting "date-dir"`, []string{"ONSALE_DATE_DIR=x"}, "serve")
	refused(2, "--join has", nil, "serve", "--join", "nonsense", "--http", "127.0.0.1:0", "--private", "127.0.0.1:0")
	refused(2, "unknown command", nil, "sell")
}
