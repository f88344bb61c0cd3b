package raftfsm

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/hashicorp/raft"

	"onsale/raftfsm/folder"
	"onsale/raftfsm/store"
)

// Backup writes a backup of the state as of now. Decisions go on meanwhile. One that is made
// while no leader is heard is marked: it is better than none where a majority is lost, and
// must not be taken for the newest elsewhere.
func (n *Node) Backup(w io.Writer) error {
	_, leader := n.raft.LeaderWithID()
	meta, content, err := openNewest(n.raft, n.data.Snapshots)
	if err != nil {
		return err
	}
	defer content.Close()
	is := n.data.Owner.Identity()
	info := folder.BackupInfo{ClusterID: is.ClusterID, ClusterNumber: is.ClusterNumber, NodeID: is.NodeID,
		CreatedAt: time.Now().UTC(), Index: meta.Index, Term: meta.Term, Members: n.membership.Recorded(), Stale: leader == ""}
	return folder.WriteBackup(w, &info, meta.Size, content)
}

// openNewest takes a snapshot, or the newest one when nothing happened since.
func openNewest(r *raft.Raft, snapshots *store.Snapshots) (*raft.SnapshotMeta, io.ReadCloser, error) {
	future := r.Snapshot()
	err := future.Error()
	if err == nil {
		return future.Open()
	}
	if !errors.Is(err, raft.ErrNothingNewToSnapshot) {
		return nil, nil, err
	}
	list, err := snapshots.List()
	if err != nil || len(list) == 0 {
		return nil, nil, errors.Join(fmt.Errorf("%w: nothing was decided yet", store.ErrSnapshot), err)
	}
	return snapshots.Open(list[0].ID)
}

// Snapshot takes a snapshot now.
func (n *Node) Snapshot() error { return snapshotNow(n.raft) }

// snapshotNow takes a snapshot, unless nothing happened since the newest.
func snapshotNow(r *raft.Raft) error {
	err := r.Snapshot().Error()
	if errors.Is(err, raft.ErrNothingNewToSnapshot) {
		return nil
	}
	return err
}
