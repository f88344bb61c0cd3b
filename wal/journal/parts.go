package journal

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"onsale/wal"
)

// Span is a run of heights, both ends included.
type Span struct {
	First uint64 `json:"first"`
	Last  uint64 `json:"last"`
}

// Blocks returns how many there are.
func (s Span) Blocks() uint64 { return s.Last - s.First + 1 }

// String returns the span for people.
func (s Span) String() string { return fmt.Sprintf("%d to %d", s.First, s.Last) }

// Part is a folder beside a journal's that holds older blocks of its chain: what was
// put aside when the node was restored from a snapshot, or filled in from a peer.
// Nobody writes it any more.
type Part struct {
	Span
	Dir string
}

// PartDir returns the folder of the part of a journal with some heights.
func PartDir(dir string, s Span) string {
	return fmt.Sprintf("%s-%d-to-%d", filepath.Clean(dir), s.First, s.Last)
}

// Parts returns the parts beside the journal in a directory, by their first heights.
func Parts(dir string) ([]Part, error) {
	dir = filepath.Clean(dir)
	entries, err := os.ReadDir(filepath.Dir(dir))
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	var parts []Part
	for _, e := range entries {
		heights, named := strings.CutPrefix(e.Name(), filepath.Base(dir)+"-")
		first, last, whole := strings.Cut(heights, "-to-")
		if !named || !whole || !e.IsDir() {
			continue
		}
		s := Span{parseHeight(first), parseHeight(last)}
		if s.First > 0 && s.First <= s.Last && PartDir(dir, s) == filepath.Join(filepath.Dir(dir), e.Name()) {
			parts = append(parts, Part{s, PartDir(dir, s)})
		}
	}
	slices.SortFunc(parts, func(a, b Part) int { return cmp.Or(cmp.Compare(a.First, b.First), cmp.Compare(a.Last, b.Last)) })
	return parts, nil
}

// parseHeight returns 0 for what is no height.
func parseHeight(text string) uint64 {
	height, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0
	}
	return height
}

// missing returns the spans below a height that no part has.
func missing(parts []Part, first uint64) []Span {
	var gaps []Span
	next := uint64(1)
	for _, p := range parts {
		if p.First >= first {
			break
		}
		if p.First > next {
			gaps = append(gaps, Span{next, p.First - 1})
		}
		next = max(next, p.Last+1)
	}
	if next < first {
		gaps = append(gaps, Span{next, first - 1})
	}
	return gaps
}

// Gaps returns the heights in front of the journal in a directory that neither it nor
// a part beside it has.
func Gaps(dir string) ([]Span, error) {
	first, err := wal.FirstIndexOf(dir)
	if err != nil {
		return nil, err
	}
	parts, err := Parts(dir)
	return missing(parts, first), err
}

// chain returns the parts that lead to the journal in a directory without a gap.
func chain(dir string) (parts []Part, err error) {
	first, err := wal.FirstIndexOf(dir)
	if err != nil {
		return nil, err
	}
	all, err := Parts(dir)
	if err != nil {
		return nil, err
	}
	begin := uint64(1)
	if gaps := missing(all, first); len(gaps) > 0 {
		begin = gaps[len(gaps)-1].Last + 1
	}
	next := begin
	for _, p := range all {
		if p.First >= begin && p.First < first && p.Last >= next {
			parts, next = append(parts, p), p.Last+1
		}
	}
	return parts, nil
}
