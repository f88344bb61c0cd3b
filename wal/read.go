package wal

import (
	"errors"
	"fmt"
	"os"
	"sort"
)

// Read returns the record at an index; the slice is the caller's. It returns
// ErrNotFound outside the log, and ErrCorrupt when the bytes on disk are not what
// was written. It does not wait for appends.
func (l *Log) Read(index uint64) ([]byte, error) {
	for {
		s, next, cuts, err := l.locate(index)
		if err != nil {
			return nil, err
		}
		if next == 0 {
			record, err := l.readFrom(s, index)
			if errors.Is(err, errLetGo) || errors.Is(err, os.ErrClosed) && l.Err() == nil {
				continue // others have read many segments since
			}
			if err != nil && l.cutSince(cuts) {
				continue // the bytes went away under the reader
			}
			return record, err
		}
		if _, err := l.load(s, next, cuts); err != nil {
			if l.cutSince(cuts) {
				continue // the file was cut while it was looked through
			}
			return nil, l.explain(index, err)
		}
	}
}

// errLetGo is returned when a segment was let go of since it was located.
var errLetGo = errors.New("the segment was let go of")

// load finds the records of an older segment, outside the lock, and returns where they
// are; next and cuts are as locate returned them. Where the log was truncated at its end
// since, nothing is kept of what was found: it may be what was there before.
func (l *Log) load(s *segment, next, cuts uint64) ([]int64, error) {
	loaded := &segment{first: s.first}
	if err := loaded.load(l.dir, next); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.offsets == nil && l.cuts == cuts {
		s.offsets = loaded.offsets
	}
	return loaded.offsets, nil
}

// locate finds the segment of an index. next is not 0 when the segment has to be
// loaded first: it is the first index behind it.
func (l *Log) locate(index uint64) (s *segment, next, cuts uint64, err error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.failed != nil {
		return nil, 0, 0, l.failed
	}
	if index < l.first || index >= l.next {
		return nil, 0, 0, fmt.Errorf("%w: %d, the log holds %d to %d", ErrNotFound, index, l.first, l.next-1)
	}
	i := l.find(index)
	if l.segments[i].offsets == nil {
		next = l.segments[i+1].first
	}
	return l.segments[i], next, l.cuts, nil
}

// cutSince reports whether the log was truncated at its end since locate.
func (l *Log) cutSince(cuts uint64) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.failed == nil && l.cuts != cuts
}

// find returns the position of the segment that an index belongs to.
func (l *Log) find(index uint64) int {
	return sort.Search(len(l.segments), func(i int) bool { return l.segments[i].first > index }) - 1
}

// readFrom reads outside the lock; only the file's handle is looked up in it.
func (l *Log) readFrom(s *segment, index uint64) ([]byte, error) {
	l.mu.Lock()
	if s.offsets == nil {
		l.mu.Unlock()
		return nil, errLetGo
	}
	file, err := s.open(l.dir)
	if s != l.tail() {
		l.recent.use(s)
	}
	position := int(index - s.first)
	if position >= s.count() {
		err = ErrNotFound // truncated since it was located
	}
	var from, to int64
	if err == nil {
		from, to = s.offsets[position], s.offsets[position+1]
	}
	l.mu.Unlock()
	if err != nil {
		return nil, l.explain(index, err)
	}
	record, err := readEntryAt(file, from, to, index)
	return record, l.explain(index, err)
}

// explain tells a damaged log from one that was truncated or closed while its
// record was being read.
func (l *Log) explain(index uint64, err error) error {
	if err == nil {
		return nil
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.failed != nil {
		return l.failed
	}
	if index < l.first || index >= l.next {
		return fmt.Errorf("%w: %d, the log holds %d to %d", ErrNotFound, index, l.first, l.next-1)
	}
	return err
}

// Scan calls fn for every record from an index on, in order, up to the last one
// at the time of the call; from below FirstIndex begins there. The record is
// valid only during the call of fn. It returns fn's first error, and ErrNotFound when the
// log was truncated meanwhile and what is left cannot be told from what went.
func (l *Log) Scan(from uint64, fn func(index uint64, record []byte) error) error {
	l.mu.RLock()
	from, end, cuts := max(from, l.first), l.next, l.cuts
	failed := l.failed
	l.mu.RUnlock()
	if failed != nil {
		return failed
	}
	for from < end {
		l.mu.RLock()
		if from < l.first || l.cuts != cuts {
			l.mu.RUnlock()
			return fmt.Errorf("%w: %d was truncated during the scan", ErrNotFound, from)
		}
		first := l.segments[l.find(from)].first
		l.mu.RUnlock()
		next, err := scanFile(segmentPath(l.dir, first), first, from, end, fn)
		if err != nil && l.cutSince(cuts) {
			return fmt.Errorf("%w: %d was truncated during the scan: %w", ErrNotFound, from, err)
		}
		if err != nil {
			return l.explain(from, err)
		}
		from = next
	}
	return nil
}

// scanFile calls fn for the records from..end-1 of one segment file and returns
// the index at which it stopped: end, or the one behind the file's last.
func scanFile(path string, first, from, end uint64, fn func(uint64, []byte) error) (uint64, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return from, fmt.Errorf("wal: %w", err)
	}
	index := first
	for at := 0; at < len(data) && index < end; index++ {
		found, record, size, ok := nextEntry(data[at:])
		if err := checkVersion(data[at:]); !ok && err != nil {
			return index, fmt.Errorf("%s: offset %d: %w", path, at, err)
		}
		if !ok || found != index {
			return index, fmt.Errorf("%w: %s offset %d does not hold record %d", ErrCorrupt, path, at, index)
		}
		if index >= from {
			if err := fn(index, record); err != nil {
				return index, err
			}
		}
		at += size
	}
	if index <= from {
		return index, fmt.Errorf("%w: %s ends before record %d", ErrCorrupt, path, from)
	}
	return index, nil
}
