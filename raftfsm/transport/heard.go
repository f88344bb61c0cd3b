package transport

import (
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// Heard is how far the cluster is known to have committed: what leaders say in appends and
// with snapshots, and what is told by others. A node's own commit index says nothing of
// that while it is sent neither, and when it was away that is for seconds. All that was
// ever committed stays so, whoever led: the highest counts. The zero value has heard
// nothing. All methods are safe for concurrent use.
type Heard struct {
	mu     sync.Mutex
	newest Commit
	// before is what was heard HeardAge ago at least, and after at turned.
	before, after uint64
	turned        time.Time
}

// Commit is how far a leader has committed.
type Commit struct {
	Index uint64 // of raft
	Seq   uint64 // of its newest decision; 0 when nobody said
	// At is when a leader last said how far it is; zero when none has.
	At time.Time
}

// HeardAge is how old what Before returns is at least.
const HeardAge = 500 * time.Millisecond

// Note takes in what a leader says of itself.
func (h *Heard) Note(index, seq uint64, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.raise(index)
	h.newest.Seq, h.newest.At = max(h.newest.Seq, seq), now
	if now.Sub(h.turned) >= HeardAge {
		h.before, h.after, h.turned = h.after, h.newest.Index, now
	}
}

// raise takes in an index that was committed at some time.
func (h *Heard) raise(index uint64) { h.newest.Index = max(h.newest.Index, index) }

// Newest returns the highest that was heard.
func (h *Heard) Newest() Commit {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.newest
}

// Before returns the raft index that was known to be committed HeardAge ago; it may be
// older.
func (h *Heard) Before() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.before
}

// receive takes in what a request says. A heartbeat on raft's fast path has no commit
// index. A snapshot is of a time before it was sent: it does not say how far the leader is.
func (h *Heard) receive(command any) {
	switch c := command.(type) {
	case *raft.AppendEntriesRequest:
		h.Note(c.LeaderCommitIndex, 0, time.Now())
	case *raft.InstallSnapshotRequest:
		h.mu.Lock()
		defer h.mu.Unlock()
		h.raise(c.LastLogIndex)
	}
}
