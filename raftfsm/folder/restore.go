package folder

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/hashicorp/raft"

	"onsale/raftfsm/store"
	"onsale/wal"
)

// RestoreBackup makes a data folder out of a backup: of a new cluster, with one
// node, in which everything goes on from where the backup was taken. The folder must
// be empty or not exist.
//
// What if we die here? NODE.json comes last: without it the folder is nobody's, and
// what is in it is in the way of the next try, which says so.
func RestoreBackup(in io.Reader, dir, nodeID, address string) (*BackupInfo, error) {
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return nil, fmt.Errorf("%w: %s is not empty", ErrIdentity, dir)
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, err
	}
	info, err := readBackup(in, func(info *BackupInfo, size int64, content io.Reader) error {
		return restoreSnapshot(info, content, dir, nodeID, address)
	})
	if err != nil {
		return nil, errors.Join(err, emptyFolder(dir))
	}
	o := &Owner{dir: dir, files: wal.OS{}}
	return info, o.Change(func(i *Identity) {
		*i = newIdentity(nodeID)
		i.ClusterID, i.ClusterNumber, i.Started = NewClusterID().String(), info.ClusterNumber, true
	})
}

// restoreSnapshot puts a snapshot into a folder as raft keeps them, with a
// membership of one, and the term that it was taken in.
func restoreSnapshot(info *BackupInfo, content io.Reader, dir, nodeID, address string) error {
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
	if _, _, err := store.ReadSnapshot(saved); err != nil {
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
