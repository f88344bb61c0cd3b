package store

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/hashicorp/raft"

	"onsale/internal/failpoint"
	"onsale/internal/moment"
	"onsale/wal"
)

// journaledName is a file in the folder of a snapshot that was made here, after the
// journal was synced up to it. One that came from the leader says nothing of this
// node's journal.
const journaledName = "journaled"

// Sink is a snapshot that is being written. It makes the names in the snapshot's folder durable before the folder
// gets its name.
type Sink struct {
	raft.SnapshotSink
	disk   wal.Files
	folder string
	calls  *moment.Calls
}

// Journaled notes that the journal is durable up to the snapshot.
func (s *Sink) Journaled() error {
	defer s.calls.End(s.calls.Begin())
	return wal.ReplaceFile(s.disk, filepath.Join(s.folder, journaledName), []byte("1"))
}

// Write adds to the snapshot.
func (s *Sink) Write(data []byte) (int, error) {
	defer s.calls.End(s.calls.Begin())
	failpoint.Hit(failpoint.SnapshotWriteBefore)
	return s.SnapshotSink.Write(data)
}

// Close finishes the snapshot; it is durable on return.
func (s *Sink) Close() error {
	defer s.calls.End(s.calls.Begin())
	if err := s.disk.SyncDir(s.folder); err != nil && !errors.Is(err, os.ErrNotExist) { // closed before
		return errors.Join(err, s.Cancel())
	}
	failpoint.Hit(failpoint.SnapshotClosing)
	defer failpoint.Hit(failpoint.SnapshotClosed)
	return s.SnapshotSink.Close()
}
