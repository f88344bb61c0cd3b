package membership

import (
	"context"
	"time"

	"onsale/raftfsm"
	"onsale/raftfsm/folder"
	"onsale/raftfsm/peer"
	"onsale/sequencer"
)

// Node is the replica that a manager looks after (raftfsm.Node).
type Node interface {
	// Leader returns nil when this node takes requests, else who does.
	Leader() error
	Identity() folder.Identity
	Address() string
	Status() raftfsm.Status
	Candidate
	Storage
}

// Candidate is what that replica knows of who should lead (raftfsm.Node).
type Candidate interface {
	// HearLeader takes in what the leader's status says of how far it is.
	HearLeader(commitIndex, seq uint64)
	// Fitness says how fit this node is to lead; try tries its disk.
	Fitness(try bool) raftfsm.Fitness
	// MeetOthers lets it ask the other voters the same.
	MeetOthers(ask func(ctx context.Context, try bool) []raftfsm.Fitness)
}

// Storage is that replica's disk, and the buys that depend on it (raftfsm.Node).
type Storage interface {
	Disk() (raftfsm.Disk, error)
	// HoldBuys refuses buys with an error while this node leads; nil takes them again.
	// BuysHeld returns since when they are refused, and why.
	HoldBuys(why error)
	BuysHeld() (since time.Time, why error)
}

// Log is the way into that replica's log (raftfsm.Node).
type Log interface {
	// Decide gives a command its place in the order and returns its decision.
	Decide(c *sequencer.Command) (sequencer.Result, error)
}

// Members is who belongs to the cluster, as that replica knows it (raftfsm.Membership).
type Members interface {
	// List has the addresses at which members are reached, Recorded those of the log.
	List() []raftfsm.Member
	Recorded() []raftfsm.Member
	// Confirm returns nil when what Recorded last returned is a majority's membership.
	Confirm() error
	// Change makes one change of the membership, or none.
	Change(decide func([]raftfsm.Member) (raftfsm.Change, error)) error
	// Transfer hands the leadership to a voter; "" takes the one that is furthest.
	Transfer(id string) error
	Enrolment
}

// Enrolment is how that replica becomes a member and ceases to be one (raftfsm.Membership).
type Enrolment interface {
	// Begin makes a cluster of the members, when there is none.
	Begin(members []raftfsm.Member) error
	// Adopt takes part in a cluster; awaitsVote says that this node wants a vote there.
	Adopt(id peer.ClusterID, number uint8, bootstrap []raftfsm.Member, awaitsVote bool) error
	// AwaitVote notes durably whether this node wants a vote that it does not have.
	AwaitVote(wanted bool) error
	// Leave notes durably that this node was removed.
	Leave() error
}

// Checks are how that replica compares itself with the others (raftfsm.Checks).
type Checks interface {
	SameHistory(height uint64, hash string) (bool, error)
	Newest() []raftfsm.Checkpoint
	Reached() <-chan struct{}
	Propose(told map[string][]raftfsm.Checkpoint, after uint64) uint64
}
