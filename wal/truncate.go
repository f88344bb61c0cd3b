package wal

import (
	"fmt"
)

// The steps of these operations, and what a crash between them leaves, are
// argued in doc.go.

// TruncateFront drops the records before first. Whole segments leave the disk;
// a segment that still holds a kept record stays, so after a restart FirstIndex
// may be lower. It returns ErrOutOfRange unless FirstIndex <= first <= LastIndex.
func (l *Log) TruncateFront(first uint64) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	if err := l.inRange(first); err != nil {
		return err
	}
	dropped := l.segments[:l.find(first)]
	if len(dropped) > 0 {
		l.manifest.oldest = l.segments[len(dropped)].first
		if err := l.manifest.write(l.files, l.dir); err != nil {
			return l.fail("truncate", err)
		}
	}
	l.mu.Lock()
	l.first = first
	l.segments = append([]*segment(nil), l.segments[len(dropped):]...)
	l.recent.keep(l.segments)
	l.mu.Unlock()
	for _, s := range dropped {
		if err := l.files.Remove(segmentPath(l.dir, s.first)); err != nil {
			return l.fail("truncate", err)
		}
	}
	return nil
}

// TruncateBack drops the records after last. It returns ErrOutOfRange unless
// FirstIndex <= last <= LastIndex; to drop everything there is Reset.
func (l *Log) TruncateBack(last uint64) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	if err := l.inRange(last); err != nil {
		return err
	}
	keep := l.find(last)
	s := l.segments[keep]
	offsets, err := l.offsetsOf(keep)
	if err != nil {
		return err
	}
	size := offsets[last-s.first+1]
	dropped := l.segments[keep+1:]
	l.mu.Lock()
	l.segments = append([]*segment(nil), l.segments[:keep+1]...)
	l.recent.keep(l.segments[:keep]) // s is the newest now
	s.offsets = append([]int64(nil), offsets[:last-s.first+2]...)
	l.next = last + 1
	l.cuts++
	l.mu.Unlock()
	if err := l.cutBehind(s, dropped, size); err != nil {
		return l.fail("truncate", err)
	}
	if err := l.openWriter(); err != nil {
		return l.fail("truncate", err)
	}
	return nil
}

// offsetsOf returns where the records of a segment lie. Readers change those of an older
// one, which they may let go of, so it is loaded; the newest one's are the writer's.
func (l *Log) offsetsOf(at int) ([]int64, error) {
	if at == len(l.segments)-1 {
		return l.segments[at].offsets, nil
	}
	return l.load(l.segments[at], l.segments[at+1].first, l.cuts) // cuts only change under writing
}

// cutBehind removes the dropped segments, newest first, and cuts the one before.
func (l *Log) cutBehind(keep *segment, dropped []*segment, size int64) error {
	if err := l.writer.Close(); err != nil {
		return err
	}
	l.manifest.newest = keep.first
	if err := l.manifest.write(l.files, l.dir); err != nil {
		return err
	}
	for i := len(dropped) - 1; i >= 0; i-- {
		if err := l.files.Remove(segmentPath(l.dir, dropped[i].first)); err != nil {
			return err
		}
	}
	if err := l.files.SyncDir(l.dir); err != nil {
		return err
	}
	return truncateFile(l.files, segmentPath(l.dir, keep.first), size)
}

func (l *Log) inRange(index uint64) error {
	if err := l.Err(); err != nil {
		return err
	}
	if index < l.first || index >= l.next {
		return fmt.Errorf("%w: %d, the log holds %d to %d", ErrOutOfRange, index, l.first, l.next-1)
	}
	return nil
}

// Reset drops everything; the next append begins at next, which is at least 1.
func (l *Log) Reset(next uint64) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	if err := l.Err(); err != nil {
		return err
	}
	if next == 0 {
		return fmt.Errorf("%w: a log cannot begin at 0", ErrOutOfRange)
	}
	if err := l.reset(next); err != nil {
		return l.fail("reset", err)
	}
	return nil
}

func (l *Log) reset(next uint64) error {
	l.mu.Lock()
	l.segments, l.recent = []*segment{{first: next, offsets: []int64{0}}}, recent{}
	l.first, l.next = next, next
	l.cuts++
	l.mu.Unlock()
	if err := l.writer.Close(); err != nil {
		return err
	}
	l.manifest.resetting = next
	if err := l.manifest.write(l.files, l.dir); err != nil {
		return err
	}
	if err := l.startAfresh(next); err != nil {
		return err
	}
	return l.openWriter()
}
