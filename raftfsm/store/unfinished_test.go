package store

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What a crash has left of snapshots is gone after the next start, and nothing else is.
func TestUnfinishedSnapshotsAreRemoved(t *testing.T) {
	s := newShelf(t, 3)
	whole := s.save(11, true)
	for index := uint64(12); index < 15; index++ { // three crashes
		sink, err := s.begin(index)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sink.Write(make([]byte, 1<<10)); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(s.dir, "note.tmp")
	if err := os.WriteFile(file, nil, 0o640); err != nil {
		t.Fatal(err)
	}
	if n := len(s.names()); n != 5 {
		t.Fatalf("%d names are there before the start", n)
	}

	again, err := OpenSnapshots(&s.disk, filepath.Dir(s.dir), 3, slog.New(slog.NewTextHandler(&s.said, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if left := s.names(); !slices.Equal(left, []string{whole, "note.tmp"}) {
		t.Errorf("%v are left, want %s and the file", left, whole)
	}
	if again.Index() != 11 || strings.Count(s.said.String(), "was not finished") != 3 {
		t.Errorf("the newest is %d; said: %s", again.Index(), &s.said)
	}
}
