package membership

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"onsale/cluster/codes"
	"onsale/cluster/forward"
	"onsale/raftfsm"
	"onsale/sequencer"
)

const (
	// leaderPatience is how long a step waits for a leader to be known: it outlasts an
	// election.
	leaderPatience = 2 * time.Second
	// stepTimeout bounds a step, once there is a leader.
	stepTimeout = 15 * time.Second
)

// Change makes a step that an operator asked for, here or at the leader. It returns when the
// step is committed, with what was done in one line. Errors of IsRefusal say why it was not,
// sequencer.ErrNoLeader that nobody can make one now.
func (m *Manager) Change(ctx context.Context, r *Request) (done string, err error) {
	if r.ID == "" && r.Step != "transfer" && r.Step != "finalize" {
		return "", fmt.Errorf("%w: %s needs the id of a node", codes.ErrRequest, r.Step)
	}
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	r.WasMember = indexOf(m.members.Recorded(), r.ID) >= 0
	if err := m.awaitLeader(ctx); err != nil {
		return "", err
	}
	if m.leads() {
		return m.changeHere(ctx, r)
	}
	return m.changeThere(ctx, r)
}

// changeThere asks the leader for a step.
func (m *Manager) changeThere(ctx context.Context, r *Request) (string, error) {
	body, err := forward.AskLeader(ctx, m.links, func(l *forward.Link) ([]byte, error) {
		return l.Control(ctx, verbChange, encode(r))
	})
	switch {
	case err != nil && ctx.Err() != nil && !IsRefusal(err) && !errors.Is(err, sequencer.ErrNoLeader):
		return "", fmt.Errorf("%w: the leader gave no answer in time: %w", sequencer.ErrOutcomeUnknown, err)
	case err != nil:
		return "", err
	}
	var answer changed
	return answer.Done, json.Unmarshal(body, &answer)
}

