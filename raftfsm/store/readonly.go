package store

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/raft"

	"onsale/sequencer"
	"onsale/wal"
	"onsale/wal/journal"
)

// Saved is a state as a snapshot on disk has it.
type Saved struct {
	Meta  raft.SnapshotMeta // Index is 0 when there is no snapshot
	Head  journal.Head
	State *sequencer.State
}

// ReadNewest reads the newest whole snapshot in a data folder; a state without decisions
// when there is none. It writes nothing: it is for a disk on which nothing can be written.
// ErrVersion, or what ReadSnapshot returns of a snapshot of another release.
func ReadNewest(dir string, log *slog.Logger) (Saved, error) {
	s := &Snapshots{dir: filepath.Join(dir, "snapshots"), log: log}
	if err := s.checkVersions(); err != nil {
		return Saved{}, err
	}
	for _, meta := range s.described() {
		saved, err := s.read(meta)
		if err == nil {
			return saved, nil
		}
		if !errors.Is(err, ErrSnapshot) && !errors.Is(err, sequencer.ErrSnapshotCorrupt) {
			return Saved{}, fmt.Errorf("snapshot %s: %w", meta.ID, err)
		}
		log.Error("a snapshot is damaged; an older one is looked for", "snapshot", meta.ID, "error", err)
	}
	return Saved{State: sequencer.New()}, nil
}

// described returns the snapshots whose description is whole, newest first.
func (s *Snapshots) described() (whole []raft.SnapshotMeta) {
	paths, _ := filepath.Glob(filepath.Join(s.dir, "*", descriptionName)) // of a pattern without fault
	for _, path := range paths {
		var m raft.SnapshotMeta
		data, err := os.ReadFile(path)
		if err != nil || json.Unmarshal(data, &m) != nil || s.verify(&m) != nil {
			continue // an unfinished one has no verified name
		}
		whole = append(whole, m)
	}
	slices.SortFunc(whole, func(a, b raft.SnapshotMeta) int {
		return cmp.Or(cmp.Compare(b.Index, a.Index), cmp.Compare(b.ID, a.ID))
	})
	return whole
}

func (s *Snapshots) read(meta raft.SnapshotMeta) (Saved, error) {
	content, err := os.Open(filepath.Join(s.dir, filepath.Base(meta.ID), stateName))
	if err != nil {
		return Saved{}, err
	}
	defer func() { _ = content.Close() }() // it was only read
	head, state, err := ReadSnapshot(content)
	if err == nil && state.Position().Height != head.Height {
		err = fmt.Errorf("%w: its state has decided %d batches, the journal's head is at height %d",
			ErrSnapshot, state.Position().Height, head.Height)
	}
	return Saved{meta, head, state}, err
}

// MembersIn returns the newest membership in the raft log of a data folder, which may not
// be committed; known is what is older. It writes nothing.
func MembersIn(dir string, known raft.Configuration) raft.Configuration {
	_, _ = wal.ScanDir(filepath.Join(dir, "raft-log"), func(index uint64, record []byte) error {
		var l raft.Log
		if err := decodeRecord(index, record, &l); err != nil {
			return err
		}
		if l.Type == raft.LogConfiguration {
			known = raft.DecodeConfiguration(l.Data)
		}
		return nil
	}) // what cannot be read is for the next start to say
	return known
}

// SnapshotBytesMax returns the size of the largest snapshot in a data folder; 0 when there
// is none. It reads no snapshot.
func SnapshotBytesMax(dir string) (largest int64) {
	folder := filepath.Join(dir, "snapshots")
	entries, _ := os.ReadDir(folder) // none before the first start
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), unfinishedSuffix) {
			continue
		}
		if state, err := os.Stat(filepath.Join(folder, e.Name(), stateName)); err == nil {
			largest = max(largest, state.Size())
		}
	}
	return largest
}
