package store

import (
	"bytes"
	"testing"

	"github.com/hashicorp/raft"
)

// The front of the log stays from where a member needs it on, up to a size; all of the log
// goes when raft has another state, and its end when other entries replace it.
func TestLogKeepsWhatMembersNeed(t *testing.T) {
	for name, c := range map[string]struct {
		needed, bytesMax, from, to uint64
		first, last, forsaken      uint64
	}{
		"nobody needs it":             {0, 1 << 20, 1, 50, 51, 100, 0},
		"from where a member is":      {20, 1 << 20, 1, 50, 20, 100, 0},
		"from the front on":           {1, 1 << 20, 1, 50, 1, 100, 0},
		"a member that is far enough": {90, 1 << 20, 1, 50, 51, 100, 0},
		"up to a size":                {20, 1 << 12, 1, 50, 51, 100, 1},
		"the end":                     {20, 1 << 20, 40, 100, 1, 39, 0},
		"all of it":                   {20, 1 << 20, 1, 100, 0, 0, 0},
	} {
		s := openLog(t, t.TempDir())
		s.Keep(func() uint64 { return c.needed }, int64(c.bytesMax))
		for i := uint64(1); i <= 100; i++ {
			if err := s.StoreLog(&raft.Log{Index: i, Term: 1, Data: bytes.Repeat([]byte{1}, 100)}); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.DeleteRange(c.from, c.to); err != nil {
			t.Fatal(err)
		}
		first, _ := s.FirstIndex()
		last, _ := s.LastIndex()
		kept, forsaken := s.Kept()
		if first != c.first || last != c.last || forsaken != c.forsaken {
			t.Errorf("%s: %d to %d, cut %d times though it was needed", name, first, last, forsaken)
		}
		if want := c.to + 1 - c.first; c.from == 1 && c.to < 100 && kept != want {
			t.Errorf("%s: %d entries are said to be kept, not %d", name, kept, want)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A member that needs what is gone already does not keep the rest: it gets a snapshot.
func TestLogKeepsNothingForWhoNeedsMore(t *testing.T) {
	s := openLog(t, t.TempDir())
	defer s.Close()
	s.Keep(func() uint64 { return 5 }, 1<<30)
	logs := []*raft.Log{}
	for i := uint64(10); i <= 30; i++ {
		logs = append(logs, &raft.Log{Index: i, Term: 1})
	}
	if err := s.StoreLogs(logs); err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteRange(10, 20); err != nil {
		t.Fatal(err)
	}
	if first, err := s.FirstIndex(); first != 21 || err != nil {
		t.Errorf("it begins at %d, %v", first, err)
	}
	if s.Bytes() != 1<<12 {
		t.Errorf("%d bytes", s.Bytes())
	}
}
