package wal

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"

	tidwall "github.com/tidwall/wal"
)

// Log is an open log. All methods are safe for concurrent use; appends and
// truncations wait for each other, reads wait for neither.
type Log struct {
	dir     string
	options Options
	files   Files
	lock    *os.File

	// writing is held by whoever changes files, through the sync. It guards
	// the fields up to manifest.
	writing  sync.Mutex
	writer   Appender
	batch    tidwall.Batch
	buffer   []byte
	manifest manifest

	// mu guards the fields below. It is never held during a write or a sync.
	mu       sync.RWMutex
	segments []*segment // oldest first; at least one; the newest is scanned
	recent   recent
	first    uint64 // index of the first record, or of the next when empty
	next     uint64 // index of the next record
	cuts     uint64 // how often records at the end went away
	failed   error

	repaired Repair
	counters counters
}

// Repair says what Open cut from the tail.
type Repair struct {
	// Bytes is how many bytes were cut; 0 when nothing was.
	Bytes int64
	// LastIndex is the last record that was kept; 0 when none was.
	LastIndex uint64
	// Copy is the file that keeps what was cut.
	Copy string
}

type counters struct {
	appends, records, bytes, syncs atomic.Int64
}

// Stats are running totals since Open.
type Stats struct {
	Appends, Records, Bytes int64
	Syncs                   int64
	Segments                int
}

// Stats returns the totals.
func (l *Log) Stats() Stats {
	l.mu.RLock()
	segments := len(l.segments)
	l.mu.RUnlock()
	c := &l.counters
	return Stats{
		Appends: c.appends.Load(), Records: c.records.Load(), Bytes: c.bytes.Load(), Syncs: c.syncs.Load(), Segments: segments,
	}
}

// Repaired returns what Open cut from the tail.
func (l *Log) Repaired() Repair { return l.repaired }

// FirstIndex returns the index of the first record, 0 when there is none.
func (l *Log) FirstIndex() uint64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.first == l.next {
		return 0
	}
	return l.first
}

// LastIndex returns the index of the last record, 0 when there is none.
func (l *Log) LastIndex() uint64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.first == l.next {
		return 0
	}
	return l.next - 1
}

// NextIndex returns the index at which the next append has to begin.
func (l *Log) NextIndex() uint64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.next
}

// Err returns the failure that ended the log's life, or nil.
func (l *Log) Err() error {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.failed
}

// fail makes the first failure final and returns it.
func (l *Log) fail(what string, err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed == nil {
		l.failed = fmt.Errorf("%w: %s %s: %w", ErrFailed, what, l.dir, err)
	}
	return l.failed
}

func (l *Log) tail() *segment { return l.segments[len(l.segments)-1] }

// Append writes records at first, first+1, … with one write and, unless NoSync,
// one fsync, and returns when they are durable. The slices are not kept. It
// returns ErrOutOfOrder when first is not NextIndex and ErrRecordSize for an
// empty or too long record, or too many; then nothing was written. Any other error is final.
func (l *Log) Append(first uint64, records [][]byte) error {
	if len(records) > appendRecordsMax {
		return fmt.Errorf("%w: %d records in one append, allowed is %d", ErrRecordSize, len(records), appendRecordsMax)
	}
	for i, record := range records {
		if len(record) == 0 || len(record) > l.options.RecordBytesMax {
			return fmt.Errorf("%w: record %d has %d bytes, allowed is 1 to %d", ErrRecordSize, first+uint64(i), len(record), l.options.RecordBytesMax)
		}
	}
	l.writing.Lock()
	defer l.writing.Unlock()
	if err := l.Err(); err != nil {
		return err
	}
	if first != l.next { // only changed under writing
		return fmt.Errorf("%w: begins at %d, the next index is %d", ErrOutOfOrder, first, l.next)
	}
	if l.tail().size() >= int64(l.options.SegmentBytes) {
		if err := l.beginSegment(); err != nil {
			return l.fail("begin a segment in", err)
		}
	}
	return l.write(first, records)
}

