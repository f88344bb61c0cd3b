//go:build linux

package wal

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"onsale/proof/testenv"
)

// manySegments returns a log with many more segments than are kept open.
func manySegments(t *testing.T) (l *Log, last uint64) {
	t.Helper()
	l = mustOpen(t, testenv.MemoryDir(t), smallSegments())
	for l.Stats().Segments < 4*olderSegmentsMax {
		appendRange(t, l, last+1, last+7)
		last += 7
	}
	return l, last
}

// openIn counts this process' descriptors of files in a folder.
func openIn(t *testing.T, dir string) (count int) {
	t.Helper()
	links, err := filepath.Glob("/proc/self/fd/*")
	if err != nil || len(links) == 0 {
		t.Skip("there is no /proc to count descriptors in")
	}
	for _, link := range links {
		if to, err := os.Readlink(link); err == nil && strings.HasPrefix(to, dir+"/") {
			count++
		}
	}
	return count
}

// Who reads a whole log, from the front and in any order, keeps few files of it open, and
// forgets where the records of the others lie.
func TestReadingAllKeepsFewSegmentsOpen(t *testing.T) {
	l, last := manySegments(t)
	defer mustClose(t, l)
	for round := range 2 {
		for i := uint64(1); i <= last; i++ {
			index := i
			if round == 1 {
				index = 1 + rand.Uint64N(last)
			}
			if got, err := l.Read(index); err != nil || !bytes.Equal(got, record(index)) {
				t.Fatalf("record %d: %x, %v", index, got, err)
			}
		}
	}

	const besides = 4 // the lock, the writer, the newest segment
	if open := openIn(t, l.dir); open > olderSegmentsMax+besides {
		t.Errorf("%d files of the log are open", open)
	}
	scanned := 0
	for _, s := range l.segments {
		if s.offsets != nil {
			scanned++
		}
	}
	if scanned > olderSegmentsMax+1 || len(l.recent.segments) != olderSegmentsMax {
		t.Errorf("the records of %d segments are known, %d are kept", scanned, len(l.recent.segments))
	}
}

// Segments that were written by this process are let go of as those that were read.
func TestWritingKeepsFewSegmentsKnown(t *testing.T) {
	l, _ := manySegments(t)
	defer mustClose(t, l)
	known := 0
	for _, s := range l.segments {
		if s.offsets != nil {
			known++
		}
	}
	if known != olderSegmentsMax+1 {
		t.Errorf("the records of %d segments are known", known)
	}
}

// Readers who drive each other's segments out still read what was written, beside the
// writer, and while the log loses its end.
func TestReadersDriveEachOtherOut(t *testing.T) {
	l, last := manySegments(t)
	defer mustClose(t, l)
	var readers sync.WaitGroup
	for r := range 4 {
		random := rand.New(rand.NewPCG(uint64(r), 7))
		readers.Go(func() {
			for range testenv.Pick(4000, 1000) {
				index := 1 + random.Uint64N(last)
				got, err := l.Read(index)
				if errors.Is(err, ErrNotFound) && index > last/2 {
					continue // it was cut off
				}
				if err != nil || !bytes.Equal(got, record(index)) {
					t.Errorf("record %d: %x, %v", index, got, err)
					return
				}
			}
		})
	}
	for at := last; at > last/2+20; at -= 20 {
		if err := l.TruncateBack(at - 20); err != nil {
			t.Fatal(err)
		}
		appendRange(t, l, at-19, at-12)
		if err := l.TruncateBack(at - 20); err != nil {
			t.Fatal(err)
		}
	}
	readers.Wait()
}

// A log that is cut in a segment that nobody has read for long goes on behind the cut.
func TestTruncateBackIntoAnOldSegment(t *testing.T) {
	l, last := manySegments(t)
	defer mustClose(t, l)
	for _, keep := range []uint64{last / 2, 9} {
		if err := l.TruncateBack(keep); err != nil {
			t.Fatal(err)
		}
		appendRange(t, l, keep+1, keep+3)
		expectRange(t, l, 1, keep+3)
	}
}

// Where room cannot be laid out, files grow as they are written.
func TestWhatFallocateCannot(t *testing.T) {
	for _, harmless := range []error{nil, syscall.EOPNOTSUPP, syscall.ENOSYS, syscall.EINVAL, syscall.EPERM, syscall.EINTR, syscall.ENOSPC} {
		if err := allocateError(harmless); err != nil {
			t.Errorf("%v ends a log: %v", harmless, err)
		}
	}
	for _, harmful := range []error{syscall.EIO, syscall.EBADF, syscall.EROFS, syscall.EFBIG} {
		if err := allocateError(harmful); !errors.Is(err, harmful) {
			t.Errorf("%v is passed over: %v", harmful, err)
		}
	}
}

// Who looks through a segment while the log loses its end keeps nothing of what was there
// before.
func TestLoadBesideACut(t *testing.T) {
	l, last := manySegments(t)
	defer mustClose(t, l)
	index := last / 2
	s, next, cuts, err := l.locate(index)
	if err != nil || next == 0 {
		t.Fatalf("the segment of record %d is known already: %v", index, err)
	}

	if err := l.TruncateBack(index); err != nil {
		t.Fatal(err)
	}
	if _, err := l.load(s, next, cuts); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a segment that is shorter than it was: %v", err)
	}
	for at := index + 1; at <= last; at++ {
		appendRange(t, l, at, at)
	}
	s.close()
	s.offsets = nil // as when others are read
	if _, err := l.load(s, l.segments[l.find(s.first)+1].first, cuts); err != nil || s.offsets != nil {
		t.Errorf("what was looked for before the cut was kept: %v", err)
	}
	expectRange(t, l, 1, last)
}
