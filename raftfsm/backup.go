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

// Backup writes a backup of the state as of now. Decisions go on meanwhile.
func (n *Node) Backup(w io.Writer) error {
	meta, content, err := n.takeSnapshot()
	if err != nil {
		return err
	}
	defer content.Close()
	is := n.data.Owner.Identity()
	info := folder.BackupInfo{ClusterID: is.ClusterID, ClusterNumber: is.ClusterNumber, NodeID: is.NodeID,
		CreatedAt: time.Now().UTC(), Index: meta.Index, Term: meta.Term, Members: n.Members()}
	return folder.WriteBackup(w, &info, meta.Size, content)
}

// takeSnapshot takes a snapshot, or the newest one when nothing happened since.
func (n *Node) takeSnapshot() (*raft.SnapshotMeta, io.ReadCloser, error) {
	future := n.raft.Snapshot()
	err := future.Error()
	if err == nil {
		return future.Open()
	}
	if !errors.Is(err, raft.ErrNothingNewToSnapshot) {
		return nil, nil, err
	}
	list, err := n.data.Snapshots.List()
	if err != nil || len(list) == 0 {
		return nil, nil, errors.Join(fmt.Errorf("%w: nothing was decided yet", store.ErrSnapshot), err)
	}
	return n.data.Snapshots.Open(list[0].ID)
}
