package membership

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"onsale/cluster/codes"
	"onsale/cluster/forward"
	"onsale/internal/failpoint"
	"onsale/raftfsm"
	"onsale/raftfsm/peer"
)

// own is what this node says of itself before there is a cluster.
func (m *Manager) own() probe {
	is := m.node.Identity()
	m.mu.Lock()
	defer m.mu.Unlock()
	return probe{Node: m.self(), ClusterID: is.ClusterID, Number: is.ClusterNumber, Expect: m.expect, Bootstrap: is.Bootstrap}
}

func (m *Manager) self() raftfsm.Member {
	is := m.node.Identity()
	return raftfsm.Member{ID: is.NodeID, Address: m.node.Address(), Folder: is.Folder}
}

// admit lets a node in as a learner. Any other node than the leader answers who
// leads: the joining node asks there itself, so that its certificate speaks for it.
// It may be asked again and again.
func (m *Manager) admit(ctx context.Context, j *join) (joined, error) {
	if err := m.node.Leader(); err != nil {
		return joined{}, err
	}
	return m.admitHere(ctx, j)
}

func (m *Manager) admitHere(ctx context.Context, j *join) (joined, error) {
	if j.Node.ID == "" || j.Node.Address == "" {
		return joined{}, fmt.Errorf("%w: a node joins with its id and its address", codes.ErrRequest)
	}
	m.changing.Lock()
	defer m.changing.Unlock()
	is := m.node.Identity()
	answer := joined{ClusterID: is.ClusterID, Number: is.ClusterNumber, Bootstrap: is.Bootstrap}
	err := m.change(func(members []raftfsm.Member) (raftfsm.Change, error) {
		at := indexOf(members, j.Node.ID)
		if taken := slices.IndexFunc(members, func(o raftfsm.Member) bool { return o.Address == j.Node.Address && o.ID != j.Node.ID }); taken >= 0 {
			return raftfsm.Change{}, fmt.Errorf("%w: its address %s is that of member %q; remove that one first (onsale cluster remove)", codes.ErrRefused, j.Node.Address, members[taken].ID)
		}
		if at < 0 && j.Member {
			return raftfsm.Change{}, m.removed(j.Node.ID)
		}
		if at < 0 {
			return raftfsm.Change{Kind: raftfsm.AddLearner, ID: j.Node.ID, Address: j.Node.Address}, nil
		}
		answer.Voter = members[at].Voter
		return m.readmit(ctx, &members[at], j, is.Bootstrap)
	})
	if err != nil {
		return joined{}, err
	}
	failpoint.Hit(failpoint.JoinAdmit)
	if !answer.Voter && !j.Learner {
		m.mu.Lock()
		if m.candidates[j.Node.ID] == nil {
			m.candidates[j.Node.ID] = new(candidate)
		}
		m.mu.Unlock()
	}
	return answer, nil
}

// removed says that a node is no member any more, when that is sure.
func (m *Manager) removed(id string) error {
	if err := m.members.Confirm(); err != nil {
		return err
	}
	return fmt.Errorf("%w: %w: %q was removed", codes.ErrRemoved, codes.ErrRefused, id)
}

// readmit decides about a node that is a member already: it must be the same one.
// A voter with an empty data folder has forgotten its votes and could vote twice.
func (m *Manager) readmit(ctx context.Context, member *raftfsm.Member, j *join, bootstrap []raftfsm.Member) (raftfsm.Change, error) {
	founder := slices.ContainsFunc(bootstrap, func(b raftfsm.Member) bool { return b.ID == j.Node.ID && b.Folder == j.Node.Folder })
	if member.Voter && !j.Started && !founder {
		return raftfsm.Change{}, fmt.Errorf("%w: %q is a voter of this cluster, and this data folder is empty; remove the lost one first (onsale cluster remove %s), then start again",
			codes.ErrRefused, member.ID, member.ID)
	}
	if member.Address == j.Node.Address {
		return raftfsm.Change{}, nil
	}
	if other, _ := m.there(ctx, *member); other != nil && j.Node.ID != m.node.Identity().NodeID {
		return raftfsm.Change{}, fmt.Errorf("%w: another node runs as %q at %s; choose another --node-id", codes.ErrRefused, member.ID, member.Address)
	}
	m.config.Logger.Info("a member is at another address now", "node", member.ID, "before", member.Address, "now", j.Node.Address)
	if member.Voter {
		return raftfsm.Change{Kind: raftfsm.AddVoter, ID: member.ID, Address: j.Node.Address}, nil
	}
	return raftfsm.Change{Kind: raftfsm.AddLearner, ID: member.ID, Address: j.Node.Address}, nil
}

