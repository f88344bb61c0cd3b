package transport

import (
	"io"

	"github.com/hashicorp/raft"
)

// AppendEntries sends an append and notes how far the member is. One that is no heartbeat
// waits for a member that does not answer.
func (g Guarded) AppendEntries(id raft.ServerID, to raft.ServerAddress, c *raft.AppendEntriesRequest, r *raft.AppendEntriesResponse) error {
	if !isHeartbeat(c) {
		if err := g.peers.await(id); err != nil {
			return err
		}
	}
	if err := g.Transport.AppendEntries(id, to, c, r); err != nil {
		g.peers.failed(id)
		return err
	}
	g.peers.answered(id, c, r)
	return nil
}

// InstallSnapshot sends a snapshot; the log behind it is kept meanwhile.
func (g Guarded) InstallSnapshot(id raft.ServerID, to raft.ServerAddress, c *raft.InstallSnapshotRequest, r *raft.InstallSnapshotResponse, data io.Reader) error {
	g.peers.install(id, c.LastLogIndex)
	err := g.Transport.InstallSnapshot(id, to, c, r, data)
	g.peers.installed(id, c.LastLogIndex, err == nil && r.Success)
	if err != nil {
		g.peers.failed(id)
	}
	return err
}
