package membership

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"onsale/cluster/codes"
	"onsale/cluster/forward"
	"onsale/raftfsm"
)

// Change makes a step that an operator asked for, here or at the leader. It returns
// when the step is committed. codes.ErrQuorumAtRisk, raftfsm.ErrNotMember, codes.ErrRequest.
func (m *Manager) Change(ctx context.Context, r *Request) error {
	return m.atLeader(ctx, func() error { return m.changeHere(ctx, r) }, func(l *forward.Link) error {
		_, err := l.Control(ctx, verbChange, encode(r))
		return err
	})
}

// atLeader does something on this node while it leads, else at the node that does.
func (m *Manager) atLeader(ctx context.Context, here func() error, there func(*forward.Link) error) error {
	if m.node.Leads() {
		return here()
	}
	_, err := forward.AskLeader(ctx, m.links, func(l *forward.Link) (struct{}, error) { return struct{}{}, there(l) })
	return err
}

// changeHere makes a step on this node, which must lead.
func (m *Manager) changeHere(ctx context.Context, r *Request) error {
	if err := m.node.Leader(); err != nil {
		return err
	}
	m.changing.Lock()
	defer m.changing.Unlock()
	switch r.Step {
	case "promote":
		return m.give(r.ID)
	case "demote", "remove":
		return m.take(ctx, r)
	case "transfer":
		return m.members.Transfer(r.ID)
	}
	return fmt.Errorf("%w: step %q, allowed are promote, demote, remove and transfer", codes.ErrRequest, r.Step)
}

// give gives a learner a vote.
func (m *Manager) give(id string) error {
	return m.change(func(members []raftfsm.Member) (raftfsm.Change, error) {
		at := indexOf(members, id)
		switch {
		case at < 0:
			return raftfsm.Change{}, fmt.Errorf("%w: %q", raftfsm.ErrNotMember, id)
		case members[at].Voter:
			return raftfsm.Change{}, nil
		}
		return raftfsm.Change{Kind: raftfsm.AddVoter, ID: id, Address: members[at].Address}, nil
	})
}

// take takes a node's vote, or the node. A leader is not taken away: it hands over
// first, and the next one does it.
func (m *Manager) take(ctx context.Context, r *Request) error {
	if r.ID == m.node.Identity().NodeID {
		if err := m.members.Transfer(""); err != nil {
			return fmt.Errorf("%w: the leader itself: %w", codes.ErrQuorumAtRisk, err)
		}
		_, err := forward.AskLeader(ctx, m.links, func(l *forward.Link) (struct{}, error) {
			_, err := l.Control(ctx, verbChange, encode(r))
			return struct{}{}, err
		})
		return err
	}
	status := m.Status(ctx)
	kind := raftfsm.Remove
	if r.Step == "demote" {
		kind = raftfsm.Demote
	}
	err := m.change(func(members []raftfsm.Member) (raftfsm.Change, error) {
		at := indexOf(members, r.ID)
		switch {
		case at < 0 && kind == raftfsm.Demote:
			return raftfsm.Change{}, fmt.Errorf("%w: %q", raftfsm.ErrNotMember, r.ID)
		case at < 0, kind == raftfsm.Demote && !members[at].Voter:
			return raftfsm.Change{}, nil // done before
		case members[at].Voter && !r.Force:
			if err := safeWithout(&status, r.ID); err != nil {
				return raftfsm.Change{}, err
			}
		}
		return raftfsm.Change{Kind: kind, ID: r.ID}, nil
	})
	if err == nil {
		m.forget(r.ID)
	}
	return err
}

// safeWithout refuses to lose a voter when too few healthy ones would be left.
func safeWithout(status *ClusterStatus, id string) error {
	voters, healthy := 0, 0
	for i := range status.Members {
		if member := &status.Members[i]; member.Voter && member.ID != id {
			voters++
			if member.Healthy {
				healthy++
			}
		}
	}
	if voters == 0 || healthy < quorum(voters) {
		return fmt.Errorf("%w: without %s there are %d voters, of which %d are healthy; %d are needed", codes.ErrQuorumAtRisk, id, voters, healthy, quorum(max(1, voters)))
	}
	return nil
}

// changeAttemptsMax bounds how often a change is decided again because the
// membership changed meanwhile.
const changeAttemptsMax = 20

// change makes one change, deciding again when the membership moves.
func (m *Manager) change(decide func([]raftfsm.Member) (raftfsm.Change, error)) (err error) {
	for range changeAttemptsMax {
		if err = m.members.Change(decide); !errors.Is(err, raftfsm.ErrMembershipMoved) {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
	return err
}

func indexOf(members []raftfsm.Member, id string) int {
	return slices.IndexFunc(members, func(m raftfsm.Member) bool { return m.ID == id })
}

// forget takes a node off the list of those that wait for a vote.
func (m *Manager) forget(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.candidates, id)
}

// promoteInterval is how often the leader looks at the learners that want a vote.
const promoteInterval = 200 * time.Millisecond

// promote gives learners that want a vote theirs, when they were healthy long
// enough.
func (m *Manager) promote() {
	ticker := time.NewTicker(promoteInterval)
	defer ticker.Stop()
	for {
		select {
		case <-m.stop.Done():
			return
		case <-ticker.C:
		}
		if ready := m.readyForVote(); ready != "" {
			m.changing.Lock()
			err := m.give(ready)
			m.changing.Unlock()
			if err == nil {
				m.forget(ready)
				m.config.Logger.Info("a learner was healthy long enough and has a vote now", "node", ready)
			} else {
				m.config.Logger.Warn("could not give a learner its vote", "node", ready, "error", err)
			}
		}
	}
}

// readyForVote returns one learner that was healthy long enough, or "".
func (m *Manager) readyForVote() string {
	m.mu.Lock()
	waiting := len(m.candidates)
	m.mu.Unlock()
	if waiting == 0 || !m.node.Leads() {
		return ""
	}
	status := m.Status(m.stop)
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range status.Members {
		member := &status.Members[i]
		c := m.candidates[member.ID]
		switch {
		case c == nil:
		case member.Voter:
			delete(m.candidates, member.ID)
		case !member.Healthy:
			c.healthySince = time.Time{}
		case c.healthySince.IsZero():
			c.healthySince = time.Now()
		case time.Since(c.healthySince) >= m.config.StableTime:
			return member.ID
		}
	}
	return ""
}
