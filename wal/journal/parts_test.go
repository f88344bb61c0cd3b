package journal

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"onsale/proof/testenv"
	"onsale/wal"
)

// chainOf makes journals of one chain: folders with some heights each, and the journal
// itself from a height on. It returns its folder and the head.
func chainOf(t testing.TB, last, journalFrom uint64, spans ...Span) (dir string, head Head) {
	t.Helper()
	dir = filepath.Join(testenv.MemoryDir(t), "journal")
	heads := map[uint64]Head{0: {}}
	whole := mustOpen(t, filepath.Join(testenv.MemoryDir(t), "whole"))
	for height := uint64(1); height <= last; height++ {
		putRange(t, whole, 10+height, 10+height)
		heads[height] = whole.Position()
	}
	if err := whole.Close(); err != nil {
		t.Fatal(err)
	}
	write := func(dir string, s Span) {
		j := mustOpen(t, dir)
		if err := j.log.Reset(s.First); err != nil {
			t.Fatal(err)
		}
		j.position = heads[s.First-1]
		putRange(t, j, 10+s.First, 10+s.Last)
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range spans {
		write(PartDir(dir, s), s)
	}
	write(dir, Span{journalFrom, last})
	return dir, heads[last]
}

// Parts and journal are read as one chain when no height is missing between them; else
// what leads to the end without a gap is.
func TestScanReadsOneChain(t *testing.T) {
	for name, test := range map[string]struct {
		from   uint64
		parts  []Span
		blocks int
		gaps   []Span
	}{
		"journal alone":        {1, nil, 90, nil},
		"begins at a snapshot": {61, nil, 30, []Span{{1, 60}}},
		"one part":             {61, []Span{{1, 60}}, 90, nil},
		"three parts":          {61, []Span{{1, 9}, {10, 10}, {11, 60}}, 90, nil},
		"gap in the middle":    {61, []Span{{1, 20}, {41, 60}}, 50, []Span{{21, 40}}},
		"gap in front":         {61, []Span{{21, 60}}, 70, []Span{{1, 20}}},
		"two gaps":             {61, []Span{{11, 20}, {41, 50}}, 30, []Span{{1, 10}, {21, 40}, {51, 60}}},
		"overlapping parts":    {61, []Span{{1, 50}, {30, 60}, {35, 40}, {61, 70}}, 90, nil},
	} {
		t.Run(name, func(t *testing.T) {
			dir, head := chainOf(t, 90, test.from, test.parts...)
			if err := os.MkdirAll(filepath.Join(filepath.Dir(dir), "journal-filling-7"), 0o750); err != nil {
				t.Fatal(err)
			}
			if blocks, last, err := scan(dir); blocks != test.blocks || last != head || err != nil {
				t.Errorf("%d blocks, head %+v, %v", blocks, last, err)
			}
			if gaps, err := Gaps(dir); err != nil || !reflect.DeepEqual(gaps, test.gaps) {
				t.Errorf("gaps %v, %v", gaps, err)
			}
		})
	}
}

// A part that is not what its name says, or of another chain, is damage.
func TestScanRefusesOtherParts(t *testing.T) {
	for name, spoil := range map[string]func(dir string) error{
		"a part that is shorter": func(dir string) error { return os.Rename(dir+"-1-to-40", dir+"-1-to-60") },
		"a torn part": func(dir string) error {
			names, err := filepath.Glob(filepath.Join(dir+"-1-to-40", "0*"))
			if err != nil {
				return err
			}
			newest := names[len(names)-1]
			info, err := os.Stat(newest)
			if err != nil {
				return err
			}
			return os.Truncate(newest, info.Size()-3)
		},
		"another chain": func(dir string) error {
			other := mustOpen(t, dir+"-other")
			strange := block(5)
			strange.StateHash = 1
			if err := errors.Join(other.Put(strange), other.Close(), os.RemoveAll(dir+"-1-to-40")); err != nil {
				return err
			}
			j := mustOpen(t, dir+"-1-to-40")
			putRange(t, j, 1, 40)
			return j.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir, _ := chainOf(t, 90, 61, Span{1, 40}, Span{41, 60})
			if err := spoil(dir); err != nil {
				t.Fatal(err)
			}
			if _, _, err := scan(dir); !errors.Is(err, ErrCorrupt) {
				t.Errorf("scanned: %v", err)
			}
		})
	}
}

