package raftfsm

import (
	"errors"
	"fmt"
	"slices"
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
	// ErrMembershipMoved is returned when a change was not made and the membership is
	// another one than it was decided on: look again, and decide again.
	ErrMembershipMoved = errors.New("the membership changed meanwhile")
	// ErrBelongs is returned when a node belongs to a cluster already.
	ErrBelongs = errors.New("the node belongs to a cluster already")
	// ErrRemoved is returned when the cluster has removed this node: what it has is not
	// current any more, and it is let in again with an empty folder alone.
	ErrRemoved = errors.New("this node was removed from its cluster")
	// ErrImpossible is returned when a change makes no sense: no voter would be left.
	ErrImpossible = errors.New("the membership cannot be changed so")
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

	// changing is held from the look at the members until their change is committed.
	// raft could refuse a change of another membership than the one that was looked at,
	// by its index, but GetConfiguration of raft v1.8.0 does not tell the index.
	// It is a place in a channel, since a change waits for a majority.
	changing chan struct{} // capacity 1

	heard heardAddresses
}

// List returns the latest membership that this node knows, with the addresses at which it
// reaches the members: those of the membership, unless Readdress or the member itself has
// said others.
func (m *Membership) List() []Member {
	members := m.Recorded()
	for i := range members {
		members[i].Address = m.reached(members[i])
	}
	return members
}

// reached returns where a member of the log is reached.
func (m *Membership) reached(member Member) string {
	if address, is := m.heard.of(member); is {
		return address
	}
	is := m.owner.Identity()
	return is.Reached(member)
}

// Recorded returns the latest membership that this node knows, as the log has it.
func (m *Membership) Recorded() []Member {
	future := m.raft.GetConfiguration()
	if future.Error() != nil {
		return nil
	}
	return membersOf(future.Configuration())
}

// at returns the member that the log has at an address, with the address at which it is
// reached; one without an id when there is none.
func (m *Membership) at(address raft.ServerAddress) Member {
	for _, member := range m.Recorded() {
		if member.Address == string(address) {
			member.Address = m.reached(member)
			return member
		}
	}
	return Member{Address: string(address)}
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

// Change looks at the membership and proposes the change that decide returns; one change
// at a time, so decide must not wait for another one. It returns when the change is
// committed. *sequencer.NotLeaderError when this node does not lead, ErrMembershipMoved,
// ErrOutcomeUnknown.
func (m *Membership) Change(decide func([]Member) (Change, error)) error {
	m.changing <- struct{}{}
	defer func() { <-m.changing }()
	if !m.leadership.leads() {
		return m.leadership.notLeader()
	}

	members := m.Recorded()
	change, err := decide(slices.Clone(members))
	if err != nil || change.Kind == NoChange {
		return err
	}
	return m.explain(m.propose(change).Error(), members)
}

func (m *Membership) propose(change Change) raft.IndexFuture {
	id, address := raft.ServerID(change.ID), raft.ServerAddress(change.Address)
	switch change.Kind {
	case AddLearner:
		return m.raft.AddNonvoter(id, address, 0, membershipTimeout)
	case AddVoter:
		return m.raft.AddVoter(id, address, 0, membershipTimeout)
	case Demote:
		return m.raft.DemoteVoter(id, 0, membershipTimeout)
	case Remove:
		return m.raft.RemoveServer(id, 0, membershipTimeout)
	}
	panic(fmt.Sprintf("raftfsm: change of membership of kind %d", change.Kind))
}

// explain turns raft's error into what the sender must do; before is what the change was
// decided on.
func (m *Membership) explain(err error, before []Member) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, raft.ErrNotLeader), errors.Is(err, raft.ErrLeadershipTransferInProgress):
		return m.leadership.notLeader()
	case errors.Is(err, raft.ErrEnqueueTimeout):
		return fmt.Errorf("%w: %w", sequencer.ErrOverloaded, err)
	case errors.Is(err, raft.ErrLeadershipLost), errors.Is(err, raft.ErrRaftShutdown):
		return fmt.Errorf("%w: %w", sequencer.ErrOutcomeUnknown, err)
	case !slices.Equal(m.Recorded(), before):
		return fmt.Errorf("%w: %w", ErrMembershipMoved, err)
	}
	return fmt.Errorf("%w: %w", ErrImpossible, err)
}

// Confirm returns when the membership that this node knew when it was called is that of a
// majority: a leader that was deposed without knowing it knows an old one, and a change
// that is not committed may never be. *sequencer.NotLeaderError when it cannot say.
func (m *Membership) Confirm() error {
	committed := make(chan error, 1)
	go func() { committed <- m.raft.Barrier(barrierTimeout).Error() }() // which raft may never answer
	select {
	case err := <-committed:
		if err != nil || !m.leadership.leads() {
			return m.leadership.notLeader()
		}
		return nil
	case <-time.After(barrierTimeout):
		return m.leadership.notLeader()
	}
}

// Begin makes a cluster of this node and others, which have to adopt it.
// What if we die here? The folder says with which members the cluster is made, and
// the next start goes on.
func (m *Membership) Begin(members []Member) error {
	id := m.config.Cluster
	if id == (peer.ClusterID{}) {
		id = folder.NewClusterID()
	}
	if err := m.adopt(id, m.config.ClusterNumber, members, false); err != nil {
		return err
	}
	return m.bootstrap(members)
}

// Adopt makes this node belong to a cluster that it was let into; awaitsVote says that it
// is a learner there and wants a vote. It will hear of the log from the leader.
func (m *Membership) Adopt(id peer.ClusterID, number uint8, bootstrap []Member, awaitsVote bool) error {
	return m.adopt(id, number, bootstrap, awaitsVote)
}

// AwaitVote notes whether this node wants a vote that it does not have. It is durable on
// return, so that an operator's word outlasts a restart.
func (m *Membership) AwaitVote(wanted bool) error {
	if m.owner.Identity().AwaitsVote == wanted {
		return nil
	}
	return m.owner.Change(func(i *folder.Identity) { i.AwaitsVote = wanted })
}

// Leave notes that the cluster has removed this node: it does not start any more. What if
// we die before? The next start asks the cluster again, and is told again.
func (m *Membership) Leave() error {
	return m.owner.Change(func(i *folder.Identity) { i.Removed = true })
}

// checkRemoved refuses the folder of a node that was removed.
func checkRemoved(is *folder.Identity, dir string) error {
	if is.Removed {
		return fmt.Errorf("%w: its data in %s is not current any more; put that folder aside, and the node joins as a new one",
			ErrRemoved, dir)
	}
	return nil
}

func (m *Membership) adopt(id peer.ClusterID, number uint8, members []Member, awaitsVote bool) error {
	if own, _ := m.owner.Cluster(); own != (peer.ClusterID{}) {
		if own == id {
			return nil
		}
		return fmt.Errorf("%w: %v, not %v", ErrBelongs, own, id)
	}
	return m.owner.Change(func(i *folder.Identity) {
		i.ClusterID, i.ClusterNumber, i.Bootstrap, i.AwaitsVote = id.String(), number, members, awaitsVote
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
