package store

import (
	"fmt"

	"github.com/hashicorp/raft"

	"onsale/wal/journal"
)

// Newest is the newest snapshot that can be read.
type Newest struct {
	Meta raft.SnapshotMeta // Index is 0 when there is none
	Head journal.Head
	// Journaled is the height up to which the journal was made durable.
	Journaled uint64
}

// Newest finds the snapshot that raft will begin with: it takes the newest whose
// checksum is right, and says nothing of those that it passes over.
func (s *Snapshots) Newest() (found Newest, err error) {
	metas, err := s.List()
	if err != nil {
		return Newest{}, fmt.Errorf("snapshots: %w", err)
	}

	for _, meta := range metas {
		_, content, err := s.Open(meta.ID)
		if err != nil {
			s.log.Error("a snapshot is damaged; an older one is looked for", "snapshot", meta.ID, "error", err)
			continue
		}
		head, err := readHeader(content)
		content.Close()
		if err != nil {
			return Newest{}, fmt.Errorf("snapshot %s: %w", meta.ID, err)
		}

		if found.Meta.Index == 0 {
			found = Newest{Meta: *meta, Head: head}
			s.checked.Store(&meta.ID)
		}
		if s.isJournaled(meta.ID) {
			found.Journaled = head.Height
			break
		}
	}
	return found, nil
}

// Index returns the raft index of the newest snapshot on disk; 0 when there is none.
func (s *Snapshots) Index() uint64 {
	list, err := s.List()
	if err != nil || len(list) == 0 {
		return 0
	}
	return list[0].Index
}