// Restoring from a snapshot ahead leaves a gap that is named by its heights, and the
// hashes around it are those of the chain.
func TestHistoryKnowsItsGaps(t *testing.T) {
	dir, _ := chainOf(t, 90, 61, Span{1, 20}, Span{41, 50})
	j := mustOpen(t, dir)
	h := NewHistory(j)
	defer func() {
		h.Close()
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	}()
	if h.First() != 0 {
		t.Errorf("begins at %d before the restart has replayed", h.First())
	}
	end, err := j.Last()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.Restore(end); err != nil {
		t.Fatal(err)
	}
	spans, err := h.Missing()
	if err != nil || !reflect.DeepEqual(spans, []Span{{21, 40}, {51, 60}}) || h.First() != 61 {
		t.Fatalf("missing %v, begins at %d, %v", spans, h.First(), err)
	}
	whole, _ := chainOf(t, 90, 1)
	for _, span := range spans {
		gap, err := h.Around(span)
		if err != nil {
			t.Fatal(err)
		}
		want := Gap{Span: span}
		if _, err := Scan(whole, func(b *Block) error {
			switch b.Height {
			case span.First - 1:
				want.Before = b.Hash
			case span.Last:
				want.End = b.Hash
			}
			return nil
		}); err != nil || gap != want {
			t.Errorf("around %v: %+v, want %+v, %v", span, gap, want, err)
		}
	}
	ahead := Head{Height: 200, RaftIndex: 700, Hash: Hash{1}}
	if _, err := j.Restore(ahead); err != nil {
		t.Fatal(err)
	}
	spans, err = h.Missing()
	if err != nil || !reflect.DeepEqual(spans, []Span{{21, 40}, {51, 60}, {91, 200}}) || h.First() != 201 {
		t.Fatalf("missing %v, begins at %d, %v", spans, h.First(), err)
	}
	if gap, err := h.Around(spans[2]); err != nil || gap.End != ahead.Hash || gap.Before != end.Hash {
		t.Errorf("in front of an empty journal: %+v, %v", gap, err)
	}
}

