package audit

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"onsale/sequencer"
	"onsale/wal"
	"onsale/wal/journal"
)

// quiet is batches in which nothing but time happens.
func quiet(n int) batches {
	list := batches{at(0, sell())}
	for range n - 1 {
		list = append(list, at(1, nobody()))
	}
	return list
}

// Progress is told every so many blocks, with the requests so far.
func TestProgress(t *testing.T) {
	var told []uint64
	f := forgery{batches: quiet(2*progressEvery + 5)}
	f.run(Options{Progress: func(requests uint64) { told = append(told, requests) }})
	if !slices.Equal(told, []uint64{progressEvery, 2 * progressEvery}) {
		t.Errorf("told %v", told)
	}
}

// After a block that cannot be read, and in a journal without its beginning, time and
// sequence are still followed.
func TestSequenceWithoutBooks(t *testing.T) {
	unreadable := func(b *journal.Block) {
		if b.Height == 3 {
			b.Batch = b.Batch[:1]
		}
	}
	timeBack := func(f *forged) { f.blocks[6].decisions.Time-- }
	seqMissing := func(f *forged) { f.blocks[6].decisions.FirstSeq++ }
	late := func(b *journal.Block) { b.Height += 7 }
	for _, c := range []struct {
		name  string
		write func(b *journal.Block)
		forge func(f *forged)
		finds []Kind
	}{
		{"unreadable", unreadable, nil, []Kind{KindEncoding}},
		{"unreadable, and time runs back later", unreadable, timeBack, []Kind{KindEncoding, KindTime}},
		{"unreadable, and a seq is missing later", unreadable, seqMissing, []Kind{KindEncoding, KindSequence, KindSequence}},
		{"late", late, nil, nil},
		{"late, and time runs back", late, timeBack, []Kind{KindTime}},
		{"late, and a seq is missing", late, seqMissing, []Kind{KindSequence, KindSequence}},
		{"late, and another decision", late, func(f *forged) { f.result(4).Code = sequencer.CodeNotPayable }, nil},
	} {
		story := forged{decided(quiet(9), honest)}
		if c.forge != nil {
			c.forge(&story)
		}
		a := newAuditor(Options{})
		for i := range story.blocks {
			b := block(&story.blocks[i])
			b.Height = uint64(i) + 1
			c.write(&b)
			if err := a.block(&b); err != nil {
				t.Fatal(err)
			}
		}
		r := a.finish()
		var found []Kind
		for _, f := range r.Findings {
			found = append(found, f.Kind)
		}
		verdict := VerdictUnchecked
		if len(c.finds) > 0 {
			verdict = VerdictFindings
		}
		if !slices.Equal(found, c.finds) || r.Verdict != verdict || r.Unchecked == 0 || len(r.Sales) > 0 {
			t.Errorf("%s: found %v, want %v:\n%s", c.name, found, c.finds, r)
		}
		if r.Blocks != 9 || r.FirstHeight == 0 || r.LastHeight != r.FirstHeight+8 || r.Redecided+r.Unchecked != r.Requests {
			t.Errorf("%s: %+v", c.name, r)
		}
	}
}

// What a scan ends in is told by the report when it is the journal that is wrong.
func TestDamaged(t *testing.T) {
	for err, want := range map[error]bool{
		journal.ErrCorrupt: true, wal.ErrCorrupt: true, os.ErrPermission: false, errors.New("other"): false,
		journal.ErrVersion: false, wal.ErrVersion: false, sequencer.ErrVersion: false,
	} {
		a := newAuditor(Options{})
		a.last.Height = 8
		if got := a.damaged(fmt.Errorf("read: %w", err)); got != want || want != (a.findings.total == 1) {
			t.Errorf("%v: %t, %d findings", err, got, a.findings.total)
		} else if want && (a.findings.list[0].Block != 9 || !strings.HasPrefix(a.findings.list[0].Message, "read: ")) {
			t.Errorf("%v: %+v", err, a.findings.list[0])
		}
	}
}

// A journal of a later release is none that is wrong: it is not judged, and the error says
// where this release stops.
func TestJournalOfALaterRelease(t *testing.T) {
	for what, c := range map[string]struct {
		later func(records [][]byte)
		want  error
	}{
		"a batch": {func(r [][]byte) {
			const batchAt = 72 // a block's hash is its end, and of everything before
			r[30][batchAt] = math.MaxUint8
			sum := sha256.Sum256(r[30][:len(r[30])-sha256.Size])
			copy(r[30][len(r[30])-sha256.Size:], sum[:])
		}, sequencer.ErrVersion},
		"a block": {func(r [][]byte) { r[30][0] = math.MaxUint8 }, journal.ErrVersion},
	} {
		dir := rewritten(t, decided(story(7, 40), honest), func(r [][]byte) [][]byte { c.later(r); return r })
		for _, o := range []Options{{}, {LedgerOnly: true}} {
			if r, err := Run(dir, o); r != nil || !errors.Is(err, c.want) || !strings.Contains(err.Error(), "block 31: ") {
				t.Errorf("%s, %+v: %+v, %v", what, o, r, err)
			}
		}
	}
}

// What a report says of a whole journal, and of one with a torn end and a missing front.
func TestWhatWasRead(t *testing.T) {
	entries := decided(story(7, 40), honest)
	dir, head := record(t, entries)
	r := mustRun(t, dir, Options{Contains: head})
	first, last := &entries[0].decisions, &entries[40].decisions
	if r.FirstSeq != first.FirstSeq || r.FirstTime != first.Time || r.LastTime != last.Time ||
		r.LastSeq != last.FirstSeq+uint64(len(last.Results))-1 || r.Directory != dir || len(r.Notes)+len(r.Missing) > 0 {
		t.Errorf("%+v", r)
	}
	if r.FirstHeight != 1 || r.LastHeight != 41 || r.FirstRaftIndex != 2 || r.LastRaftIndex != 82 || r.Seconds <= 0 {
		t.Errorf("%+v", r)
	}
	segments, err := filepath.Glob(filepath.Join(dir, "0*"))
	if err != nil || len(segments) != 1 {
		t.Fatal(segments, err)
	}
	info, err := os.Stat(segments[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(segments[0], info.Size()-3); err != nil {
		t.Fatal(err)
	}
	torn := mustRun(t, dir, Options{})
	if torn.LastHeight != 40 || len(torn.Notes) != 1 || !strings.Contains(torn.Notes[0], "an append under way") {
		t.Errorf("%+v", torn)
	}
}

// Blocks that are not there are named, and the error of a folder that cannot be read is
// the caller's.
func TestMissingFront(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal")
	j, err := journal.Open(dir, journal.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.Restore(journal.Head{Height: 100, RaftIndex: 300, Hash: journal.Hash{1}}); err != nil {
		t.Fatal(err)
	}
	put(t, j, decided(story(2, 3), honest))
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	r := mustRun(t, dir, Options{})
	if !slices.Equal(r.Missing, []journal.Span{{First: 1, Last: 100}}) || len(r.Notes) != 2 ||
		!strings.Contains(r.Notes[1], "blocks 1 to 100 are") {
		t.Errorf("%+v", r)
	}
	if _, err := Run(filepath.Join(dir, "nowhere"), Options{}); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("a folder that is not there: %v", err)
	}
}
