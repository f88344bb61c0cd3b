package wal

import (
	"fmt"
	"os"
	"sort"
)

// View reads the records of a log that was closed for good, wherever they lie,
// without locking, repairing or changing anything. It keeps the places of one segment's
// records and one handle, whatever the log's length. It belongs to one goroutine.
type View struct {
	dir    string
	firsts []uint64 // of the segments, oldest first
	last   uint64   // of the records; below firsts[0] when there is none
	at     *segment // the segment that was read last
}

// FirstIndexOf returns the index at which the log in a directory begins, whether that
// record is there yet or not. ErrNotFound, ErrCorrupt, ErrVersion.
func FirstIndexOf(dir string) (uint64, error) {
	m, err := mustReadManifest(dir)
	if err != nil {
		return 0, err
	}
	if m.resetting != 0 {
		return m.resetting, nil
	}
	return m.oldest, nil
}

// OpenView opens the log in a directory for reading. It returns ErrNotFound when there
// is none, ErrCorrupt when it does not end with a whole record, and ErrVersion.
func OpenView(dir string) (*View, error) {
	m, err := mustReadManifest(dir)
	if err != nil {
		return nil, err
	}
	firsts, err := listSegments(dir)
	if err != nil {
		return nil, fmt.Errorf("wal: %w", err)
	}
	for len(firsts) > 0 && firsts[0] < m.oldest {
		firsts = firsts[1:]
	}
	if len(firsts) == 0 || firsts[0] != m.oldest || firsts[len(firsts)-1] < m.newest {
		return nil, fmt.Errorf("%w: %s does not have the segments %d to %d", ErrCorrupt, dir, m.oldest, m.newest)
	}
	v := &View{dir: dir, firsts: firsts}
	newest := firsts[len(firsts)-1]
	data, err := os.ReadFile(segmentPath(dir, newest))
	if err != nil {
		return nil, fmt.Errorf("wal: %w", err)
	}
	offsets, rest := scanSegment(data, newest)
	if err := checkVersion(rest); err != nil {
		return nil, fmt.Errorf("%s: offset %d: %w", segmentPath(dir, newest), offsets[len(offsets)-1], err)
	}
	if len(withoutZeros(rest)) > 0 {
		return nil, fmt.Errorf("%w: %s ends in %d bytes that are no record", ErrCorrupt, segmentPath(dir, newest), len(rest))
	}
	v.at = &segment{first: newest, offsets: offsets}
	v.last = newest + uint64(v.at.count()) - 1
	return v, nil
}

// Range returns the indices of the first and the last record; last is below first
// when there is none.
func (v *View) Range() (first, last uint64) { return v.firsts[0], v.last }

// Read returns the record at an index; the slice is the caller's. ErrNotFound outside
// the log, ErrCorrupt when the bytes are not what was written.
func (v *View) Read(index uint64) ([]byte, error) {
	if index < v.firsts[0] || index > v.last {
		return nil, fmt.Errorf("%w: %d, %s holds %d to %d", ErrNotFound, index, v.dir, v.firsts[0], v.last)
	}
	if err := v.enter(index); err != nil {
		return nil, err
	}
	file, err := v.at.open(v.dir)
	if err != nil {
		return nil, err
	}
	position := index - v.at.first
	return readEntryAt(file, v.at.offsets[position], v.at.offsets[position+1], index)
}

// enter makes the segment of an index the one that is at hand.
func (v *View) enter(index uint64) error {
	i := sort.Search(len(v.firsts), func(i int) bool { return v.firsts[i] > index }) - 1
	if v.firsts[i] == v.at.first {
		return nil
	}
	next := v.last + 1
	if i+1 < len(v.firsts) {
		next = v.firsts[i+1]
	}
	entered := &segment{first: v.firsts[i]}
	if err := entered.load(v.dir, next); err != nil {
		return err
	}
	v.at.close()
	v.at = entered
	return nil
}

// Close gives the handle back.
func (v *View) Close() { v.at.close() }
