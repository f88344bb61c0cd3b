package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"

	"github.com/hashicorp/raft"

	"onsale/wal"
)

// Snapshots is raft's snapshots in files, with what that store leaves out: a
// checksum over the description (index, term and membership, which are not under
// the checksum of the state), and a sync of the folder that gets the snapshot's
// name.
type Snapshots struct {
	files *raft.FileSnapshotStore
	disk  wal.Files
	dir   string
	log   *slog.Logger
	// checked is the snapshot whose state was read against its checksum by this
	// process. raft opens at once what the start has just looked at: the state has
	// a checksum of its own, and reading all of it once more would double the wait.
	checked atomic.Pointer[string]
}

var _ raft.SnapshotStore = (*Snapshots)(nil)

// checksumName is the file of the description's checksum, in a snapshot's folder.
const checksumName = "description.sha256"

// stateName is raft's file of the state.
const stateName = "state.bin"

// OpenSnapshots opens the snapshots in a data folder, of which the newest are kept.
func OpenSnapshots(disk wal.Files, dir string, kept int, log *slog.Logger) (*Snapshots, error) {
	folder := filepath.Join(dir, "snapshots")
	if err := wal.MakeDir(disk, folder); err != nil {
		return nil, fmt.Errorf("snapshots: %w", err)
	}
	files, err := raft.NewFileSnapshotStoreWithLogger(dir, kept, RaftLogger(log))
	if err != nil {
		return nil, fmt.Errorf("snapshots: %w", err)
	}
	return &Snapshots{files: files, disk: disk, dir: folder, log: log}, nil
}

// describe returns the checksum of what a snapshot is said to be.
func describe(m *raft.SnapshotMeta) []byte {
	data, err := json.Marshal([]any{m.Version, m.ID, m.Index, m.Term, m.Configuration, m.ConfigurationIndex})
	if err != nil {
		panic(err) // numbers and strings
	}
	sum := sha256.Sum256(data)
	return sum[:]
}

// Create begins a snapshot.
func (s *Snapshots) Create(version raft.SnapshotVersion, index, term uint64, members raft.Configuration, membersIndex uint64, trans raft.Transport) (raft.SnapshotSink, error) {
	sink, err := s.files.Create(version, index, term, members, membersIndex, trans)
	if err != nil {
		return nil, err
	}
	folder := filepath.Join(s.dir, sink.ID()+".tmp")
	sum := describe(&raft.SnapshotMeta{Version: version, ID: sink.ID(), Index: index, Term: term, Configuration: members, ConfigurationIndex: membersIndex})
	if err := wal.ReplaceFile(s.disk, filepath.Join(folder, checksumName), sum); err != nil {
		return nil, errors.Join(err, sink.Cancel())
	}
	return &Sink{sink, s.disk, folder}, nil
}

// List returns the snapshots whose description is whole, newest first.
func (s *Snapshots) List() ([]*raft.SnapshotMeta, error) {
	all, err := s.files.List()
	var whole []*raft.SnapshotMeta
	for _, m := range all {
		if err := s.verify(m); err != nil {
			s.log.Error("a snapshot is damaged and not used", "snapshot", m.ID, "error", err)
			continue
		}
		whole = append(whole, m)
	}
	return whole, err
}

func (s *Snapshots) verify(m *raft.SnapshotMeta) error {
	sum, err := os.ReadFile(filepath.Join(s.dir, filepath.Base(m.ID), checksumName))
	if err == nil && !bytes.Equal(sum, describe(m)) {
		err = fmt.Errorf("%w: its description is not what was written", ErrSnapshot)
	}
	return err
}

// isJournaled reports whether this node's journal was synced up to a snapshot.
func (s *Snapshots) isJournaled(id string) bool {
	_, err := os.Stat(filepath.Join(s.dir, filepath.Base(id), journaledName))
	return err == nil
}

// Open returns a snapshot whose checksums are right.
func (s *Snapshots) Open(id string) (*raft.SnapshotMeta, io.ReadCloser, error) {
	if known := s.checked.Swap(nil); known != nil && *known == id {
		return s.openChecked(id)
	}
	m, content, err := s.files.Open(id)
	if err != nil {
		return nil, nil, err
	}
	if err := s.verify(m); err != nil {
		return nil, nil, errors.Join(err, content.Close())
	}
	return m, content, nil
}

// openChecked opens a snapshot without reading its state against the checksum.
func (s *Snapshots) openChecked(id string) (*raft.SnapshotMeta, io.ReadCloser, error) {
	all, err := s.List()
	if err != nil {
		return nil, nil, err
	}
	at := slices.IndexFunc(all, func(m *raft.SnapshotMeta) bool { return m.ID == id })
	if at < 0 {
		return nil, nil, fmt.Errorf("%w: %s is gone", ErrSnapshot, id)
	}
	content, err := os.Open(filepath.Join(s.dir, filepath.Base(id), stateName))
	return all[at], content, err
}
