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
	"strings"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/raft"

	"onsale/internal/moment"
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
	calls   moment.Calls // of the disk

	mu      sync.Mutex
	reading map[*reading]uint64 // the raft indices of snapshots that are open
}

var _ raft.SnapshotStore = (*Snapshots)(nil)

// checksumName is the file of the description's checksum, in a snapshot's folder.
const checksumName = "description.sha256"

// stateName is raft's file of the state.
const stateName = "state.bin"

// OpenSnapshots opens the snapshots in a data folder, of which the newest are kept.
// ErrVersion when a whole description is of another version of raft's format: raft would
// pass that snapshot over, and an older one would be taken for the newest.
func OpenSnapshots(disk wal.Files, dir string, kept int, log *slog.Logger) (*Snapshots, error) {
	folder := filepath.Join(dir, "snapshots")
	if err := wal.MakeDir(disk, folder); err != nil {
		return nil, fmt.Errorf("snapshots: %w", err)
	}
	if err := removeUnfinished(folder, log); err != nil {
		return nil, fmt.Errorf("snapshots: %w", err)
	}
	files, err := raft.NewFileSnapshotStoreWithLogger(dir, kept, RaftLogger(log))
	if err != nil {
		return nil, fmt.Errorf("snapshots: %w", err)
	}
	s := &Snapshots{files: files, disk: disk, dir: folder, log: log}
	return s, s.checkVersions()
}

// descriptionName is raft's file of what a snapshot is.
const descriptionName = "meta.json"

func (s *Snapshots) checkVersions() error {
	paths, err := filepath.Glob(filepath.Join(s.dir, "*", descriptionName))
	if err != nil {
		return fmt.Errorf("snapshots: %w", err)
	}
	for _, path := range paths {
		var m raft.SnapshotMeta
		data, err := os.ReadFile(path)
		if err != nil || json.Unmarshal(data, &m) != nil || s.verify(&m) != nil {
			continue // List passes it over and says so
		}
		if m.Version < raft.SnapshotVersionMin || m.Version > raft.SnapshotVersionMax {
			return fmt.Errorf("%w: %s has version %d, this program knows %d to %d", ErrVersion, path, m.Version,
				raft.SnapshotVersionMin, raft.SnapshotVersionMax)
		}
	}
	return nil
}

// unfinishedSuffix ends the name of a snapshot's folder until the snapshot is whole.
const unfinishedSuffix = ".tmp"

// removeUnfinished removes what snapshots have left that a crash has cut short: nobody
// finishes them, and each may be as large as the state.
func removeUnfinished(folder string, log *slog.Logger) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.IsDir() || !strings.HasSuffix(e.Name(), unfinishedSuffix) {
			continue
		}
		if err := os.RemoveAll(filepath.Join(folder, e.Name())); err != nil {
			return err
		}
		log.Warn("a snapshot that was not finished is removed", "snapshot", e.Name())
	}
	return nil
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
	defer s.calls.End(s.calls.Begin())
	sink, err := s.files.Create(version, index, term, members, membersIndex, trans)
	if err != nil {
		return nil, err
	}
	folder := filepath.Join(s.dir, sink.ID()+unfinishedSuffix)
	sum := describe(&raft.SnapshotMeta{Version: version, ID: sink.ID(), Index: index, Term: term, Configuration: members, ConfigurationIndex: membersIndex})
	if err := wal.ReplaceFile(s.disk, filepath.Join(folder, checksumName), sum); err != nil {
		return nil, errors.Join(err, sink.Cancel())
	}
	return &Sink{sink, s.disk, folder, &s.calls}, nil
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

// Calls are the calls of the disk: of the state's bytes each write is one.
func (s *Snapshots) Calls() *moment.Calls { return &s.calls }

// isJournaled reports whether this node's journal was synced up to a snapshot.
func (s *Snapshots) isJournaled(id string) bool {
	_, err := os.Stat(filepath.Join(s.dir, filepath.Base(id), journaledName))
	return err == nil
}

// Open returns a snapshot whose checksums are right. It counts as open (Reading) from the
// beginning: reading the state against its checksum takes a while.
func (s *Snapshots) Open(id string) (*raft.SnapshotMeta, io.ReadCloser, error) {
	all, err := s.List()
	if err != nil {
		return nil, nil, err
	}
	at := slices.IndexFunc(all, func(m *raft.SnapshotMeta) bool { return m.ID == id })
	if at < 0 {
		return nil, nil, fmt.Errorf("%w: %s is gone, or damaged", ErrSnapshot, id)
	}

	r := s.begin(all[at].Index)
	if known := s.checked.Swap(nil); known != nil && *known == id {
		r.content, err = os.Open(filepath.Join(s.dir, filepath.Base(id), stateName))
	} else {
		_, r.content, err = s.files.Open(id)
	}
	if err != nil {
		r.end()
		return nil, nil, err
	}
	return all[at], r, nil
}

// reading is a snapshot that is open.
type reading struct {
	content io.ReadCloser
	of      *Snapshots
}

// begin notes that a snapshot is open until it is closed.
func (s *Snapshots) begin(index uint64) *reading {
	r := &reading{of: s}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reading == nil {
		s.reading = map[*reading]uint64{}
	}
	s.reading[r] = index
	return r
}

func (r *reading) end() {
	r.of.mu.Lock()
	defer r.of.mu.Unlock()
	delete(r.of.reading, r)
}

// Read is io.Reader's.
func (r *reading) Read(p []byte) (int, error) { return r.content.Read(p) }

// Close is io.Closer's.
func (r *reading) Close() error {
	r.end()
	return r.content.Close()
}

// Reading returns the lowest index of the snapshots that are open; 0 when none is. Whom
// one is sent to needs the log behind it.
func (s *Snapshots) Reading() (lowest uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, index := range s.reading {
		if lowest == 0 || index < lowest {
			lowest = index
		}
	}
	return lowest
}
