package membership

import (
	"context"
	"encoding/json"
	"io/fs"
	"path/filepath"
	"sync"
	"time"

	"onsale/cluster/forward"
	"onsale/raftfsm"
)

// NodeStatus is what a node says of itself.
type NodeStatus struct {
	raftfsm.Status
	Version   string     `json:"version"`
	LevelMax  uint16     `json:"level_max"`  // the highest level that it speaks
	FrontEnds []FrontEnd `json:"front_ends"` // that are connected to it
	// PseudonymKeys are the ids of those that it has, the newest first.
	PseudonymKeys []string `json:"pseudonym_keys"`
	// PseudonymKeysAt is when it read them: when it started.
	PseudonymKeysAt time.Time `json:"pseudonym_keys_at"`
	DataBytes       int64     `json:"data_bytes"` // of its data folder
	// StaysLearner says that the node wants no vote when it has none.
	StaysLearner bool `json:"stays_learner"`
	// Certificates are those that the node shows.
	Certificates []Certificate `json:"certificates"`
	// LeaderlessSince, JournalGapSince and SupersededSince are when the node first saw since
	// its start that it hears no leader, misses blocks of the journal, and is superseded; nil
	// while it does not.
	LeaderlessSince *time.Time `json:"leaderless_since,omitempty"`
	JournalGapSince *time.Time `json:"journal_gap_since,omitempty"`
	SupersededSince *time.Time `json:"superseded_since,omitempty"`
	// RefundsFailedSince and DisputesSince are when the node first saw since its start that a refund
	// failed for good, and that a dispute needs a response; nil while its state has none.
	RefundsFailedSince *time.Time `json:"refunds_failed_since,omitempty"`
	DisputesSince      *time.Time `json:"disputes_since,omitempty"`
	// AuditLogFailedSince is when the node's audit log began to fail, and AuditLogError why; nil
	// while it is written.
	AuditLogFailedSince *time.Time `json:"audit_log_failed_since,omitempty"`
	AuditLogError       string     `json:"audit_log_error,omitempty"`
	// TokenFilesStaleSince is when a file of the node's secrets, keys or revoked tokens began not to
	// load, and TokenFilesError why; nil while all do.
	TokenFilesStaleSince *time.Time `json:"token_files_stale_since,omitempty"`
	TokenFilesError      string     `json:"token_files_error,omitempty"`
	// Risk is what the leader says of how many voters may fail; nil when one more may, of a
	// cluster of one, and on other nodes.
	Risk *Risk `json:"risk,omitempty"`
}

// Certificate is one that a node shows.
type Certificate struct {
	Use      string    `json:"use"` // peers or buyers
	NotAfter time.Time `json:"not_after"`
}

// MemberStatus is a member as the asked node sees it.
type MemberStatus struct {
	raftfsm.Member
	Healthy bool   `json:"healthy"`
	Reason  string `json:"reason,omitempty"` // why it is not
	// LagEntries is how many entries of the leader's log its state has not applied.
	LagEntries uint64      `json:"lag_entries"`
	Node       *NodeStatus `json:"node,omitempty"` // nil when it does not answer

	diverged bool // see Manager.diverges
}

// ClusterStatus is the whole cluster.
type ClusterStatus struct {
	ClusterID string         `json:"cluster_id"`
	LeaderID  string         `json:"leader_id"`
	Members   []MemberStatus `json:"members"`
	Health    Health         `json:"health"`
}

// Health says how much may still fail.
type Health struct {
	Voters        int  `json:"voters"`
	HealthyVoters int  `json:"healthy_voters"`
	Quorum        int  `json:"quorum"`
	Healthy       bool `json:"healthy"` // every member is, somebody leads, and no alarm is worse than SeverityInfo
	// FailureTolerance is how many voters may fail before the cluster stops.
	FailureTolerance int `json:"failure_tolerance"`
	// Level is that of the cluster's formats; 0 while the leader does not answer.
	Level uint16 `json:"level"`
	// LevelAvailable is the highest level that every member and every front-end connected
	// to one speaks, when it is above Level: onsale cluster finalize raises it. Else 0.
	LevelAvailable uint16 `json:"level_available"`
	// Alarms are what an operator must know of, in the order of the table of alarms.
	Alarms []Alarm `json:"alarms"`
}

// quorum is the least majority of voters.
func quorum(voters int) int { return voters/2 + 1 }

// nodeStatus is this node's.
func (m *Manager) nodeStatus() NodeStatus {
	s := NodeStatus{Status: m.node.Status(), Version: m.config.Version, LevelMax: m.config.LevelMax, FrontEnds: []FrontEnd{},
		PseudonymKeys: append([]string{}, m.config.PseudonymKeys...), PseudonymKeysAt: m.config.PseudonymKeysAt}
	if m.config.FrontEnds != nil {
		s.FrontEnds = append(s.FrontEnds, m.config.FrontEnds()...)
	}
	s.DataBytes = m.dataBytes.Load()
	is := m.node.Identity()
	s.StaysLearner = is.ClusterID != "" && !is.AwaitsVote
	m.addNotes(&s)
	return s
}

// measureInterval is how often a node looks how large its data folder is.
const measureInterval = 5 * time.Second

// measure looks how large the data folder is, until the manager closes: a status is given
// also while the disk hangs.
func (m *Manager) measure() {
	for {
		size := int64(0)
		_ = filepath.WalkDir(m.config.DataDir, func(_ string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() {
				if info, err := entry.Info(); err == nil {
					size += info.Size()
				}
			}
			return nil // files come and go while we look
		})
		m.dataBytes.Store(size)
		select {
		case <-m.stop.Done():
			return
		case <-time.After(measureInterval):
		}
	}
}

