package membership

import (
	"onsale/raftfsm"
	"onsale/raftfsm/folder"
	"onsale/raftfsm/peer"
)

// Node is the replica that a manager looks after (raftfsm.Node).
type Node interface {
	Leads() bool
	// Leader returns nil when this node takes requests, else who does.
	Leader() error
	Identity() folder.Identity
	Address() string
	Status() raftfsm.Status
	Disk() (free, size int64, err error)

	// ChangeMembers makes one change of the membership, or none.
	ChangeMembers(decide func([]raftfsm.Member) (raftfsm.Change, error)) error
	Members() []raftfsm.Member
	TransferLeadership(id string) error
	BeginCluster(members []raftfsm.Member) error
	AdoptCluster(id peer.ClusterID, number uint8, bootstrap []raftfsm.Member) error

	SameHistory(height uint64, hash string) (bool, error)
	Checkpoints() []raftfsm.Checkpoint
	CheckpointReached() <-chan struct{}
	ProposeCheck(told map[string][]raftfsm.Checkpoint, after uint64) uint64
}
