package store

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"onsale/internal/failpoint"
	"onsale/internal/metric"
	"onsale/internal/moment"
	"onsale/wal"
)

// Log is raft's log on a wal.Log. It is a raft.MonotonicLogStore and keeps
// the newest entries in memory: raft reads each of them again for every follower.
//
// It is no raft.CommitTrackingLogStore on purpose: with RestoreCommittedLogs,
// raft v1.8.0 replays at start before it reads the membership from the log, and
// then skips what it replayed (NewRaft in api.go), so that a node whose membership
// is not in a snapshot starts with no members and never votes again.
type Log struct {
	log          *wal.Log
	segmentBytes int
	cache        logCache

	// stored is called after entries became durable, fatal when they could not.
	stored     func([]*raft.Log)
	fatal      func(error)
	calls      moment.Calls // of the disk
	storeTimes metric.Times // of each write with its fsync

	// keep returns the lowest index that members need; it and keptBytesMax are set before
	// raft runs. kept is by how many entries the log is longer for them, and forsaken how
	// often it was cut all the same.
	keep         func() uint64
	keptBytesMax int64
	kept         atomic.Uint64
	forsaken     atomic.Uint64

	buffer  []byte
	records [][]byte
}

var (
	_ raft.LogStore          = (*Log)(nil)
	_ raft.MonotonicLogStore = (*Log)(nil)
)

// OpenLog opens the raft log in a directory. stored and fatal may be nil.
func OpenLog(dir string, options wal.Options, stored func([]*raft.Log), fatal func(error)) (*Log, error) {
	log, err := wal.Open(dir, options)
	if err != nil {
		return nil, fmt.Errorf("raft log: %w", err)
	}
	return &Log{log: log, segmentBytes: options.SegmentBytes, stored: stored, fatal: fatal}, nil
}

// IsMonotonic says that indices may not have gaps.
func (s *Log) IsMonotonic() bool { return true }

// FirstIndex returns the first index, 0 when the log is empty.
func (s *Log) FirstIndex() (uint64, error) { return s.log.FirstIndex(), s.log.Err() }

// LastIndex returns the last index, 0 when the log is empty.
func (s *Log) LastIndex() (uint64, error) { return s.log.LastIndex(), s.log.Err() }

// GetLog reads an entry. Its data is shared with other readers: not to be changed.
func (s *Log) GetLog(index uint64, l *raft.Log) error {
	if s.cache.get(index, l) {
		return nil
	}
	defer s.calls.End(s.calls.Begin())
	record, err := s.log.Read(index)
	if errors.Is(err, wal.ErrNotFound) {
		return raft.ErrLogNotFound
	}
	if err == nil {
		err = decodeRecord(index, record, l)
	}
	return err
}

// StoreLog stores one entry.
func (s *Log) StoreLog(l *raft.Log) error { return s.StoreLogs([]*raft.Log{l}) }

// StoreLogs stores entries with one write and one fsync; they are durable when it
// returns. An error is final: the node must stop (package wal says why).
func (s *Log) StoreLogs(logs []*raft.Log) error {
	if len(logs) == 0 {
		return nil
	}
	started := time.Now()
	defer s.calls.End(s.calls.Begin())
	err := failpoint.Err(failpoint.LogAppendBefore)
	if err == nil {
		err = s.append(logs)
	}
	if err != nil {
		return s.end(err)
	}
	failpoint.Hit(failpoint.LogAppendAfter)
	s.storeTimes.Observe(time.Since(started))
	s.cache.put(logs)
	if s.stored != nil {
		s.stored(logs)
	}
	return nil
}

