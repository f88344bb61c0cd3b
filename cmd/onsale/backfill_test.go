package main

import (
	"encoding/hex"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"onsale/audit"
	"onsale/proof/testenv"
	"onsale/wal"
	"onsale/wal/journal"
)

// A node that is repaired when the others' logs do not go back to the beginning any more
// is restored from a snapshot. It fills its journal from the others, goes on with that
// after it was killed in the middle, and its audit is then that of the others: the same
// head, the same requests decided again. The sale goes on meanwhile.
func TestRepairedReplicaFillsItsJournal(t *testing.T) {
	testenv.TakesLong(t, "a cluster of processes")
	t.Parallel()
	nodes := newNodes(t, 3)
	for _, n := range nodes {
		n.extra = []string{"--stable-time", "500ms", "--trailing-entries", "32"}
		n.start()
	}
	openGig(t, leaderAmong(t, nodes), 1<<20)
	first := gather(nodes, 32)
	testenv.Eventually(t, 3*time.Minute, "a journal worth filling", func() bool {
		s, err := nodes[0].status()
		return err == nil && s.JournalHeight > 600
	})
	told := first.disperse(t)
	leader := leaderAmong(t, nodes)
	sick, well := nodes[0], nodes[1]
	if sick == leader {
		sick, well = well, sick
	}
	for _, n := range nodes { // whoever leads later sends a snapshot, not its log
		command(t, 0, "snapshot", "save", filepath.Join(t.TempDir(), "backup"), "--private", n.private, "--secret-file", n.secretFile)
	}
	sick.stop()
	command(t, 0, "cluster", "repair", "--data-dir", sick.dir, "--node-id", sick.id, "--private", well.private, "--secret-file", well.secretFile, "--yes")
	sick.extra = append(sick.extra, "--backfill-bytes-per-second", "30000")
	sick.start()
	second := gather(nodes, 4)
	filling := filepath.Join(sick.dir, "journal-filling-1")
	testenv.Eventually(t, time.Minute, "a part of the journal", func() bool { return lastRecordOf(filling) > 50 })
	sick.kill()
	had, needs := lastRecordOf(filling), gapOf(t, sick)
	if had >= needs {
		t.Fatalf("%d of %d blocks were filled in before the kill", had, needs)
	}
	report, err := audit.Run(filepath.Join(sick.dir, "journal"), audit.Options{})
	if err != nil || report.Verdict != audit.VerdictUnchecked || len(report.Missing) != 1 || report.Missing[0].First != 1 || report.Missing[0].Last != needs {
		t.Fatalf("audit before it is filled: %v\n%v", err, report)
	}
	sick.extra = append(sick.extra, "--backfill-bytes-per-second", "10000000")
	sick.start()
	testenv.Eventually(t, time.Minute, "the whole journal", func() bool {
		s, err := sick.status()
		return err == nil && s.JournalFirstHeight == 1 && s.JournalHeight > needs
	})
	sick.logs("a gap of the journal is filled") // a moment after it can be seen
	has(t, sick.log(), "the journal has a gap")
	if strings.Contains(sick.log(), "thrown away") {
		t.Errorf("what was filled in before the kill is lost:\n%s", sick.log())
	}
	has(t, command(t, 0, "cluster", "status", "--private", well.private, "--secret-file", well.secretFile, "-o", "json"), `"journal_first_height": 1`)
	testenv.Eventually(t, time.Minute, "the vote of the repaired node", func() bool { return well.shows(sick.id+",voter", "status") })
	for user, order := range second.disperse(t) {
		told[user] = order
	}
	mustBeSame(t, nodes)
	mustHold(t, leaderAmong(t, nodes), told)
	mustAuditAlike(t, nodes)
}

// lastRecordOf returns the last record of a log, 0 while there is none.
func lastRecordOf(dir string) (last uint64) {
	_, _ = wal.ScanDir(dir, func(index uint64, _ []byte) error { last = index; return nil }) // it is written meanwhile
	return last
}

// gapOf returns the height in front of a node's journal.
func gapOf(t *testing.T, n *testNode) uint64 {
	t.Helper()
	first, err := wal.FirstIndexOf(filepath.Join(n.dir, "journal"))
	if err != nil || first < 2 {
		t.Fatalf("%s was not restored from a snapshot: its journal begins at %d, %v", n.id, first, err)
	}
	return first - 1
}

// mustAuditAlike stops nodes at one place and asks that their audits tell the same.
func mustAuditAlike(t *testing.T, nodes []*testNode) {
	t.Helper()
	var shortest *audit.Report
	for _, n := range nodes {
		n.stop()
		if r := auditOf(t, n, audit.Options{}); shortest == nil || r.LastHeight < shortest.LastHeight {
			shortest = r
		}
	}
	head, err := hex.DecodeString(shortest.ChainHead)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range nodes { // who stopped later may have a block without requests more
		r := auditOf(t, n, audit.Options{Contains: journal.Hash(head)})
		if r.Redecided != shortest.Redecided || r.Unchecked != 0 || r.FirstHeight != 1 || len(r.Missing) != 0 {
			t.Errorf("%s:\n%v\nthe shortest is\n%v", n.id, r, shortest)
		}
	}
}

func auditOf(t *testing.T, n *testNode, o audit.Options) *audit.Report {
	t.Helper()
	report, err := audit.Run(filepath.Join(n.dir, "journal"), o)
	if err != nil || report.Verdict != audit.VerdictClean {
		t.Fatalf("audit of %s: %v\n%v", n.id, err, report)
	}
	return report
}
