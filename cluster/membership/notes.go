package membership

import (
	"fmt"
	"sync"
	"time"

	"onsale/raftfsm"
)

// An alarm says since when. Where nothing that is stored has that time, the node whose alarm
// it is notes when it first saw the matter, and tells it to whoever asks: the answer is the
// same wherever it is asked for, and does not move because somebody asks. A node that starts
// again notes anew.
//
// How many voters may fail only the leader sees, which asks them all. The others ask it for
// its note, and whoever leads next goes on from there. A note that a node could not ask for
// in time is lost: then the matter is as old as the new leader.

// noteInterval is how often a node looks at itself.
const noteInterval = time.Second

// What a node notes of itself.
const (
	noteLeaderless = "leaderless"
	noteGap        = "journal-gap"
	noteSuperseded = "superseded"
	noteRefunds    = "refunds"
	noteDisputes   = "disputes"
)

// Risk is what the leader says of how many voters may fail.
type Risk struct {
	Name  string    `json:"name"` // AlarmTwoVoters or AlarmNoTolerance
	Since time.Time `json:"since"`
	Why   string    `json:"why"`
}

// notes is since when this node sees what is the matter with it, and the risk as the leader
// saw it last.
type notes struct {
	mu    sync.Mutex
	since map[string]time.Time
	risk  *Risk
}

// note looks at this node until the manager closes.
func (m *Manager) note() {
	ticker := time.NewTicker(noteInterval)
	defer ticker.Stop()
	for {
		is := m.node.Status()
		m.notes.look(&is, time.Now())
		select {
		case <-m.stop.Done():
			return
		case <-ticker.C:
		}
	}
}

// seen is what a node's status says is the matter, by the name of its note.
func seen(is *raftfsm.Status) map[string]bool {
	takesPart := is.ClusterID != "" && is.ReadOnly == "" && is.SupersededBy == ""
	return map[string]bool{
		noteLeaderless: takesPart && is.LeaderID == "",
		noteGap:        is.JournalFirstHeight > 1,
		noteSuperseded: is.SupersededBy != "",
		noteRefunds:    is.RefundsFailed > 0,
		noteDisputes:   is.DisputesOpen > 0,
	}
}

// look notes what begins, and forgets what has ended.
func (n *notes) look(is *raftfsm.Status, now time.Time) {
	n.end(is)
	n.mu.Lock()
	defer n.mu.Unlock()
	for name, begun := range seen(is) {
		if _, known := n.since[name]; begun && !known {
			n.since[name] = now
		}
	}
}

// end forgets what has ended by a status: whoever asks is not told of what was a moment ago.
func (n *notes) end(is *raftfsm.Status) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for name, goesOn := range seen(is) {
		if !goesOn {
			delete(n.since, name)
		}
	}
}

// of returns since when something is noted; nil when it is not.
func (n *notes) of(name string) *time.Time {
	n.mu.Lock()
	defer n.mu.Unlock()
	if since, is := n.since[name]; is {
		return &since
	}
	return nil
}

// weigh notes the risk that this node sees as the leader. One that it, or the leader before
// it, saw already is as old as that.
func (n *notes) weigh(h *Health, now time.Time) {
	name, err := h.tolerates()
	n.mu.Lock()
	defer n.mu.Unlock()
	if err == nil {
		n.risk = nil
		return
	}
	next := &Risk{name, now, err.Error()}
	if n.risk != nil && n.risk.Name == name {
		next.Since = n.risk.Since
	}
	n.risk = next
}

// hear takes over what the leader says of the risk.
func (n *notes) hear(risk *Risk) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.risk = risk
}

func (n *notes) riskNow() *Risk {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.risk
}

// askLeader asks the leader how it is: for its note, and how far it is. While nobody answers,
// what was heard before stays.
func (m *Manager) askLeader() {
	leader := m.node.Status().LeaderID
	members := m.members.List()
	at := indexOf(members, leader)
	if at < 0 || leader == m.node.Identity().NodeID {
		return
	}
	if is, _ := m.there(m.stop, members[at]); is != nil && is.Role == roleLeader {
		m.notes.hear(is.Risk)
		m.node.HearLeader(is.CommitIndex, is.Seq)
	}
}

// tolerates returns an error, and the name of its alarm, of a cluster of several voters of
// which none may fail, or none any more.
func (h *Health) tolerates() (name string, err error) {
	switch {
	case h.Voters == 2:
		return AlarmTwoVoters, errTwoVoters
	case h.Voters > 2 && h.FailureTolerance == 0:
		return AlarmNoTolerance, fmt.Errorf("%w: %d of %d are healthy", errNoTolerance, h.HealthyVoters, h.Voters)
	}
	return "", nil
}
