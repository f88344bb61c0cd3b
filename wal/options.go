package wal

import "fmt"

// Options configures a log.
type Options struct {
	// SegmentBytes is the size at which a new segment begins. Small segments
	// give disk space back sooner; each costs two directory syncs, and the
	// writer keeps the newest one in memory. An append is never split, so a
	// segment may be longer by one append.
	SegmentBytes int
	// RecordBytesMax bounds one record.
	RecordBytesMax int
	// NoSync lets Append return before its records are durable; Sync makes
	// them so. For logs that can be made again, as the journal from the raft log.
	NoSync bool
	// CheckAll makes Open read every segment. Otherwise only the newest is
	// read, and damage in an older one shows when it is read.
	CheckAll bool
	// DurableIndex is, for a log with NoSync, the last record that its user made
	// durable. Damage up to it is refused. What is invalid behind it may be what a
	// crash left of appends that were never synced, in whatever order the disk took
	// them: it is cut.
	DurableIndex uint64
	// Files is the disk; nil is the operating system's.
	Files Files
}

// DefaultOptions is durable on return, with 16 MiB segments.
func DefaultOptions() Options {
	return Options{SegmentBytes: 16 << 20, RecordBytesMax: 16 << 20, CheckAll: true}
}

// Validate says which option is out of bounds.
func (o *Options) Validate() error {
	if o.SegmentBytes < 1<<10 || o.SegmentBytes > 1<<30 {
		return fmt.Errorf("wal: SegmentBytes is %d, allowed is %d to %d", o.SegmentBytes, 1<<10, 1<<30)
	}
	if o.RecordBytesMax < 1 || o.RecordBytesMax > 1<<30 {
		return fmt.Errorf("wal: RecordBytesMax is %d, allowed is 1 to %d", o.RecordBytesMax, 1<<30)
	}
	return nil
}
