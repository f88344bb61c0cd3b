package wal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
)

// smallSegments makes segments begin after a few records.
// oneSegment holds what a test writes in one segment, whose whole size is asked of the disk
// at every opening: a default one takes longer than the test around it.
func oneSegment() Options {
	o := DefaultOptions()
	o.SegmentBytes = 1 << 16
	return o
}

func smallSegments() Options {
	o := DefaultOptions()
	o.SegmentBytes = 1 << 10
	return o
}

func mustOpen(t testing.TB, dir string, o Options) *Log {
	t.Helper()
	l, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func mustClose(t testing.TB, l *Log) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// record is what the tests write at an index: its length and bytes follow from it.
func record(index uint64) []byte {
	return bytes.Repeat([]byte{byte(index), byte(index >> 8), 0x5a}, 1+int(index%30))
}

func appendRange(t testing.TB, l *Log, from, to uint64) {
	t.Helper()
	var records [][]byte
	for i := from; i <= to; i++ {
		records = append(records, record(i))
	}
	if err := l.Append(from, records); err != nil {
		t.Fatal(err)
	}
}

// expectRange checks bounds, every record by Read and by Scan, and the ends.
func expectRange(t testing.TB, l *Log, from, to uint64) {
	t.Helper()
	if l.FirstIndex() != from || l.LastIndex() != to {
		t.Fatalf("log holds %d..%d, want %d..%d", l.FirstIndex(), l.LastIndex(), from, to)
	}
	for i := from; i <= to; i++ {
		if got, err := l.Read(i); err != nil || !bytes.Equal(got, record(i)) {
			t.Fatalf("record %d: %x, %v", i, got, err)
		}
	}
	next := from
	err := l.Scan(0, func(index uint64, r []byte) error {
		if index != next || !bytes.Equal(r, record(index)) {
			return fmt.Errorf("scan gave record %d (%x), want %d", index, r, next)
		}
		next++
		return nil
	})
	if err != nil || next != to+1 {
		t.Fatalf("scan stopped before %d: %v", next, err)
	}
	for _, outside := range [...]uint64{from - 1, to + 1} {
		if _, err := l.Read(outside); !errors.Is(err, ErrNotFound) {
			t.Fatalf("read of %d: %v", outside, err)
		}
	}
}

func TestAppendReadReopen(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir, smallSegments())
	if l.FirstIndex() != 0 || l.LastIndex() != 0 || l.NextIndex() != 1 {
		t.Fatalf("a new log holds %d..%d", l.FirstIndex(), l.LastIndex())
	}
	appendRange(t, l, 1, 1)
	appendRange(t, l, 2, 40)
	for i := uint64(41); i <= 200; i += 4 {
		appendRange(t, l, i, i+3)
	}
	expectRange(t, l, 1, 200)
	if segments := l.Stats().Segments; segments < 5 {
		t.Fatalf("only %d segments", segments)
	}
	mustClose(t, l)
	for _, checkAll := range [...]bool{true, false} {
		o := smallSegments()
		o.CheckAll = checkAll
		l = mustOpen(t, dir, o)
		expectRange(t, l, 1, 200)
		mustClose(t, l)
	}
	if _, err := l.Read(1); !errors.Is(err, ErrClosed) {
		t.Fatalf("read after close: %v", err)
	}
	if err := l.Append(201, [][]byte{{1}}); !errors.Is(err, ErrClosed) {
		t.Fatalf("append after close: %v", err)
	}
}

func TestAppendRefuses(t *testing.T) {
	l := mustOpen(t, t.TempDir(), Options{SegmentBytes: 1 << 10, RecordBytesMax: 10})
	defer mustClose(t, l)
	for _, c := range []struct {
		first  uint64
		record []byte
		want   error
	}{{2, []byte{1}, ErrOutOfOrder}, {0, []byte{1}, ErrOutOfOrder}, {1, nil, ErrRecordSize}, {1, make([]byte, 11), ErrRecordSize}} {
		if err := l.Append(c.first, [][]byte{c.record}); !errors.Is(err, c.want) {
			t.Errorf("append of %d bytes at %d: %v, want %v", len(c.record), c.first, err, c.want)
		}
	}
	if l.LastIndex() != 0 || l.Err() != nil {
		t.Fatalf("a refused append left %d, %v", l.LastIndex(), l.Err())
	}
}

