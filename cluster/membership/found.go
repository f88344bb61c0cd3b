package membership

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"onsale/cluster/codes"
	"onsale/raftfsm"
	"onsale/raftfsm/peer"
)

func (m *Manager) setExpect(addresses []string) {
	sorted := slices.Clone(addresses)
	slices.Sort(sorted)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.expect = sorted
}

// tryJoin asks every address once.
func (m *Manager) tryJoin(ctx context.Context, addresses []string, expect int, learner bool) (done bool, err error) {
	var founders []probe
	for _, address := range addresses {
		if address == m.node.Address() {
			founders = append(founders, m.own())
			continue
		}
		there, asked := m.probe(ctx, address)
		switch {
		case asked != nil:
			err = fmt.Errorf("%s: %w", address, asked)
			continue
		case there.ClusterID == "":
			founders = append(founders, there)
			continue
		}
		if adopted, adoptErr := m.adoptFounded(&there); adopted {
			return adoptErr == nil, adoptErr
		}
		if err = m.joinAt(ctx, address, join{Learner: learner}); err == nil {
			return true, nil
		}
		if errors.Is(err, codes.ErrRefused) {
			return false, err
		}
	}
	if expect > 0 && len(founders) == expect {
		return m.found(founders)
	}
	return false, err
}

// adoptFounded takes part in a cluster that was made with this very node: it has no
// leader yet who could let the node in.
func (m *Manager) adoptFounded(there *probe) (adopted bool, err error) {
	own := m.self()
	if !slices.ContainsFunc(there.Bootstrap, func(b raftfsm.Member) bool { return b.ID == own.ID && b.Folder == own.Folder }) {
		return false, nil
	}
	id, err := peer.ParseClusterID(there.ClusterID)
	if err != nil {
		return false, err
	}
	return true, m.members.Adopt(id, there.Number, there.Bootstrap, false)
}

// found makes the cluster when this node is the one to do it: the one with the
// lowest id of all that are expected, who all expect the same.
func (m *Manager) found(founders []probe) (bool, error) {
	own := m.own()
	var members []raftfsm.Member
	for _, f := range founders {
		if !slices.Equal(f.Expect, own.Expect) {
			return false, fmt.Errorf("%w: %s expects %s, this node %s; give all the same --join", codes.ErrRequest, f.Node.ID, strings.Join(f.Expect, ","), strings.Join(own.Expect, ","))
		}
		f.Node.Voter = true
		members = append(members, f.Node)
	}
	slices.SortFunc(members, func(a, b raftfsm.Member) int { return strings.Compare(a.ID, b.ID) })
	for i := 1; i < len(members); i++ {
		if members[i].ID == members[i-1].ID {
			return false, fmt.Errorf("%w: two nodes are called %q; choose another --node-id", codes.ErrRefused, members[i].ID)
		}
	}
	if members[0].ID != own.Node.ID {
		return false, nil
	}
	// The node that makes the cluster stands first: after a crash it goes on.
	if err := m.members.Begin(members); err != nil {
		return false, err
	}
	m.config.Logger.Info("made a new cluster", "cluster", m.node.Identity().ClusterID, "voters", len(members))
	return true, nil
}