// awaitLeader returns when a leader is known. Without one it says how many voters answer:
// without a majority nothing can be changed, whoever is asked.
func (m *Manager) awaitLeader(ctx context.Context) error {
	for deadline := time.Now().Add(leaderPatience); ; {
		if m.leads() || m.node.Status().LeaderID != "" {
			return nil
		}
		if ctx.Err() != nil || time.Now().After(deadline) {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	voters, answering := 0, 0
	status := m.Status(ctx)
	for i := range status.Members {
		if status.Members[i].Voter {
			voters++
			if status.Members[i].Node != nil {
				answering++
			}
		}
	}
	if answering >= quorum(voters) {
		return fmt.Errorf("%w: an election is under way", sequencer.ErrNoLeader)
	}
	return fmt.Errorf("%w: %d of %d voters answer, and a step needs %d; start the others, or, when they are lost for good, see docs/recovery.md",
		sequencer.ErrNoLeader, answering, voters, quorum(voters))
}

// changeHere makes a step on this node, which must lead.
func (m *Manager) changeHere(ctx context.Context, r *Request) (done string, err error) {
	if err := m.node.Leader(); err != nil {
		return "", err
	}
	m.changing.Lock()
	defer m.changing.Unlock()
	switch r.Step {
	case "promote":
		return m.promoteNow(ctx, r.ID)
	case "demote", "remove":
		return m.take(ctx, r)
	case "transfer":
		return m.transfer(ctx, r.ID)
	case "finalize":
		return m.finalize(ctx, r)
	}
	return "", fmt.Errorf("%w: step %q, allowed are promote, demote, remove, transfer and finalize", codes.ErrRequest, r.Step)
}

// promoteNow gives a learner a vote before it was healthy long enough. One that is not
// healthy would raise the quorum and could not help to reach it.
func (m *Manager) promoteNow(ctx context.Context, id string) (done string, err error) {
	status := m.Status(ctx)
	is, err := status.member(id)
	switch {
	case err != nil:
		return "", err
	case is.Voter:
		return fmt.Sprintf("node %s has a vote already", id), nil
	case !is.Healthy:
		return "", fmt.Errorf("%w: node %s is not healthy, and its vote would count: %s", codes.ErrQuorumAtRisk, id, is.Reason)
	}
	if err := m.give(id); err != nil {
		return "", err
	}
	return fmt.Sprintf("node %s has a vote now", id), nil
}

// transfer hands the leadership to a voter that can take it over.
func (m *Manager) transfer(ctx context.Context, id string) (done string, err error) {
	own := m.node.Identity().NodeID
	if id != "" {
		status := m.Status(ctx)
		is, err := status.member(id)
		switch {
		case err != nil:
			return "", err
		case id == own:
			return "", fmt.Errorf("%w: node %s leads already", codes.ErrStep, id)
		case !is.Voter:
			return "", fmt.Errorf("%w: node %s has no vote; promote it first", codes.ErrStep, id)
		case is.Node == nil:
			return "", fmt.Errorf("%w: node %s does not answer: %s", codes.ErrStep, id, is.Reason)
		}
	}
	if err := m.members.Transfer(id); err != nil {
		return "", err
	}
	if id == "" {
		return fmt.Sprintf("node %s does not lead any more", own), nil
	}
	return fmt.Sprintf("node %s leads now", id), nil
}

// member returns a member's status; raftfsm.ErrNotMember.
func (c *ClusterStatus) member(id string) (*MemberStatus, error) {
	at := slices.IndexFunc(c.Members, func(m MemberStatus) bool { return m.ID == id })
	if at < 0 {
		return nil, notMember(id)
	}
	return &c.Members[at], nil
}

func notMember(id string) error {
	return fmt.Errorf("%w: %q; onsale cluster status lists them", raftfsm.ErrNotMember, id)
}

// give gives a learner a vote.
func (m *Manager) give(id string) error {
	return m.change(func(members []raftfsm.Member) (raftfsm.Change, error) {
		at := indexOf(members, id)
		switch {
		case at < 0:
			return raftfsm.Change{}, notMember(id)
		case members[at].Voter:
			return raftfsm.Change{}, nil
		}
		return raftfsm.Change{Kind: raftfsm.AddVoter, ID: id, Address: members[at].Address}, nil
	})
}

// take takes a node's vote, or the node. A leader is not taken away: it hands over
// first, and the next one does it.
func (m *Manager) take(ctx context.Context, r *Request) (done string, err error) {
	if r.ID == m.node.Identity().NodeID {
		if err := m.members.Transfer(""); err != nil {
			return "", fmt.Errorf("%w: the leader itself: %w", codes.ErrQuorumAtRisk, err)
		}
		return m.changeThere(ctx, r)
	}
	status := m.Status(ctx)
	is, err := status.member(r.ID)
	switch {
	case err != nil && r.WasMember && r.Step == "remove":
		return fmt.Sprintf("node %s is out of the cluster", r.ID), nil // asked for the second time
	case err != nil:
		return "", err
	case r.Step == "demote" && !is.Voter:
		return m.hold(ctx, is)
	}

	kind, done := raftfsm.Remove, fmt.Sprintf("node %s is out of the cluster", r.ID)
	if r.Step == "demote" {
		kind, done = raftfsm.Demote, fmt.Sprintf("node %s is a learner now", r.ID)
	}
	err = m.change(func(members []raftfsm.Member) (raftfsm.Change, error) {
		at := indexOf(members, r.ID)
		switch {
		case at < 0 && kind == raftfsm.Demote:
			return raftfsm.Change{}, notMember(r.ID)
		case at < 0, kind == raftfsm.Demote && !members[at].Voter:
			return raftfsm.Change{}, nil // done meanwhile
		case members[at].Voter && !r.Force:
			if err := safeWithout(&status, r.ID); err != nil {
				return raftfsm.Change{}, err
			}
		}
		return raftfsm.Change{Kind: kind, ID: r.ID}, nil
	})
	if err != nil {
		return "", err
	}
	m.forget(r.ID)
	return done, nil
}

// hold lets a learner stay one: it is told, and notes it, so that it does not ask for a vote
// again, whoever leads then and however often it is started.
func (m *Manager) hold(ctx context.Context, learner *MemberStatus) (done string, err error) {
	if err := m.question(ctx, learner.Member, verbWaive, new(struct{})); err != nil {
		return "", fmt.Errorf("%w: node %s is a learner, and cannot be told now to stay one: %w", codes.ErrStep, learner.ID, err)
	}
	m.forget(learner.ID)
	return fmt.Sprintf("node %s is a learner already, and stays one", learner.ID), nil
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
	if waiting == 0 || !m.leads() {
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
		case member.Voter, member.Node != nil && member.Node.StaysLearner:
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
