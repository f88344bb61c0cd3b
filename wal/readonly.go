package wal

import (
	"fmt"
	"os"
)

// Torn says that a scan met an invalid end in the newest segment.
type Torn struct {
	File   string
	Offset int64
	Bytes  int64
}

// ScanDir calls fn for every record of the log in a directory, in order, without
// locking, repairing or changing anything: for tools that inspect a copy or a
// log in use. torn is not nil when the newest segment ends in bytes that are no
// record: an append under way, or what the next Open will cut. It returns
// ErrCorrupt, ErrVersion or fn's first error.
func ScanDir(dir string, fn func(index uint64, record []byte) error) (torn *Torn, err error) {
	return ScanFrom(dir, 0, fn)
}

// ScanFrom does the same for the segments that hold a record from an index on; fn is called
// for all of their records, also for those before it.
func ScanFrom(dir string, from uint64, fn func(index uint64, record []byte) error) (torn *Torn, err error) {
	m, err := mustReadManifest(dir)
	if err != nil {
		return nil, err
	}
	firsts, err := listSegments(dir)
	if err != nil {
		return nil, fmt.Errorf("wal: %w", err)
	}
	expected := m.oldest
	for i, first := range firsts {
		if first < m.oldest {
			continue
		}
		if first != expected {
			return nil, fmt.Errorf("%w: %s begins where %d was expected; a segment is missing", ErrCorrupt, segmentPath(dir, first), expected)
		}
		isLast := i == len(firsts)-1
		if !isLast && firsts[i+1] <= from {
			expected = firsts[i+1]
			continue
		}
		expected, torn, err = scanToEnd(segmentPath(dir, first), first, isLast, fn)
		if err != nil {
			return nil, err
		}
	}
	if expected < m.newest {
		return nil, fmt.Errorf("%w: segment %s is missing", ErrCorrupt, segmentPath(dir, m.newest))
	}
	return torn, nil
}

// scanToEnd reads one segment and returns the index behind its last record.
func scanToEnd(path string, first uint64, isLast bool, fn func(uint64, []byte) error) (uint64, *Torn, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, nil, fmt.Errorf("wal: %w", err)
	}
	index := first
	for at := 0; at < len(data); index++ {
		found, record, size, ok := nextEntry(data[at:])
		if !ok || found != index {
			if err := checkVersion(data[at:]); err != nil {
				return 0, nil, fmt.Errorf("%s: offset %d: %w", path, at, err)
			}
			rest := withoutZeros(data[at:])
			if isLast && len(rest) == 0 {
				return index, nil, nil
			}
			if isLast && !holdsLaterAppend(rest, index) {
				return index, &Torn{path, int64(at), int64(len(rest))}, nil
			}
			return 0, nil, fmt.Errorf("%w: %s offset %d does not hold record %d", ErrCorrupt, path, at, index)
		}
		if err := fn(index, record); err != nil {
			return 0, nil, err
		}
		at += size
	}
	return index, nil, nil
}