func (s *Log) append(logs []*raft.Log) error {
	size := 0
	for _, l := range logs {
		size += recordBytes + len(l.Extensions) + len(l.Data)
	}
	if cap(s.buffer) < size {
		s.buffer = make([]byte, 0, size)
	}
	s.buffer, s.records = s.buffer[:0], s.records[:0]
	for i, l := range logs {
		if l.Index != logs[0].Index+uint64(i) {
			return fmt.Errorf("%w: %d follows %d", wal.ErrOutOfOrder, l.Index, logs[i-1].Index)
		}
		start := len(s.buffer)
		s.buffer = appendRecord(s.buffer, l)
		s.records = append(s.records, s.buffer[start:])
	}
	if s.log.LastIndex() == 0 && logs[0].Index != s.log.NextIndex() {
		// An empty log may begin anywhere: after a snapshot was installed.
		if err := s.log.Reset(logs[0].Index); err != nil {
			return err
		}
	}
	return s.log.Append(logs[0].Index, s.records)
}

// end tells the process that the log takes no more entries, and returns why.
func (s *Log) end(err error) error {
	err = fmt.Errorf("raft log: %w", err)
	if s.fatal != nil {
		s.fatal(err)
	}
	return err
}

// Keep makes DeleteRange leave what members need behind a snapshot, as long as the log has
// no more than bytesMax bytes in its segments. lowest returns the index of the first entry
// that is needed; 0 when none is. It is called before raft runs.
func (s *Log) Keep(lowest func() uint64, bytesMax int64) { s.keep, s.keptBytesMax = lowest, bytesMax }

// Kept returns by how many entries the log is longer for members that need them, and how
// often it was cut though they did, because it had grown too large.
func (s *Log) Kept() (entries, forsaken uint64) { return s.kept.Load(), s.forsaken.Load() }

// Bytes returns the size of the log's segments.
func (s *Log) Bytes() int64 { return int64(s.log.Stats().Segments) * int64(s.segmentBytes) }

// cutTo returns up to where the front of the log may be cut, of what raft wants to cut;
// below first when nothing may.
func (s *Log) cutTo(first, wanted uint64) uint64 {
	s.kept.Store(0)
	lowest := uint64(0)
	if s.keep != nil {
		lowest = s.keep()
	}
	switch {
	case lowest == 0 || lowest > wanted || lowest < first: // who needs more than there is gets a snapshot
		return wanted
	case s.Bytes() > s.keptBytesMax:
		s.forsaken.Add(1)
		return wanted
	}
	s.kept.Store(wanted + 1 - lowest)
	return lowest - 1
}

// DeleteRange deletes from one end of the log, or all of it. From the front it leaves what
// members need (see Keep); raft asks again behind the next snapshot. An error of the disk is
// final, as in StoreLogs: raft only logs it, and would go on beside a log that takes nothing.
func (s *Log) DeleteRange(from, to uint64) error {
	first, last := s.log.FirstIndex(), s.log.LastIndex()
	from, to = max(from, first), min(to, last)
	if from == first && to < last {
		to = s.cutTo(first, to)
	}
	if first == 0 || from > to {
		return nil
	}
	s.cache.drop(from, to)
	defer s.calls.End(s.calls.Begin())
	failpoint.Hit(failpoint.LogTruncateBefore)
	defer failpoint.Hit(failpoint.LogTruncateAfter)
	var err error
	switch {
	case from == first && to == last:
		err = s.log.Reset(last + 1)
	case from == first:
		err = s.log.TruncateFront(to + 1)
	case to == last:
		err = s.log.TruncateBack(from - 1)
	default:
		return fmt.Errorf("raft log: %d to %d is in the middle of %d to %d and cannot be deleted", from, to, first, last)
	}
	if err != nil {
		return s.end(err)
	}
	return nil
}

// Wal returns the log below, for its statistics and its health.
func (s *Log) Wal() *wal.Log { return s.log }

// Calls are the calls of the disk: a store, a cut, a read of what is not in memory.
func (s *Log) Calls() *moment.Calls { return &s.calls }

// StoreTimes returns how long each write with its fsync took.
func (s *Log) StoreTimes() *metric.Times { return &s.storeTimes }

// Cached returns how many entries and bytes are held in memory.
func (s *Log) Cached() (entries, bytes int) { return s.cache.load() }

// Close closes the log.
func (s *Log) Close() error { return s.log.Close() }
