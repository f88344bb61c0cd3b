package wal

import "errors"

var (
	// ErrNotFound is returned when an index is below FirstIndex or above LastIndex.
	ErrNotFound = errors.New("wal: record not found")
	// ErrCorrupt is returned when the log is damaged where no crash can have
	// damaged it. Nothing was changed; the message says which file and offset.
	ErrCorrupt = errors.New("wal: log is damaged")
	// ErrVersion is returned when the log was written in a version of its format that
	// this program does not know. Nothing was changed.
	ErrVersion = errors.New("wal: unknown format version")
	// ErrOutOfOrder is returned when an append does not begin at the next index.
	ErrOutOfOrder = errors.New("wal: append out of order")
	// ErrOutOfRange is returned when a truncation would leave nothing; use Reset.
	ErrOutOfRange = errors.New("wal: truncation out of range")
	// ErrRecordSize is returned when a record is empty or over RecordBytesMax;
	// nothing of the append was written.
	ErrRecordSize = errors.New("wal: record size")
	// ErrClosed is returned after Close.
	ErrClosed = errors.New("wal: log is closed")
	// ErrFailed is returned by every call after a write or sync failed; it wraps
	// the first failure. The process has to stop.
	ErrFailed = errors.New("wal: log failed and takes no more records")
	// ErrLocked is returned when another process has the log open.
	ErrLocked = errors.New("wal: log is open in another process")
)
