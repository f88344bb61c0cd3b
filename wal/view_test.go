package wal

import (
	"bytes"
	"errors"
	"os"
	"testing"
)

// A view reads every record of a closed log, in any order, and changes nothing.
func TestViewReadsAnywhere(t *testing.T) {
	for _, first := range []uint64{1, 41} {
		dir := t.TempDir()
		l := mustOpen(t, dir, smallSegments())
		if err := l.Reset(first); err != nil {
			t.Fatal(err)
		}
		appendRange(t, l, first, first+299)
		for i := first + 300; i < first+350; i++ { // segments begin between appends
			appendRange(t, l, i, i)
		}
		mustClose(t, l)
		if begins, err := FirstIndexOf(dir); begins != first || err != nil {
			t.Fatalf("begins at %d, %v", begins, err)
		}
		v, err := OpenView(dir)
		if err != nil {
			t.Fatal(err)
		}
		if from, to := v.Range(); from != first || to != first+349 {
			t.Fatalf("%d to %d", from, to)
		}
		for i := range uint64(350) {
			index := first + i*37%350
			if got, err := v.Read(index); err != nil || !bytes.Equal(got, record(index)) {
				t.Fatalf("record %d: %x, %v", index, got, err)
			}
		}
		for _, outside := range []uint64{first - 1, first + 350} {
			if _, err := v.Read(outside); !errors.Is(err, ErrNotFound) {
				t.Errorf("record %d: %v", outside, err)
			}
		}
		v.Close()
		reopened := mustOpen(t, dir, smallSegments())
		expectRange(t, reopened, first, first+349)
		mustClose(t, reopened)
	}
}

// Damage is told when it is met, and a log that does not end whole is refused.
func TestViewOfADamagedLog(t *testing.T) {
	dir := t.TempDir()
	if _, err := OpenView(dir); !errors.Is(err, ErrNotFound) {
		t.Fatalf("an empty folder: %v", err)
	}
	if _, err := FirstIndexOf(dir); !errors.Is(err, ErrNotFound) {
		t.Fatalf("an empty folder: %v", err)
	}
	l := mustOpen(t, dir, smallSegments())
	for i := uint64(1); i <= 100; i++ {
		appendRange(t, l, i, i)
	}
	mustClose(t, l)
	firsts, err := listSegments(dir)
	if err != nil || len(firsts) < 3 {
		t.Fatalf("segments %v, %v", firsts, err)
	}
	older, newest := segmentPath(dir, firsts[0]), segmentPath(dir, firsts[len(firsts)-1])
	rewrite := func(path string, change func([]byte) []byte) (undo func()) {
		was, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, change(bytes.Clone(was)), 0o640); err != nil {
			t.Fatal(err)
		}
		return func() {
			if err := os.WriteFile(path, was, 0o640); err != nil {
				t.Fatal(err)
			}
		}
	}
	undo := rewrite(older, func(data []byte) []byte { data[40] ^= 1; return data })
	v, err := OpenView(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Read(2); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a flipped bit: %v", err)
	}
	if _, err := v.Read(100); err != nil {
		t.Errorf("a record that is whole: %v", err)
	}
	v.Close()
	undo()
	undo = rewrite(newest, func(data []byte) []byte { return data[:len(data)-1] })
	if _, err := OpenView(dir); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a torn end: %v", err)
	}
	undo()
	if err := os.Remove(segmentPath(dir, firsts[1])); err != nil {
		t.Fatal(err)
	}
	if v, err = OpenView(dir); err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	if _, err := v.Read(firsts[1]); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a missing segment: %v", err)
	}
}
