package journal

import (
	"bytes"
	"fmt"
	"path/filepath"
	"sync"

	"onsale/wal"
)

// Options configures a journal.
type Options struct {
	// SegmentBytes is the size of a segment file.
	SegmentBytes int
	// DurableHeight is the height of the newest snapshot that was made here: up to
	// there the journal was synced, so damage is refused. Behind it, what a crash left is cut, and the
	// raft log brings it again.
	DurableHeight uint64
	// Files is the disk; nil is the operating system's.
	Files wal.Files
}

// DefaultOptions has 16 MiB segments: the journal is written in order, read in
// order, and never truncated.
func DefaultOptions() Options { return Options{SegmentBytes: 16 << 20} }

// Journal is an open journal. Put and Restore belong to the goroutine that
// applies; Sync, Position and Stats may be called by any.
type Journal struct {
	dir     string
	options wal.Options
	// log is replaced by Restore only, under mu.
	log    *wal.Log
	buffer []byte

	mu       sync.Mutex
	position Head
}

// Open opens the journal in a directory. Its position is genesis until Restore
// or Put move it. It returns what wal.Open returns.
func Open(dir string, o Options) (*Journal, error) {
	options := wal.DefaultOptions()
	options.SegmentBytes, options.NoSync, options.CheckAll = o.SegmentBytes, true, false
	options.RecordBytesMax, options.DurableIndex, options.Files = 1<<30, o.DurableHeight, o.Files
	if options.Files == nil {
		options.Files = wal.OS{}
	}
	log, err := wal.Open(dir, options)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	return &Journal{dir: dir, options: options, log: log}, nil
}

// Repaired says what opening cut from the tail; replaying writes it again.
func (j *Journal) Repaired() wal.Repair { return j.current().Repaired() }

// Stats returns the log's totals since Open.
func (j *Journal) Stats() wal.Stats { return j.current().Stats() }

// current returns the log for those who do not apply.
func (j *Journal) current() *wal.Log {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.log
}

// Position returns the head as of what was applied.
func (j *Journal) Position() Head {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.position
}

// Put adds the next applied batch; it fills in the block's height, previous hash
// and hash. When the journal has the block already, because raft replays, it is
// compared instead: ErrDiverged. Other errors are the log's, and final.
func (j *Journal) Put(b *Block) error {
	head := j.Position()
	b.Height, b.Previous = head.Height+1, head.Hash
	j.buffer = appendBlock(j.buffer[:0], b)
	if b.Height < j.log.NextIndex() {
		if err := j.compare(b); err != nil {
			return err
		}
	} else if err := j.log.Append(b.Height, [][]byte{j.buffer}); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	j.mu.Lock()
	j.position = b.Head()
	j.mu.Unlock()
	return nil
}

// compare holds the block in the buffer against the one on disk.
func (j *Journal) compare(b *Block) error {
	if b.Height < j.log.FirstIndex() {
		return nil // before the snapshot that this disk's chain begins with
	}
	kept, err := j.log.Read(b.Height)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if bytes.Equal(kept, j.buffer) {
		return nil
	}
	there, err := DecodeBlock(kept)
	if err != nil {
		return err
	}
	return fmt.Errorf("%w: block %d (raft index %d) has hash %x in the journal, replaying raft index %d gives %x",
		ErrDiverged, b.Height, there.RaftIndex, there.Hash[:8], b.RaftIndex, b.Hash[:8])
}

// Restore moves the position to a snapshot's. A journal that ends before it has
// a gap, which gap reports: its folder is put aside under the heights that it
// holds, never deleted, and a new one starts at the snapshot; what is missing in
// between is on the peers. It returns ErrDiverged when the block at that height
// is another one.
func (j *Journal) Restore(head Head) (gap bool, err error) {
	switch next := j.log.NextIndex(); {
	case head.Height == 0:
	case head.Height >= next:
		gap = true
		err = j.startAt(head.Height + 1)
	case head.Height >= j.log.FirstIndex() && j.log.FirstIndex() > 0:
		err = j.mustHold(head)
	}
	if err != nil {
		return gap, fmt.Errorf("journal: %w", err)
	}
	j.mu.Lock()
	j.position = head
	j.mu.Unlock()
	return gap, nil
}

// startAt begins a new journal at a height. What if we die here? After the rename
// there is no journal, and the next start, which has the snapshot, begins it anew.
func (j *Journal) startAt(height uint64) error {
	if first, last := j.log.FirstIndex(), j.log.LastIndex(); last > 0 {
		if err := j.log.Close(); err != nil {
			return err
		}
		files := j.options.Files
		if err := files.Rename(j.dir, fmt.Sprintf("%s-%d-to-%d", j.dir, first, last)); err != nil {
			return err
		}
		if err := files.SyncDir(filepath.Dir(j.dir)); err != nil {
			return err
		}
		log, err := wal.Open(j.dir, j.options)
		if err != nil {
			return err
		}
		j.mu.Lock()
		j.log = log
		j.mu.Unlock()
	}
	return j.log.Reset(height)
}

func (j *Journal) mustHold(head Head) error {
	data, err := j.log.Read(head.Height)
	if err != nil {
		return err
	}
	there, err := DecodeBlock(data)
	if err == nil && there.Hash != head.Hash {
		err = fmt.Errorf("%w: block %d has hash %x in the journal, the snapshot says %x", ErrDiverged, head.Height, there.Hash[:8], head.Hash[:8])
	}
	return err
}

// Range returns the heights of the first and the last block here; both are 0 when
// there is none.
func (j *Journal) Range() (first, last uint64) {
	log := j.current()
	return log.FirstIndex(), min(log.LastIndex(), j.Position().Height)
}

// beginning returns the first height here, whether its block is there yet or not, and
// the hash that the block follows.
func (j *Journal) beginning() (first uint64, follows Hash, err error) {
	log, position := j.current(), j.Position()
	next := log.NextIndex() // read before the first index, which an append may set meanwhile
	if first = log.FirstIndex(); first == 0 {
		first = next
	}
	switch {
	case first == 1:
		return 1, Hash{}, nil
	case position.Height == first-1:
		return first, position.Hash, nil
	}
	b, err := j.Read(first)
	return first, b.Previous, err
}

// Last returns the head of the newest block on disk, whether it was replayed yet or
// not; zero when there is none. ErrCorrupt, ErrVersion or the log's error.
func (j *Journal) Last() (Head, error) {
	height := j.log.LastIndex()
	if height == 0 {
		return Head{}, nil
	}
	b, err := j.Read(height)
	return b.Head(), err
}

// Read returns the block at a height, its hash checked; the log's error when it is
// not here.
func (j *Journal) Read(height uint64) (Block, error) {
	data, err := j.current().Read(height)
	if err != nil {
		return Block{}, fmt.Errorf("journal: %w", err)
	}
	return DecodeBlock(data)
}

// Sync makes every block durable that was put before the call. Put goes on
// meanwhile.
func (j *Journal) Sync() error { return j.current().Sync() }

// Err returns the failure that ended the journal's life, or nil.
func (j *Journal) Err() error { return j.current().Err() }

// Close syncs and closes the journal.
func (j *Journal) Close() error { return j.current().Close() }
