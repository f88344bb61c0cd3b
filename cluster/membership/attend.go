package membership

import (
	"context"
	"errors"
	"time"

	"onsale/cluster/codes"
	"onsale/cluster/forward"
	"onsale/raftfsm"
)

// attendInterval is how often a node looks at what it is in its cluster.
const attendInterval = time.Second

// attend looks after this node's own membership until the manager closes: it asks the
// leader to note where the node is now, reminds it of the vote that the node waits for, and
// ends the process when the node was removed. Nobody else can do it: a node that moved is
// not found, and one that was removed is not told.
func (m *Manager) attend() {
	told := ""
	for {
		select {
		case <-m.stop.Done():
			return
		case <-time.After(attendInterval):
		}

		err := m.attendOnce()
		switch {
		case errors.Is(err, codes.ErrRemoved):
			m.config.Removed(errors.Join(raftfsm.ErrRemoved, m.members.Leave()))
			return
		case err == nil:
			told = ""
		case IsRefusal(err) && err.Error() != told:
			told = err.Error()
			m.config.Logger.Warn("the leader does not take this node as it is", "error", err)
		}
	}
}

// attendOnce asks the leader when there is something to ask.
func (m *Manager) attendOnce() error {
	is, members := m.node.Identity(), m.members.Recorded()
	at := indexOf(members, is.NodeID)
	if is.AwaitsVote && at >= 0 && members[at].Voter {
		if err := m.members.AwaitVote(false); err != nil {
			return err
		}
		is.AwaitsVote = false
	}
	attended := at >= 0 && members[at].Address == m.node.Address() && !is.AwaitsVote && m.node.Status().LeaderID != ""
	if is.ClusterID == "" || attended || is.SupersededBy != "" {
		return nil
	}

	j := join{Member: true, Learner: !is.AwaitsVote}
	if m.leads() {
		j.Node, j.Started = m.self(), true
		_, err := m.admitHere(m.stop, &j)
		return err
	}
	return m.adopt(m.stop, j, func(ctx context.Context, ask joinQuestion) ([]byte, error) {
		return forward.AskLeader(ctx, m.links, ask)
	})
}
