package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"onsale/sequencer"
	"onsale/wal"
	"onsale/wal/journal"
)

func mustRun(t testing.TB, dir string, o Options) *Report {
	t.Helper()
	r, err := Run(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestHonestJournalIsClean(t *testing.T) {
	for seed := range uint64(10) {
		dir, head := record(t, decided(story(seed, 400), honest))
		r := mustRun(t, dir, Options{Contains: head})
		if r.Verdict != VerdictClean || r.Unchecked != 0 || r.Redecided != r.Requests || r.Requests == 0 {
			t.Fatalf("seed %d:\n%s", seed, r)
		}
		if len(r.Sales) != 2 || r.Sales[0].SoldOut == 0 || r.Sales[0].Sold == 0 || r.Buyers == 0 || r.Events == 0 {
			t.Fatalf("seed %d: the story has become too quiet:\n%s", seed, r)
		}
	}
}

// The ledger alone finds nothing wrong with an honest journal, and does not call it clean.
func TestLedgerAlone(t *testing.T) {
	dir, head := record(t, decided(story(1, 400), honest))
	r := mustRun(t, dir, Options{LedgerOnly: true, Contains: head})
	if r.Verdict != VerdictUnchecked || r.FindingCount != 0 || r.Redecided != 0 || r.Unchecked != r.Requests || r.Requests == 0 {
		t.Fatal(r)
	}
	again := mustRun(t, dir, Options{})
	for i := range again.Sales {
		again.Sales[i].Status = ""
	}
	if !slices.Equal(r.Sales, again.Sales) {
		t.Fatalf("the ledger alone gives the totals %v, with the rules they are %v", r.Sales, again.Sales)
	}
}

func TestReportIsWritten(t *testing.T) {
	dir, _ := record(t, decided(story(1, 100), honest))
	r := mustRun(t, dir, Options{})
	var text, encoded bytes.Buffer
	if err := errors.Join(r.WriteText(&text), r.WriteJSON(&encoded)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{": clean", "head       ", `sale 1 "spring" (open)`, "sold_out"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is not in\n%s", want, &text)
		}
	}
	var again Report
	if err := json.Unmarshal(encoded.Bytes(), &again); err != nil || again.ChainHead != r.ChainHead || again.Verdict != VerdictClean {
		t.Fatalf("%v, %s", err, &encoded)
	}
}

// Without genesis nothing can be decided again, and the report never says clean.
func TestJournalAfterSnapshotIsNeverClean(t *testing.T) {
	entries := decided(story(2, 200), honest)
	dir := filepath.Join(t.TempDir(), "journal")
	j, err := journal.Open(dir, journal.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.Restore(journal.Head{Height: 100, RaftIndex: 300, Hash: journal.Hash{1}}); err != nil {
		t.Fatal(err)
	}
	put(t, j, entries[100:])
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	r := mustRun(t, dir, Options{})
	if r.Verdict != VerdictUnchecked || r.Redecided != 0 || r.Unchecked != r.Requests || r.FirstHeight != 101 || len(r.Notes) == 0 {
		t.Fatal(r)
	}
}

func TestMissingTailIsFoundByTheHead(t *testing.T) {
	entries := decided(story(3, 50), honest)
	_, head := record(t, entries)
	dir, _ := record(t, entries[:40])
	if r := mustRun(t, dir, Options{}); r.Verdict != VerdictClean {
		t.Fatal(r)
	}
	r := mustRun(t, dir, Options{Contains: head})
	if r.Verdict != VerdictFindings || r.FindingKinds[KindChain] != 1 {
		t.Fatal(r)
	}
}

func TestNoJournal(t *testing.T) {
	if _, err := Run(t.TempDir(), Options{}); err == nil {
		t.Fatal("an empty directory was audited")
	}
	dir, _ := record(t, nil)
	r := mustRun(t, dir, Options{})
	if r.Verdict != VerdictUnchecked || len(r.Notes) != 1 || !strings.HasPrefix(r.Notes[0], "no block could be read") {
		t.Fatal(r)
	}
}

// A byte flipped on the disk is found by the log's checksum.
func TestFlippedByteOnDisk(t *testing.T) {
	dir, _ := record(t, decided(story(4, 100), honest))
	segments, err := filepath.Glob(filepath.Join(dir, "0*"))
	if err != nil || len(segments) == 0 {
		t.Fatalf("segments %v, %v", segments, err)
	}
	data, err := os.ReadFile(segments[0])
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 4
	if err := os.WriteFile(segments[0], data, 0o600); err != nil {
		t.Fatal(err)
	}
	if r := mustRun(t, dir, Options{}); r.Verdict != VerdictFindings || r.FindingKinds[KindChain] != 1 {
		t.Fatal(r)
	}
}

// Records that somebody wrote anew, with good checksums, are found by the chain.
func TestTamperedRecords(t *testing.T) {
	tampers := map[string]func(records [][]byte) [][]byte{
		"a flipped byte":     func(r [][]byte) [][]byte { r[30][90] ^= 1; return r },
		"a dropped block":    func(r [][]byte) [][]byte { return append(r[:30:30], r[31:]...) },
		"two blocks swapped": func(r [][]byte) [][]byte { r[30], r[31] = r[31], r[30]; return r },
	}
	for name, tamper := range tampers {
		r := mustRun(t, rewritten(t, decided(story(5, 60), honest), tamper), Options{})
		if r.Verdict != VerdictFindings || r.FindingKinds[KindChain] != 1 || r.Findings[0].Block != 31 {
			t.Errorf("%s: %s", name, r)
		}
	}
}

// rewritten writes entries as a journal of which somebody wrote the records anew.
func rewritten(t *testing.T, entries []entry, change func(records [][]byte) [][]byte) (dir string) {
	t.Helper()
	original, _ := record(t, entries)
	var records [][]byte
	if _, err := wal.ScanDir(original, func(_ uint64, record []byte) error {
		records = append(records, bytes.Clone(record))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(t.TempDir(), "journal")
	log, err := wal.Open(dir, wal.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(log.Append(1, change(records)), log.Close()); err != nil {
		t.Fatal(err)
	}
	return dir
}

// A batch that cannot be read ends the checks that need the books, and says so.
func TestUnreadableBatch(t *testing.T) {
	entries := decided(story(6, 60), honest)
	dir := filepath.Join(t.TempDir(), "journal")
	j, err := journal.Open(dir, journal.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	put(t, j, entries[:30])
	bad := journal.Block{RaftIndex: j.Position().RaftIndex + 1, Batch: []byte{sequencer.BatchVersion, 'x'}, Decisions: sequencer.AppendDecisions(nil, &entries[30].decisions)}
	if err := j.Put(&bad); err != nil {
		t.Fatal(err)
	}
	put(t, j, entries[31:])
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	r := mustRun(t, dir, Options{})
	if r.Verdict != VerdictFindings || r.FindingCount != 1 || r.FindingKinds[KindEncoding] != 1 || r.Unchecked == 0 {
		t.Fatal(r)
	}
}
