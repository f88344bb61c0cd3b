package wal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// segmentNameBytes is the length of a segment's name, as tidwall/wal spells it.
const segmentNameBytes = 20

func segmentPath(dir string, first uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%020d", first))
}

// listSegments returns the first indices of the segments of a directory, in order.
func listSegments(dir string) ([]uint64, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var firsts []uint64
	for _, entry := range entries {
		first, err := strconv.ParseUint(entry.Name(), 10, 64)
		if err == nil && len(entry.Name()) == segmentNameBytes && first > 0 {
			firsts = append(firsts, first)
		}
	}
	slices.Sort(firsts)
	return firsts, nil
}

// segment is one file and where its records lie in it.
type segment struct {
	first   uint64
	file    *os.File // for reading; nil until the segment is first read
	offsets []int64  // of each entry, then of the end; nil until scanned
}

// count returns how many records a scanned segment holds.
func (s *segment) count() int { return len(s.offsets) - 1 }

// size returns the length of a scanned segment in bytes.
func (s *segment) size() int64 { return s.offsets[len(s.offsets)-1] }

// scanSegment reads a whole segment. It returns where its entries lie up to the
// first one that is not valid, and the bytes from there on (empty when all is
// well).
func scanSegment(data []byte, first uint64) (offsets []int64, rest []byte) {
	offsets = []int64{0}
	at := 0
	for index := first; at < len(data); index++ {
		found, _, size, ok := nextEntry(data[at:])
		if !ok || found != index {
			break
		}
		at += size
		offsets = append(offsets, int64(at))
	}
	return offsets, data[at:]
}

// load makes an older segment readable: it opens the file and finds its records.
// It returns ErrCorrupt when the segment is not whole, or ErrVersion.
func (s *segment) load(dir string, next uint64) error {
	path := segmentPath(dir, s.first)
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("wal: %w", err)
	}
	offsets, rest := scanSegment(data, s.first)
	if err := checkVersion(rest); err != nil {
		return fmt.Errorf("%s: offset %d: %w", path, offsets[len(offsets)-1], err)
	}
	if last := s.first + uint64(len(offsets)) - 1; len(rest) > 0 || last != next {
		return fmt.Errorf("%w: %s holds whole records %d to %d up to offset %d of %d, but the next segment begins at %d; restore this node's data from a peer",
			ErrCorrupt, path, s.first, last-1, offsets[len(offsets)-1], len(data), next)
	}
	s.offsets = offsets
	return nil
}

// open returns a handle for reading, which stays open with the segment.
func (s *segment) open(dir string) (*os.File, error) {
	if s.file == nil {
		file, err := os.Open(segmentPath(dir, s.first))
		if err != nil {
			return nil, fmt.Errorf("wal: %w", err)
		}
		s.file = file
	}
	return s.file, nil
}

func readEntryAt(file *os.File, from, to int64, expected uint64) ([]byte, error) {
	entry := make([]byte, to-from)
	if _, err := file.ReadAt(entry, from); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("wal: %w", err)
	}
	index, record, size, ok := nextEntry(entry)
	if !ok || size != len(entry) || index != expected {
		return nil, fmt.Errorf("%w: %s offset %d does not hold record %d any more; restore this node's data from a peer",
			ErrCorrupt, file.Name(), from, expected)
	}
	return record, nil
}

func (s *segment) close() {
	if s.file != nil {
		_ = s.file.Close() // only read from
		s.file = nil
	}
}