// addNotes adds what the node has noted, and its certificates.
func (m *Manager) addNotes(s *NodeStatus) {
	m.notes.end(&s.Status)
	s.LeaderlessSince, s.JournalGapSince = m.notes.of(noteLeaderless), m.notes.of(noteGap)
	s.SupersededSince = m.notes.of(noteSuperseded)
	s.RefundsFailedSince, s.DisputesSince = m.notes.of(noteRefunds), m.notes.of(noteDisputes)
	if m.leads() {
		s.Risk = m.notes.riskNow()
	}
	if m.config.AuditTrouble != nil {
		s.AuditLogFailedSince, s.AuditLogError = m.config.AuditTrouble()
	}
	if m.config.TokenFileTrouble != nil {
		s.TokenFilesStaleSince, s.TokenFilesError = m.config.TokenFileTrouble()
	}
	s.Certificates = []Certificate{}
	if m.config.Certificates != nil {
		s.Certificates = append(s.Certificates, m.config.Certificates()...)
	}
}

// Here returns who leads and who has a vote, as this node has it.
func (m *Manager) Here() map[string]any {
	is := map[string]any{"leader": m.node.Status().LeaderID}
	for _, member := range m.members.List() {
		role := "learner"
		if member.Voter {
			role = "voter"
		}
		is["member "+member.ID] = role
	}
	return is
}

// askTimeout bounds a question to one node.
const askTimeout = time.Second

// Status asks every member.
func (m *Manager) Status(ctx context.Context) ClusterStatus {
	own := m.node.Status()
	c := ClusterStatus{ClusterID: own.ClusterID, LeaderID: own.LeaderID, Members: make([]MemberStatus, len(own.Members))}
	var group sync.WaitGroup
	reached := m.members.List()
	for i, member := range own.Members {
		c.Members[i].Member = member
		if at := indexOf(reached, member.ID); at >= 0 {
			member.Address = reached[at].Address
		}
		group.Go(func() { c.Members[i].Node, c.Members[i].Reason = m.ask(ctx, member) })
	}
	group.Wait()
	m.judge(&c)
	return c
}

// ask returns a member's status, or why there is none.
func (m *Manager) ask(ctx context.Context, member raftfsm.Member) (*NodeStatus, string) {
	if member.ID == m.node.Identity().NodeID {
		s := m.nodeStatus()
		return &s, ""
	}
	return m.there(ctx, member)
}

// askLink asks over the member's link.
func (m *Manager) askLink(ctx context.Context, member raftfsm.Member) (*NodeStatus, string) {
	s := new(NodeStatus)
	if err := m.question(ctx, member, verbStatus, s); err != nil {
		return nil, err.Error()
	}
	return s, ""
}

// question asks one member by a verb that has nothing else to say.
func (m *Manager) question(ctx context.Context, member raftfsm.Member, verb string, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	return m.questionWith(ctx, member, verb, struct{}{}, answer)
}

// questionWith asks one member.
func (m *Manager) questionWith(ctx context.Context, member raftfsm.Member, verb string, asked, answer any) error {
	link, err := m.links.To(ctx, member.ID, member.Address)
	if err != nil {
		return err
	}
	body, err := link.Control(ctx, verb, encode(asked))
	if err != nil {
		return err
	}
	return json.Unmarshal(body, answer)
}

// judge says who is healthy, measured against the leader, and sums up.
func (m *Manager) judge(c *ClusterStatus) {
	var leader *NodeStatus
	for i := range c.Members {
		if c.Members[i].ID == c.LeaderID {
			leader = c.Members[i].Node
		}
	}
	all := leader != nil
	for i := range c.Members {
		member := &c.Members[i]
		m.judgeMember(member, leader)
		all = all && member.Healthy
		if member.Voter {
			c.Health.Voters++
			if member.Healthy {
				c.Health.HealthyVoters++
			}
		}
	}
	c.Health.Alarms = alarms(c, time.Now())
	c.Health.Healthy, c.Health.Quorum = all && !worseThanInfo(c.Health.Alarms), quorum(c.Health.Voters)
	c.Health.FailureTolerance = max(0, c.Health.HealthyVoters-c.Health.Quorum)
	level, available := levelOf(c)
	if c.Health.Level = level; available > level {
		c.Health.LevelAvailable = available
	}
}

func (m *Manager) judgeMember(member *MemberStatus, leader *NodeStatus) {
	is := member.Node
	if is == nil {
		return // Reason is there
	}
	switch {
	case is.SupersededBy != "":
		member.Reason = "superseded by cluster " + is.SupersededBy
		return
	case is.ReadOnly != "":
		member.Reason = "it only shows what it has: " + is.ReadOnly
		return
	case leader == nil:
		member.Reason = "no leader is known"
		return
	case is.AppliedIndex < leader.LastIndex:
		member.LagEntries = leader.LastIndex - is.AppliedIndex
	}
	switch {
	case is.Term != leader.Term:
		member.Reason = "it is in another term than the leader"
	case is.NodeID != leader.NodeID && time.Duration(is.LastContactMilliseconds)*time.Millisecond > m.config.LastContactMax:
		member.Reason = "it has not heard the leader lately"
	case is.Hangs != nil:
		member.Reason = is.Hangs.Part + " hangs"
	case member.LagEntries > m.config.TrailingEntriesMax:
		member.Reason = "it lags behind"
	default:
		member.Healthy = true
	}
}

var _ forward.Control = (*Manager)(nil)
