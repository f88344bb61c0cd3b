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

// Members returns the latest membership that this node knows.
func (n *Node) Members() []Member {
	members, _ := n.membership()
	return members
}

// membership returns the members and the index of the entry that made them so.
func (n *Node) membership() ([]Member, uint64) {
	future := n.raft.GetConfiguration()
	if future.Error() != nil {
		return nil, 0
	}
	var members []Member
	for _, s := range future.Configuration().Servers {
		members = append(members, Member{ID: string(s.ID), Address: string(s.Address), Voter: s.Suffrage == raft.Voter})
	}
	return members, future.Index()
}

// memberAt returns the id of the member at an address; "" when there is none.
func (n *Node) memberAt(address raft.ServerAddress) string {
	for _, m := range n.Members() {
		if m.Address == string(address) {
			return m.ID
		}
	}
	return ""
}

// ChangeMembers looks at the membership and proposes the change that decide
// returns, unless the membership changed meanwhile (ErrMembershipMoved). It
// returns when the change is committed. *sequencer.NotLeaderError when this node
// does not lead.
func (n *Node) ChangeMembers(decide func([]Member) (Change, error)) error {
	if !n.Leads() {
		return n.notLeader()
	}
	members, index := n.membership()
	change, err := decide(members)
	if err != nil || change.Kind == NoChange {
		return err
	}
	id, address := raft.ServerID(change.ID), raft.ServerAddress(change.Address)
	var future raft.IndexFuture
	switch change.Kind {
	case AddLearner:
		future = n.raft.AddNonvoter(id, address, index, membershipTimeout)
	case AddVoter:
		future = n.raft.AddVoter(id, address, index, membershipTimeout)
	case Demote:
		future = n.raft.DemoteVoter(id, index, membershipTimeout)
	case Remove:
		future = n.raft.RemoveServer(id, index, membershipTimeout)
	default:
		panic(fmt.Sprintf("raftfsm: change of membership of kind %d", change.Kind))
	}
	return n.explainChange(future.Error(), index)
}

func (n *Node) explainChange(err error, index uint64) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, raft.ErrNotLeader), errors.Is(err, raft.ErrLeadershipTransferInProgress):
		return n.notLeader()
	case errors.Is(err, raft.ErrLeadershipLost), errors.Is(err, raft.ErrRaftShutdown):
		return fmt.Errorf("%w: %w", sequencer.ErrOutcomeUnknown, err)
	}
	if _, now := n.membership(); now != index {
		return fmt.Errorf("%w: %w", ErrMembershipMoved, err)
	}
	return err
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

// transferWait bounds how long a transfer of leadership may take.
const transferWait = 5 * time.Second

// TransferLeadership hands the leadership to a voter; "" takes the one that is
// furthest. It returns when this node does not lead any more.
func (n *Node) TransferLeadership(id string) error {
	if !n.Leads() {
		return n.notLeader()
	}
	future := n.raft.LeadershipTransfer
	if id != "" {
		address, err := n.voterAddress(id)
		if err != nil {
			return err
		}
		future = func() raft.Future { return n.raft.LeadershipTransferToServer(raft.ServerID(id), address) }
	}
	if err := future().Error(); err != nil {
		return fmt.Errorf("transfer of leadership: %w", err)
	}
	return n.untilFollowing()
}

// untilFollowing waits until somebody else leads.
func (n *Node) untilFollowing() error {
	for deadline := time.Now().Add(transferWait); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if _, id := n.raft.LeaderWithID(); id != "" && string(id) != n.config.NodeID && !n.Leads() {
			return nil
		}
	}
	return fmt.Errorf("transfer of leadership: nobody else leads after %v", transferWait)
}

func (n *Node) voterAddress(id string) (raft.ServerAddress, error) {
	for _, m := range n.Members() {
		if m.ID == id && m.Voter {
			return raft.ServerAddress(m.Address), nil
		}
	}
	return "", fmt.Errorf("%w: %q has no vote", ErrNotMember, id)
}

// Identity returns whose data folder this node runs on.
func (n *Node) Identity() folder.Identity { return n.data.Owner.Identity() }

// BeginCluster makes a cluster of this node and others, which have to adopt it.
// What if we die here? The folder says with which members the cluster is made, and
// the next start goes on.
func (n *Node) BeginCluster(members []Member) error {
	id := n.config.Cluster
	if id == (peer.ClusterID{}) {
		id = folder.NewClusterID()
	}
	if err := n.adopt(id, n.config.ClusterNumber, members); err != nil {
		return err
	}
	return n.bootstrap(members)
}

// AdoptCluster makes this node belong to a cluster that it was let into. It will
// hear of the log from the leader.
func (n *Node) AdoptCluster(id peer.ClusterID, number uint8, bootstrap []Member) error {
	return n.adopt(id, number, bootstrap)
}

func (n *Node) adopt(id peer.ClusterID, number uint8, members []Member) error {
	if own, _ := n.data.Owner.Cluster(); own != (peer.ClusterID{}) {
		if own == id {
			return nil
		}
		return fmt.Errorf("%w: %v, not %v", ErrBelongs, own, id)
	}
	return n.data.Owner.Change(func(i *folder.Identity) {
		i.ClusterID, i.ClusterNumber, i.Bootstrap = id.String(), number, members
	})
}

// bootstrap writes the first membership into raft's log. A leader that the other
// founders elected meanwhile may have been here first: then its log has that membership.
func (n *Node) bootstrap(members []Member) error {
	var c raft.Configuration
	for _, m := range members {
		c.Servers = append(c.Servers, raft.Server{ID: raft.ServerID(m.ID), Address: raft.ServerAddress(m.Address)})
	}
	if err := n.raft.BootstrapCluster(c).Error(); err != nil && !errors.Is(err, raft.ErrCantBootstrap) {
		return fmt.Errorf("bootstrap: %w", err)
	}
	return n.data.Owner.MarkStarted()
}