func TestTruncate(t *testing.T) {
	for _, reopen := range [...]bool{false, true} {
		dir := t.TempDir()
		l := mustOpen(t, dir, smallSegments())
		again := func() {
			if reopen {
				mustClose(t, l)
				l = mustOpen(t, dir, smallSegments())
			}
		}
		for i := uint64(1); i < 300; i += 3 {
			appendRange(t, l, i, i+2)
		}
		if err := l.TruncateBack(211); err != nil {
			t.Fatal(err)
		}
		again()
		expectRange(t, l, 1, 211)
		appendRange(t, l, 212, 230)
		if err := l.TruncateFront(100); err != nil {
			t.Fatal(err)
		}
		if l.FirstIndex() != 100 {
			t.Fatalf("first index is %d", l.FirstIndex())
		}
		again()
		first := l.FirstIndex()
		if first > 100 || first == 1 {
			t.Fatalf("first index is %d", first)
		}
		expectRange(t, l, first, 230)
		for _, outside := range [...]uint64{first - 1, 231} {
			if err := errors.Join(l.TruncateFront(outside), l.TruncateBack(outside)); !errors.Is(err, ErrOutOfRange) {
				t.Fatalf("truncation at %d: %v", outside, err)
			}
		}
		if err := l.Reset(1000); err != nil {
			t.Fatal(err)
		}
		again()
		if l.FirstIndex() != 0 || l.NextIndex() != 1000 {
			t.Fatalf("after a reset: %d, next %d", l.FirstIndex(), l.NextIndex())
		}
		appendRange(t, l, 1000, 1010)
		again()
		expectRange(t, l, 1000, 1010)
		mustClose(t, l)
	}
}

func TestLock(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir, DefaultOptions())
	if _, err := Open(dir, DefaultOptions()); !errors.Is(err, ErrLocked) {
		t.Fatalf("second open: %v", err)
	}
	mustClose(t, l)
	mustClose(t, mustOpen(t, dir, DefaultOptions()))
}

// A write error must be final even when the next write would succeed.
func TestFirstFailureIsFinal(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir, oneSegment())
	appendRange(t, l, 1, 3)
	if err := l.writer.Close(); err != nil {
		t.Fatal(err)
	}
	first := l.Append(4, [][]byte{{4}})
	if !errors.Is(first, ErrFailed) {
		t.Fatal(first)
	}
	if err := l.openWriter(); err != nil { // the cause goes away; the failure must not
		t.Fatal(err)
	}
	_, readErr := l.Read(1)
	for i, err := range []error{l.Append(4, [][]byte{{4}}), l.Sync(), l.TruncateFront(2), l.TruncateBack(2), l.Reset(9), readErr, l.Err()} {
		if err == nil || err.Error() != first.Error() {
			t.Errorf("call %d: %v, want %v", i, err, first)
		}
	}
	if err := l.Close(); !errors.Is(err, ErrFailed) {
		t.Fatalf("close: %v", err)
	}
	l = mustOpen(t, dir, oneSegment())
	expectRange(t, l, 1, 3)
	mustClose(t, l)
}

func TestReadersBesideTheWriter(t *testing.T) {
	l := mustOpen(t, t.TempDir(), smallSegments())
	defer mustClose(t, l)
	appendRange(t, l, 1, 5)
	done := make(chan struct{})
	var readers sync.WaitGroup
	for r := range 4 {
		readers.Go(func() {
			for i := uint64(r); ; i++ {
				select {
				case <-done:
					return
				default:
				}
				last := l.LastIndex()
				index := 1 + i%last
				got, err := l.Read(index)
				if err == nil && !bytes.Equal(got, record(index)) || err != nil && !errors.Is(err, ErrNotFound) {
					t.Errorf("record %d: %x, %v", index, got, err)
					return
				}
			}
		})
	}
	for i := uint64(6); i < 600; i += 6 {
		appendRange(t, l, i, i+5)
		if i%120 == 0 {
			if err := l.TruncateFront(i - 50); err != nil {
				t.Error(err)
			}
		}
		if i%90 == 0 {
			if err := l.TruncateBack(i + 2); err != nil {
				t.Error(err)
			}
			appendRange(t, l, i+3, i+5)
		}
	}
	close(done)
	readers.Wait()
}

func TestScanDirOfALogInUse(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir, smallSegments())
	defer mustClose(t, l)
	for i := uint64(1); i <= 100; i++ {
		appendRange(t, l, i, i)
	}
	path := segmentPath(dir, l.tail().first)
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte{40, 1, 2, 3}, l.tail().size()); err != nil {
		t.Fatal(err)
	}
	f.Close()
	before := listFiles(t, dir)
	var last uint64
	torn, err := ScanDir(dir, func(index uint64, r []byte) error { last = index; return nil })
	if err != nil || last != 100 || torn == nil || torn.Bytes != 4 {
		t.Fatalf("last %d, torn %+v, %v", last, torn, err)
	}
	if after := listFiles(t, dir); !slices.Equal(before, after) {
		t.Fatalf("a read-only scan changed %v to %v", before, after)
	}
}

func listFiles(t testing.TB, dir string) []string {
	var files []string
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			files = append(files, fmt.Sprintf("%s %d", path, info.Size()))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
