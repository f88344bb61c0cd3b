package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"onsale/proof/testenv"
)

// A replica whose data is damaged does not start and says with which command it is
// repaired; after it the replica is back with its vote, the same hashes and a clean
// audit. No acknowledged order is lost on the way.
func TestDamagedReplicaIsRepaired(t *testing.T) {
	testenv.TakesLong(t, "a cluster of processes")
	t.Parallel()
	nodes := newNodes(t, 3)
	for _, n := range nodes {
		n.extra = []string{"--stable-time", "500ms"}
		n.start()
	}
	openGig(t, leaderAmong(t, nodes), 1<<20)
	told := map[string]string{}
	for _, part := range []string{"raft-log", "journal", "snapshots", "raft-votes.bolt", "NODE.json"} {
		for i := range 20 {
			user := part + string(rune('a'+i))
			told[user] = nodes[i%3].mustBuy(user, "gig").Order
		}
		leader := leaderAmong(t, nodes)
		sick, well := nodes[0], nodes[1]
		if sick == leader {
			sick, well = well, sick
		}
		if part == "snapshots" {
			command(t, 0, "snapshot", "save", filepath.Join(t.TempDir(), "backup"), "--private", sick.private, "--secret-file", sick.secretFile)
		}
		has(t, command(t, 1, "cluster", "repair", "--data-dir", sick.dir, "--node-id", sick.id, "--private", well.private, "--secret-file", well.secretFile, "--yes"), "stop that process first")
		sick.stop()
		damagePart(t, sick, part)
		code, output := onsaleProcess(t, nil, sick.arguments()...)
		if code != 1 {
			t.Fatalf("damaged %s: exit code %d\n%s", part, code, output)
		}
		has(t, output, "onsale cluster repair --data-dir "+sick.dir+" --node-id "+sick.id)
		has(t, command(t, 0, "cluster", "repair", "--data-dir", sick.dir, "--node-id", sick.id, "--private", well.private, "--secret-file", well.secretFile, "--yes"), "start it as before")
		sick.start()
		testenv.Eventually(t, time.Minute, "the vote of the repaired node", func() bool { return well.shows(sick.id+",voter", "status") && sick.ready() })
		mustBeSame(t, nodes)
	}
	mustHold(t, leaderAmong(t, nodes), told)
	for _, n := range nodes {
		n.stop()
		mustAudit(t, n)
	}
}

// damagePart flips a bit in the middle of a part of a node's data that was durable.
func damagePart(t testing.TB, n *testNode, part string) {
	t.Helper()
	path := filepath.Join(n.dir, part)
	switch part {
	case "raft-log":
		path = onlySegment(t, path)
	case "journal": // its end is cut and replayed; behind a snapshot it is damage
		if err := os.Truncate(filepath.Join(path, "MANIFEST"), 20); err != nil {
			t.Fatal(err)
		}
		return
	case "snapshots":
		states, err := filepath.Glob(filepath.Join(path, "*", "state.bin"))
		if err != nil || len(states) == 0 {
			t.Fatalf("snapshots %v, %v", states, err)
		}
		for _, state := range states {
			damage(t, state)
		}
		// Without the log in front of the snapshot, nothing makes it good.
		if err := os.RemoveAll(filepath.Join(n.dir, "raft-log")); err != nil {
			t.Fatal(err)
		}
		return
	case "raft-votes.bolt":
		if err := os.Truncate(path, 5000); err != nil {
			t.Fatal(err)
		}
		return
	}
	damage(t, path)
}