// A folder is a part when its name is what the journal would give it, and no other one.
func TestPartsByTheirNames(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal")
	for _, name := range []string{
		"journal-21-to-30", "journal-1-to-20", "journal-1-to-9", "journal-7-to-7", // parts
		"journal", "journal-0-to-3", "journal-9-to-8", "journal-01-to-3", "journal-1-to-3x", "journal-x-to-3",
		"journal-1-", "journal-1-to-", "journals-1-to-3", "other-1-to-3", "journal-1-to-99999999999999999999",
	} {
		if err := os.MkdirAll(filepath.Join(filepath.Dir(dir), name), 0o750); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(dir), "journal-31-to-40"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	parts, err := Parts(dir + "/")
	if err != nil {
		t.Fatal(err)
	}
	var spans []Span
	for _, p := range parts {
		spans = append(spans, p.Span)
		if p.Dir != PartDir(dir, p.Span) {
			t.Errorf("%v is in %s", p.Span, p.Dir)
		}
	}
	if want := []Span{{1, 9}, {1, 20}, {7, 7}, {21, 30}}; !reflect.DeepEqual(spans, want) {
		t.Errorf("parts %v, want %v", spans, want)
	}
	if _, err := Parts(filepath.Join(dir, "nowhere", "journal")); err == nil {
		t.Error("a folder that is not there has no parts")
	}
	if s := (Span{3, 7}); s.Blocks() != 5 || s.String() != "3 to 7" {
		t.Errorf("%v has %d blocks", s, s.Blocks())
	}
}

func TestMissing(t *testing.T) {
	for _, c := range []struct {
		parts []Span
		first uint64
		want  []Span
	}{
		{nil, 1, nil},
		{nil, 2, []Span{{1, 1}}},
		{[]Span{{1, 4}}, 5, nil},
		{[]Span{{1, 3}}, 5, []Span{{4, 4}}},
		{[]Span{{2, 4}}, 5, []Span{{1, 1}}},
		{[]Span{{1, 2}, {4, 4}}, 5, []Span{{3, 3}}},
		{[]Span{{1, 4}, {2, 3}}, 5, nil},
		{[]Span{{1, 2}, {5, 9}}, 5, []Span{{3, 4}}},
		{[]Span{{1, 2}, {6, 9}}, 5, []Span{{3, 4}}},
	} {
		var parts []Part
		for _, s := range c.parts {
			parts = append(parts, Part{Span: s})
		}
		if got := missing(parts, c.first); !reflect.DeepEqual(got, c.want) {
			t.Errorf("in front of %d, with %v: %v, want %v", c.first, c.parts, got, c.want)
		}
	}
}

// Who asks what is around a span that has no neighbours here is told so.
func TestNothingAround(t *testing.T) {
	dir, _ := chainOf(t, 90, 61, Span{1, 20}, Span{41, 50})
	j := mustOpen(t, dir)
	defer j.Close()
	h := NewHistory(j)
	defer h.Close()
	if h.Dir() != dir {
		t.Errorf("the history is in %s", h.Dir())
	}
	end, err := j.Last()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.Restore(end); err != nil {
		t.Fatal(err)
	}
	for _, s := range []Span{{31, 40}, {21, 39}, {23, 30}, {91, 95}, {95, 99}} {
		if gap, err := h.Around(s); !errors.Is(err, ErrNotKept) {
			t.Errorf("around %v: %+v, %v", s, gap, err)
		}
	}
	// Between a part and the journal both sides are here.
	first, err := h.Around(Span{51, 60})
	if err != nil || first.Before == (Hash{}) || first.End == (Hash{}) {
		t.Errorf("%+v, %v", first, err)
	}
}

// A history of a whole journal begins at 1; one that is not there any more, nowhere.
func TestFirst(t *testing.T) {
	dir, head := chainOf(t, 9, 1)
	j := mustOpen(t, dir)
	defer j.Close()
	h := NewHistory(j)
	if _, err := j.Restore(head); err != nil {
		t.Fatal(err)
	}
	if h.First() != 1 {
		t.Errorf("begins at %d", h.First())
	}
	if err := os.RemoveAll(filepath.Dir(dir)); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Missing(); err == nil || h.First() != 0 {
		t.Errorf("a folder that went away: begins at %d, %v", h.First(), err)
	}
}

// Where the journal's first block is damaged nobody knows what it follows, and no gap is
// told.
func TestDamagedBeginning(t *testing.T) {
	dir, _ := chainOf(t, 90, 61, Span{1, 60})
	names, err := filepath.Glob(filepath.Join(dir, "0*"))
	if err != nil || len(names) < 2 {
		t.Fatal(names, err)
	}
	data, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	data[100] ^= 1
	if err := os.WriteFile(names[0], data, 0o600); err != nil {
		t.Fatal(err)
	}
	j := mustOpen(t, dir)
	defer j.Close()
	if _, err := j.Read(61); !errors.Is(err, wal.ErrCorrupt) {
		t.Fatalf("block 61: %v", err)
	}
	h := NewHistory(j)
	if spans, err := h.Missing(); !errors.Is(err, wal.ErrCorrupt) || len(spans) > 0 {
		t.Errorf("missing are %v, %v", spans, err)
	}
	if gap, err := h.Around(Span{31, 60}); err == nil {
		t.Errorf("around are %+v", gap)
	}
}

// A part of heights that the journal has itself is not needed, so its damage is none.
func TestDamageThatIsNotRead(t *testing.T) {
	dir, head := chainOf(t, 90, 61, Span{1, 60}, Span{61, 85})
	flip(t, PartDir(dir, Span{61, 85}))
	if blocks, last, err := scan(dir); blocks != 90 || last != head || err != nil {
		t.Errorf("%d blocks, head %+v, %v", blocks, last, err)
	}
}