// joinInterval is how often a node that waits for its cluster tries.
const joinInterval = 200 * time.Millisecond

// Join brings this node into the cluster of the nodes at some addresses. It returns
// when the node is a member. expect above 0 also makes the cluster, with that many nodes, when none has
// one yet. A node that is a member already returns at once. codes.ErrRefused, or ctx's
// error.
func (m *Manager) Join(ctx context.Context, addresses []string, expect int, learner bool) error {
	is := m.node.Identity()
	if is.ClusterID != "" && is.Started {
		return nil
	}
	if expect > 0 {
		m.setExpect(addresses)
	}
	var told string
	for {
		done, err := m.tryJoin(ctx, addresses, expect, learner)
		if err != nil && errors.Is(err, codes.ErrRefused) {
			return err
		}
		if done {
			return nil
		}
		if err != nil && err.Error() != told {
			told = err.Error()
			m.config.Logger.Info("not in a cluster yet", "error", err)
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(joinInterval):
		}
	}
}

// joinPatience is how long an operator's join tries: nodes that are starting are waited
// for, ones that are not there are not.
const joinPatience = 10 * time.Second

// JoinNow brings this node, which waits for its cluster, into the one that an operator names,
// and returns what was done in one line. Errors of IsRefusal say why it was not.
func (m *Manager) JoinNow(ctx context.Context, addresses []string, learner bool) (done string, err error) {
	if len(addresses) == 0 {
		return "", fmt.Errorf("%w: join needs the address of a node of the cluster", codes.ErrRequest)
	}
	for _, address := range addresses {
		if _, _, err := net.SplitHostPort(address); err != nil {
			return "", fmt.Errorf("%w: the address %q, expected is HOST:PORT", codes.ErrRequest, address)
		}
	}
	is := m.node.Identity()
	if is.ClusterID != "" {
		return "", fmt.Errorf("%w: node %s, to %s", raftfsm.ErrBelongs, is.NodeID, is.ClusterID)
	}

	ctx, cancel := context.WithTimeout(ctx, joinPatience)
	defer cancel()
	if err := m.Join(ctx, addresses, 0, learner); err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("%w: node %s was not let in within %v: %w", codes.ErrStep, is.NodeID, joinPatience, err)
		}
		return "", err
	}
	if learner {
		return fmt.Sprintf("node %s is a learner of the cluster, for good", is.NodeID), nil
	}
	return fmt.Sprintf("node %s is in the cluster, and gets its vote when it was healthy for a while", is.NodeID), nil
}

func (m *Manager) dial(ctx context.Context, address string) (*forward.Link, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	return m.links.To(ctx, "", address)
}

func (m *Manager) probe(ctx context.Context, address string) (p probe, err error) {
	link, err := m.dial(ctx, address)
	if err != nil {
		return p, err
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	body, err := link.Control(ctx, verbProbe, []byte("{}"))
	if err == nil {
		err = json.Unmarshal(body, &p)
	}
	return p, err
}

// joinTimeout bounds one question to be let in.
const joinTimeout = 3 * askTimeout

// joinAt asks the node at an address, and whom it names as the leader.
func (m *Manager) joinAt(ctx context.Context, address string, j join) error {
	return m.adopt(ctx, j, func(ctx context.Context, ask joinQuestion) ([]byte, error) {
		return forward.AskAt(ctx, m.links, address, ask)
	})
}

type joinQuestion = func(*forward.Link) ([]byte, error)

// adopt asks to be let in and takes part in the cluster that does.
func (m *Manager) adopt(ctx context.Context, j join, bring func(context.Context, joinQuestion) ([]byte, error)) error {
	ctx, cancel := context.WithTimeout(ctx, joinTimeout)
	defer cancel()
	is := m.node.Identity()
	j.Node, j.Started = m.self(), is.Started || j.Member && is.ClusterID != ""
	question := encode(&j)
	body, err := bring(ctx, func(l *forward.Link) ([]byte, error) { return l.Control(ctx, verbJoin, question) })
	switch {
	case errors.Is(err, codes.ErrRefused), errors.Is(err, codes.ErrRemoved):
		return err
	case errors.Is(err, codes.ErrRejected) || IsRefusal(err):
		return fmt.Errorf("%w: %w", codes.ErrRefused, err)
	case err != nil:
		return err
	}

	var in joined
	if err := json.Unmarshal(body, &in); err != nil {
		return err
	}
	id, err := peer.ParseClusterID(in.ClusterID)
	if err != nil {
		return err
	}
	failpoint.Hit(failpoint.JoinAdopt)
	return m.members.Adopt(id, in.Number, in.Bootstrap, !in.Voter && !j.Learner)
}
