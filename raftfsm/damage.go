package raftfsm

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/hashicorp/raft"

	"onsale/sequencer"
	"onsale/wal"
	"onsale/wal/journal"
)

// ErrHistory is returned when a node's files do not reach each other: what one of
// them proves to have been there, another has lost.
var ErrHistory = errors.New("this node has lost a part of its history")

// IsDamage reports whether an error says that what this node keeps is damaged or
// lost. It is repaired from the peers.
func IsDamage(err error) bool {
	for _, known := range [...]error{wal.ErrCorrupt, journal.ErrCorrupt, journal.ErrDiverged, ErrDiverged, ErrHistory, ErrVotes, ErrSnapshot, ErrLogRecord, ErrIdentityDamaged,
		sequencer.ErrSnapshotCorrupt, sequencer.ErrBatchCorrupt} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// latest is the newest snapshot that can be read.
type latest struct {
	meta raft.SnapshotMeta // Index is 0 when there is none
	head journal.Head
	// journaled is the height up to which the journal was made durable.
	journaled uint64
}

// latestSnapshot finds the snapshot that raft will begin with: it takes the newest
// whose checksum is right, and says nothing of those that it passes over.
func (n *Node) latestSnapshot() (found latest, err error) {
	metas, err := n.snapshots.List()
	if err != nil {
		return latest{}, fmt.Errorf("snapshots: %w", err)
	}
	for _, meta := range metas {
		_, content, err := n.snapshots.Open(meta.ID)
		if err != nil {
			n.config.Logger.Error("a snapshot is damaged; an older one is looked for", "snapshot", meta.ID, "error", err)
			continue
		}
		head, err := readSnapshotHeader(content)
		content.Close()
		if err != nil {
			return latest{}, fmt.Errorf("snapshot %s: %w", meta.ID, err)
		}
		if found.meta.Index == 0 {
			found = latest{meta: *meta, head: head}
			n.snapshots.checked.Store(&meta.ID)
		}
		if n.snapshots.isJournaled(meta.ID) {
			found.journaled = head.Height
			break
		}
	}
	return found, nil
}

// checkOwned refuses a folder in which raft has written and that has lost the file
// that says whose it is.
func (n *Node) checkOwned() error {
	path := filepath.Join(n.config.DataDir, identityName)
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	_, err := os.Stat(filepath.Join(n.config.DataDir, votesName))
	if err == nil || n.logs.log.LastIndex() > 0 {
		return fmt.Errorf("%w: %s is missing, and this folder was used", ErrIdentityDamaged, path)
	}
	return nil
}

// checkHistory compares what the files prove of each other. Each of them may be
// whole and still not be what it was: a snapshot that cannot be read is passed over
// by raft, and a log whose last append is damaged looks like one that was torn.
func (n *Node) checkHistory(from latest) error {
	first, last := n.logs.log.FirstIndex(), n.logs.log.LastIndex()
	if first > from.meta.Index+1 {
		return fmt.Errorf("%w: the newest whole snapshot ends at index %d, and the log begins at %d", ErrHistory, from.meta.Index, first)
	}
	reaches := max(last, from.meta.Index)
	if n.folder.identity().Started && reaches == 0 {
		return fmt.Errorf("%w: %s has neither log nor snapshot", ErrHistory, n.config.DataDir)
	}
	decided, err := n.journal.Last()
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if decided.RaftIndex > reaches {
		return fmt.Errorf("%w: the journal has a decision of index %d, and the log and snapshot end at %d", ErrHistory, decided.RaftIndex, reaches)
	}
	return n.checkTerm(from, last)
}

// checkTerm finds votes that are older than what was written under them.
func (n *Node) checkTerm(from latest, last uint64) error {
	written := from.meta.Term
	if last > 0 {
		var entry raft.Log
		if err := n.logs.GetLog(last, &entry); err != nil {
			return fmt.Errorf("raft log: %w", err)
		}
		written = max(written, entry.Term)
	}
	term, err := n.stable.term()
	if err == nil && term < written {
		err = fmt.Errorf("%w: they are of term %d, the log is of term %d", ErrVotes, term, written)
	}
	return err
}

// SetAside renames the data folder of a node that is stopped, so that the node can
// join its cluster as a new one; nothing is deleted. The node must have been removed
// from its cluster before: it forgets its votes. It returns the new name, or
// wal.ErrLocked while the node runs.
func SetAside(dir string) (string, error) {
	if err := MustBeStopped(dir); err != nil {
		return "", err
	}
	aside, err := asideOf(dir, time.Now())
	if err != nil {
		return "", err
	}
	if err := os.Rename(dir, aside); err != nil {
		return "", err
	}
	return aside, wal.OS{}.SyncDir(filepath.Dir(filepath.Clean(dir)))
}

// asidesMax bounds the folders that are set aside within one second.
const asidesMax = 100

// asideOf returns a name beside a folder that nothing has.
func asideOf(dir string, now time.Time) (string, error) {
	name := fmt.Sprintf("%s-damaged-%s", filepath.Clean(dir), now.UTC().Format("20060102T150405Z"))
	for n := 1; n <= asidesMax; n++ {
		aside := name
		if n > 1 {
			aside = fmt.Sprintf("%s-%d", name, n)
		}
		if _, err := os.Lstat(aside); errors.Is(err, os.ErrNotExist) {
			return aside, nil
		} else if err != nil {
			return "", err
		}
	}
	return "", fmt.Errorf("%d folders are set aside as %s already", asidesMax, name)
}

// MustBeStopped returns wal.ErrLocked while a process has the folder open.
func MustBeStopped(dir string) error {
	f, err := os.Open(filepath.Join(dir, "raft-log", "LOCK"))
	if errors.Is(err, os.ErrNotExist) {
		_, err = os.Stat(dir)
		return err
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return fmt.Errorf("%w: %s (%w); stop that process first", wal.ErrLocked, dir, err)
	}
	return nil
}
