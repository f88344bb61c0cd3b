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
}

// Members is who belongs to the cluster, as that replica knows it (raftfsm.Membership).
type Members interface {
	List() []raftfsm.Member
	// Change makes one change of the membership, or none.
	Change(decide func([]raftfsm.Member) (raftfsm.Change, error)) error
	// Transfer hands the leadership to a voter; "" takes the one that is furthest.
	Transfer(id string) error
	Begin(members []raftfsm.Member) error
	Adopt(id peer.ClusterID, number uint8, bootstrap []raftfsm.Member) error
}

// Checks are how that replica compares itself with the others (raftfsm.Checks).
type Checks interface {
	SameHistory(height uint64, hash string) (bool, error)
	Newest() []raftfsm.Checkpoint
	Reached() <-chan struct{}
	Propose(told map[string][]raftfsm.Checkpoint, after uint64) uint64
}
