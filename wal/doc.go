// Package wal is a durable, checksummed log of records, each with an index. It
// stands on github.com/tidwall/wal for writing and handles what that leaves to
// its user: checksums, torn tails, directory syncs, locking, an index that can
// start anywhere, readers beside the writer. It knows bytes only.
//
// # On disk
//
//	DIR/LOCK               held with flock(2) while the log is open
//	DIR/MANIFEST           which segments there must be (manifest.go)
//	DIR/00000000000000000001, …   segments, named by the index of their first
//	                       record: tidwall/wal's binary format, each entry of
//	                       which is one frame of ours (frame.go)
//	DIR/torn/…             what a repair cut from the tail, kept for a human
//
// tidwall/wal would begin a new segment in the middle of a batch, without
// syncing the directory, and rewrites whole segments to truncate. So its segment
// size is set out of reach, and this package begins segments, and cuts them, by
// itself: between two appends it closes the writer, changes the files, and opens
// the writer again, which reads nothing because the last segment is empty.
//
// # What if we die here
//
// Append writes all its frames with one write(2) and one fsync(2), and returns
// after both. Dying before the return leaves any prefix of the bytes, or zeros
// or garbage in place of bytes that never reached the disk. Nobody was told that
// these records are durable. Open keeps the valid frames in front and cuts the
// rest. If a valid frame of a later append follows the damage, then it is not the
// trace of a torn append, because an append begins only after the one before it
// was synced: Open refuses (ErrCorrupt) and changes nothing. Each frame says which
// place it had in its append, because the disk takes the pages of one write in any
// order: a whole frame behind a missing one of the same append is no damage. With
// NoSync nothing is synced between appends, so Open refuses what is invalid up to
// Options.DurableIndex and cuts what is invalid behind it.
//
// What Open cannot tell apart is a torn append and damage to the bytes of the
// very last append after it was acknowledged: both are an invalid end with
// nothing behind it. It is cut, Repaired tells, and whoever knows how far the log
// must reach (replication does) has to compare LastIndex with it.
//
// The newest segment is preallocated: behind its records it has zeros up to its
// size, which are no frame. Open cuts them off; so does whatever leaves the segment.
//
// A new segment: (1) the full one is synced, closed, and its zeros are cut off, (2) the new file is
// created empty, (3) the directory is synced, (4) the manifest names it as newest
// (written aside, synced, renamed, directory synced). Only then is anything
// appended to it. Dying before (4) leaves an empty segment that the manifest does
// not know: Open takes it. A segment that the manifest knows and that is missing
// is ErrCorrupt: somebody removed it.
//
// TruncateFront: (1) the manifest names the new oldest segment, (2) older files
// are removed, oldest first. Dying in between leaves older files, which Open
// removes. Only whole segments go: after a restart FirstIndex may be lower than
// what was asked for, never higher.
//
// TruncateBack: (1) the manifest names the new newest segment, (2) newer files are
// removed, newest first, (3) the segment is cut and synced. Dying in between
// leaves a longer log with the same records in front: the caller truncates again,
// as raft does when it finds the conflict again.
//
// Reset: (1) the manifest says "resetting to N", (2) all segments are removed,
// (3) an empty segment N is created and the directory synced, (4) the manifest
// says that N is the only one. Dying after (1): Open finishes it. Before: nothing
// happened.
//
// Every call that changes a file goes through Files; package fault fails each of
// them and lays out what a power cut can leave after each (fault_test.go).
//
// A failed write or fsync is final: memory, page cache and disk may disagree, and
// a second fsync may report success for pages that were dropped (Rebello et al.,
// "Can Applications Recover from fsync Failures?", USENIX ATC 2020). Every later
// call returns the first error; the process has to stop, and Open repairs.
package wal