// write hands the frames to the writer and makes them visible to readers.
func (l *Log) write(first uint64, records [][]byte) error {
	end := l.tail().size()
	ends := make([]int64, len(records))
	l.batch.Clear()
	for i, record := range records {
		l.buffer = appendFrame(l.buffer[:0], first+uint64(i), i, record)
		l.batch.Write(first+uint64(i), l.buffer)
		end += int64(len(l.buffer) + prefixBytes(uint64(len(l.buffer))))
		ends[i] = end
	}
	if err := l.writer.WriteBatch(&l.batch); err != nil {
		return l.fail("append to", err)
	}
	if !l.options.NoSync {
		l.counters.syncs.Add(1)
	}
	l.counters.appends.Add(1)
	l.counters.records.Add(int64(len(records)))
	l.counters.bytes.Add(end - l.tail().size())

	l.mu.Lock()
	defer l.mu.Unlock()
	l.tail().offsets = append(l.tail().offsets, ends...)
	l.next += uint64(len(records))
	return nil
}

// beginSegment makes a new, empty segment the newest; the order of its steps is
// argued in doc.go.
func (l *Log) beginSegment() error {
	if err := l.closeWriter(); err != nil {
		return err
	}
	if err := createSegment(l.files, l.dir, l.next); err != nil {
		return err
	}
	l.manifest.newest = l.next
	if err := l.manifest.write(l.files, l.dir); err != nil {
		return err
	}
	l.mu.Lock()
	l.recent.use(l.tail())
	l.segments = append(l.segments, &segment{first: l.next, offsets: []int64{0}})
	l.mu.Unlock()
	return l.openWriter()
}

func createSegment(files Files, dir string, first uint64) error {
	f, err := files.OpenFile(segmentPath(dir, first), os.O_CREATE|os.O_WRONLY)
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), files.SyncDir(dir))
}

// openWriter opens tidwall/wal on the newest segment. Its own segment size is
// out of reach: see doc.go.
func (l *Log) openWriter() error {
	writer, err := l.files.OpenAppender(l.dir, &tidwall.Options{
		NoSync: l.options.NoSync, SegmentSize: 1 << 40, SegmentCacheSize: 1, AllowEmpty: true,
		DirPerms: 0o750, FilePerms: 0o640,
	})
	if err != nil {
		return err
	}
	l.writer = writer
	return l.preallocate()
}

// preallocate extends the newest segment with zeros behind the writer's position,
// so that an append's fsync finds the file's length and blocks settled: a third
// less time on ext4. The writer goes on where it was, because tidwall/wal looks
// for the end of the file only when it opens it; every way out of the segment
// cuts the zeros off again.
func (l *Log) preallocate() error {
	if l.options.NoSync {
		return nil // nobody waits for its syncs
	}
	f, err := l.files.OpenFile(segmentPath(l.dir, l.tail().first), os.O_WRONLY)
	if err != nil {
		return err
	}
	err = f.Allocate(max(l.tail().size(), int64(l.options.SegmentBytes)))
	return errors.Join(err, f.Sync(), f.Close())
}

// closeWriter closes tidwall's log, which syncs, and cuts the zeros off.
func (l *Log) closeWriter() error {
	if err := l.writer.Close(); err != nil {
		return err
	}
	return truncateFile(l.files, segmentPath(l.dir, l.tail().first), l.tail().size())
}

// Sync makes everything that was appended before the call durable. Appends go on
// meanwhile: it syncs through a handle of its own, and older segments were synced
// when they were left.
func (l *Log) Sync() error {
	l.mu.RLock()
	failed, path := l.failed, segmentPath(l.dir, l.tail().first)
	l.mu.RUnlock()
	if failed != nil {
		return failed
	}
	f, err := l.files.OpenFile(path, os.O_WRONLY)
	if err != nil {
		return l.fail("sync", err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return l.fail("sync", err)
	}
	l.counters.syncs.Add(1)
	return nil
}

// Close syncs and closes the log and gives up its lock. Later calls return
// ErrClosed.
func (l *Log) Close() error {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if errors.Is(l.failed, ErrClosed) {
		return ErrClosed
	}
	err := l.failed
	if err != nil {
		_ = l.writer.Close() // nothing of a failed log is touched any more
	} else if err = l.closeWriter(); err != nil {
		err = fmt.Errorf("wal: close %s: %w", l.dir, err)
	}
	for _, s := range l.segments {
		s.close()
	}
	l.failed = ErrClosed
	return errors.Join(err, l.lock.Close()) // closing gives the lock up
}
