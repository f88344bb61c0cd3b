package raftfsm

import (
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"

	"onsale/raftfsm/folder"
	"onsale/raftfsm/peer"
	"onsale/sequencer"
)

// Errors of changing the membership.
var (
	// ErrNotMember is returned when a node is not a member.
	ErrNotMember = errors.New("not a member of the cluster")
	// ErrMembershipMoved is returned when the membership changed meanwhile, or
	// the last change is not committed yet: look again, and decide again.
	ErrMembershipMoved = errors.New("the membership changed meanwhile")
	// ErrBelongs is returned when a node belongs to a cluster already.
	ErrBelongs = errors.New("the node belongs to a cluster already")
)

// membershipTimeout bounds a change of the membership.
const membershipTimeout = 10 * time.Second

// Membership is who belongs to the cluster, as this node's raft knows it, and how that
// is changed. All methods are safe for concurrent use; raft keeps the members.
type Membership struct {
	config     *Config
	raft       *raft.Raft
	owner      *folder.Owner
	leadership *leadership
}

// List returns the latest membership that this node knows.
func (m *Membership) List() []Member {
	members, _ := m.latest()
	return members
}

// latest returns the members and the index of the entry that made them so.
func (m *Membership) latest() ([]Member, uint64) {
	future := m.raft.GetConfiguration()
	if future.Error() != nil {
		return nil, 0
	}
	var members []Member
	for _, s := range future.Configuration().Servers {
		members = append(members, Member{ID: string(s.ID), Address: string(s.Address), Voter: s.Suffrage == raft.Voter})
	}
	return members, future.Index()
}

// at returns the id of the member at an address; "" when there is none.
func (m *Membership) at(address raft.ServerAddress) string {
	for _, member := range m.List() {
		if member.Address == string(address) {
			return member.ID
		}
	}
	return ""
}

// addressOf returns where a member is; "" when it is none.
func (m *Membership) addressOf(id string) string {
	for _, member := range m.List() {
		if member.ID == id {
			return member.Address
		}
	}
	return ""
}

// Change looks at the membership and proposes the change that decide
// returns, unless the membership changed meanwhile (ErrMembershipMoved). It
// returns when the change is committed. *sequencer.NotLeaderError when this node
// does not lead.
func (m *Membership) Change(decide func([]Member) (Change, error)) error {
	if !m.leadership.leads() {
		return m.leadership.notLeader()
	}
	members, index := m.latest()
	change, err := decide(members)
	if err != nil || change.Kind == NoChange {
		return err
	}
	id, address := raft.ServerID(change.ID), raft.ServerAddress(change.Address)
	var future raft.IndexFuture
	switch change.Kind {
	case AddLearner:
		future = m.raft.AddNonvoter(id, address, index, membershipTimeout)
	case AddVoter:
		future = m.raft.AddVoter(id, address, index, membershipTimeout)
	case Demote:
		future = m.raft.DemoteVoter(id, index, membershipTimeout)
	case Remove:
		future = m.raft.RemoveServer(id, index, membershipTimeout)
	default:
		panic(fmt.Sprintf("raftfsm: change of membership of kind %d", change.Kind))
	}
	return m.explain(future.Error(), index)
}

func (m *Membership) explain(err error, index uint64) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, raft.ErrNotLeader), errors.Is(err, raft.ErrLeadershipTransferInProgress):
		return m.leadership.notLeader()
	case errors.Is(err, raft.ErrLeadershipLost), errors.Is(err, raft.ErrRaftShutdown):
		return fmt.Errorf("%w: %w", sequencer.ErrOutcomeUnknown, err)
	}
	if _, now := m.latest(); now != index {
		return fmt.Errorf("%w: %w", ErrMembershipMoved, err)
	}
	return err
}

// Begin makes a cluster of this node and others, which have to adopt it.
// What if we die here? The folder says with which members the cluster is made, and
// the next start goes on.
func (m *Membership) Begin(members []Member) error {
	id := m.config.Cluster
	if id == (peer.ClusterID{}) {
		id = folder.NewClusterID()
	}
	if err := m.adopt(id, m.config.ClusterNumber, members); err != nil {
		return err
	}
	return m.bootstrap(members)
}

// Adopt makes this node belong to a cluster that it was let into. It will
// hear of the log from the leader.
func (m *Membership) Adopt(id peer.ClusterID, number uint8, bootstrap []Member) error {
	return m.adopt(id, number, bootstrap)
}

func (m *Membership) adopt(id peer.ClusterID, number uint8, members []Member) error {
	if own, _ := m.owner.Cluster(); own != (peer.ClusterID{}) {
		if own == id {
			return nil
		}
		return fmt.Errorf("%w: %v, not %v", ErrBelongs, own, id)
	}
	return m.owner.Change(func(i *folder.Identity) {
		i.ClusterID, i.ClusterNumber, i.Bootstrap = id.String(), number, members
	})
}

// bootstrap writes the first membership into raft's log. A leader that the other
// founders elected meanwhile may have been here first: then its log has that membership.
func (m *Membership) bootstrap(members []Member) error {
	var c raft.Configuration
	for _, member := range members {
		c.Servers = append(c.Servers, raft.Server{ID: raft.ServerID(member.ID), Address: raft.ServerAddress(member.Address)})
	}
	if err := m.raft.BootstrapCluster(c).Error(); err != nil && !errors.Is(err, raft.ErrCantBootstrap) {
		return fmt.Errorf("bootstrap: %w", err)
	}
	return m.owner.MarkStarted()
}

// ChangeKind is one step of membership.
type ChangeKind uint8

// The steps. One node changes at a time (Ongaro 2014, section 4.1).
const (
	NoChange   ChangeKind = 0
	AddLearner ChangeKind = 1 // a member that gets the log and has no vote
	AddVoter   ChangeKind = 2 // or a learner that gets a vote, or a new address
	Demote     ChangeKind = 3 // a voter that becomes a learner
	Remove     ChangeKind = 4
)

// Change is a step for one node.
type Change struct {
	Kind    ChangeKind
	ID      string
	Address string
}
