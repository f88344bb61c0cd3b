// Package store keeps what raft must not lose, in a node's data folder: its log, its
// term and vote, its snapshots. Each is the field's usual store with what a crash or a
// damaged disk would take away from it added.
//
//	Log        raft's log on a wal.Log; the newest entries also in memory
//	Votes      raft's stable store in a bbolt file, each value under a checksum
//	Snapshots  raft's snapshot files, their description under a checksum too
//
// What if we die here? A store returns when its bytes are durable, and a name comes
// last: StoreLogs after the fsync; the votes' file is written aside, synced and renamed
// when it is opened, and a vote is one bbolt commit; a snapshot's folder is synced
// before it gets its name. So a start finds a thing whole, in its old state or its new
// one, or it finds damage and says so: ErrRecord, ErrVotes and ErrSnapshot beside wal's
// errors. Nothing is repaired by guessing; a node whose vote is lost could vote twice.
//
// An error of writing is final. After a failed fsync nobody knows what is on disk, so
// Log and Votes report it to the node, which ends the process; the next start reads the
// truth.
//
// raft calls Log from several goroutines and stores from one. The entries in memory
// have a lock of their own, because each follower's goroutine reads them beside the
// store that goes on.
//
// What it trades off: every open rewrites the small file of the votes, so that bbolt
// never writes to pages that it would have to trust, which costs a start a few fsyncs.
// The cache holds up to 64 MiB so that followers cost no reads. raft's list of what was
// committed is not kept (no CommitTrackingLogStore): raft v1.8.0 loses the membership
// with it, and a start waits for a leader to learn what is committed instead.
package store
