package folder

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/raft"

	"onsale/raftfsm/store"
	"onsale/sequencer"
	"onsale/wal"
)

// ErrClockBehind is returned when the wall clock is behind the newest time in what is
// restored or recovered: a birth with such a time could give out again what the lost
// history has given out.
var ErrClockBehind = errors.New("the clock is behind")

// CheckClock returns ErrClockBehind when the wall clock is behind a state's time, or behind
// that of its last birth.
func CheckClock(now time.Time, s *sequencer.State) error {
	newest := s.Now()
	if births := s.Births(); len(births) > 0 {
		newest = max(newest, births[len(births)-1].Time)
	}
	if behind := newest - now.UnixNano(); behind > 0 {
		return fmt.Errorf("%w: it says %s, and what is taken up is of %s; set the clock and try again",
			ErrClockBehind, now.UTC().Format(time.RFC3339Nano), time.Unix(0, newest).UTC().Format(time.RFC3339Nano))
	}
	return nil
}

// Restore says what a backup becomes.
type Restore struct {
	Dir, NodeID string
	Address     string // where other nodes will reach the node
	// Cause is BirthRestore for a successor of the cluster that made the backup, BirthCopy
	// for an unrelated cluster.
	Cause sequencer.BirthCause
	Clock interface{ Now() time.Time }
}

// RestoreBackup makes a data folder out of a backup: of a new cluster, with one
// node, in which everything goes on from where the backup was taken. The folder must
// be empty or not exist. It returns ErrBackup, ErrIdentity or ErrClockBehind.
//
// What if we die here? NODE.json comes last: without it the folder is nobody's, and
// what is in it is in the way of the next try, which says so.
func RestoreBackup(in io.Reader, r Restore) (*BackupInfo, error) {
	if entries, err := os.ReadDir(r.Dir); err == nil && len(entries) > 0 {
		return nil, fmt.Errorf("%w: %s is not empty", ErrIdentity, r.Dir)
	}
	if err := os.MkdirAll(r.Dir, 0o750); err != nil {
		return nil, err
	}
	now := r.Clock.Now()
	info, err := readBackup(in, func(info *BackupInfo, size int64, content io.Reader) error {
		return restoreSnapshot(info, content, &r, now)
	})
	if err != nil {
		return nil, errors.Join(err, emptyFolder(r.Dir))
	}
	o := &Owner{dir: r.Dir, files: wal.OS{}}
	return info, o.Change(func(i *Identity) {
		*i = newIdentity(r.NodeID)
		i.ClusterID, i.ClusterNumber, i.Started = NewClusterID().String(), info.ClusterNumber, true
		i.Birth = &BirthMark{Cause: r.Cause, Time: now.UnixNano()}
	})
}

// restoreSnapshot puts a snapshot into a folder as raft keeps them, with a
// membership of one, and the term that it was taken in.
func restoreSnapshot(info *BackupInfo, content io.Reader, r *Restore, now time.Time) error {
	dir, nodeID, address := r.Dir, r.NodeID, r.Address
	snapshots, err := store.OpenSnapshots(wal.OS{}, dir, 1, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	_, trans := raft.NewInmemTransport(raft.ServerAddress(address))
	alone := raft.Configuration{Servers: []raft.Server{{ID: raft.ServerID(nodeID), Address: raft.ServerAddress(address)}}}
	sink, err := snapshots.Create(raft.SnapshotVersionMax, info.Index, info.Term, alone, info.Index, trans)
	if err != nil {
		return err
	}
	if _, err := io.Copy(sink, content); err != nil {
		return errors.Join(err, sink.Cancel())
	}
	if err := sink.Close(); err != nil {
		return err
	}
	_, saved, err := snapshots.Open(sink.ID())
	if err != nil {
		return err
	}
	defer saved.Close()
	_, state, err := store.ReadSnapshot(saved)
	if err != nil {
		return err
	}
	if err := CheckClock(now, state); err != nil {
		return err
	}
	votes, err := store.OpenVotes(wal.OS{}, dir, false, func(error) {})
	if err != nil {
		return err
	}
	return errors.Join(votes.SetUint64([]byte("CurrentTerm"), info.Term), votes.Close())
}

// emptyFolder removes what a restore that failed has left.
func emptyFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, entry := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, entry.Name())))
	}
	return err
}
