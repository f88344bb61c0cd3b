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
	Version       string `json:"version"`
	DataBytes     int64  `json:"data_bytes"`      // of its data folder
	DiskFreeBytes int64  `json:"disk_free_bytes"` // of the disk that it is on
}

// MemberStatus is a member as the asked node sees it.
type MemberStatus struct {
	raftfsm.Member
	Healthy bool   `json:"healthy"`
	Reason  string `json:"reason,omitempty"` // why it is not
	// LagEntries is by how many log entries it is behind the leader.
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
	Healthy       bool `json:"healthy"` // every member is, and somebody leads
	// FailureTolerance is how many voters may fail before the cluster stops.
	FailureTolerance int `json:"failure_tolerance"`
}

// quorum is the least majority of voters.
func quorum(voters int) int { return voters/2 + 1 }

// nodeStatus is this node's.
func (m *Manager) nodeStatus() NodeStatus {
	s := NodeStatus{Status: m.node.Status(), Version: m.config.Version}
	_ = filepath.WalkDir(m.config.DataDir, func(_ string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			if info, err := entry.Info(); err == nil {
				s.DataBytes += info.Size()
			}
		}
		return nil // files come and go while we look
	})
	if free, _, err := m.node.Disk(); err == nil {
		s.DiskFreeBytes = free
	}
	return s
}

// askTimeout bounds a question to one node.
const askTimeout = time.Second

// Status asks every member.
func (m *Manager) Status(ctx context.Context) ClusterStatus {
	own := m.node.Status()
	c := ClusterStatus{ClusterID: own.ClusterID, LeaderID: own.LeaderID, Members: make([]MemberStatus, len(own.Members))}
	var group sync.WaitGroup
	for i, member := range own.Members {
		c.Members[i].Member = member
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
	link, err := m.links.To(ctx, member.ID, member.Address)
	if err != nil {
		return err
	}
	body, err := link.Control(ctx, verb, []byte("{}"))
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
	c.Health.Healthy, c.Health.Quorum = all, quorum(c.Health.Voters)
	c.Health.FailureTolerance = max(0, c.Health.HealthyVoters-c.Health.Quorum)
}

func (m *Manager) judgeMember(member *MemberStatus, leader *NodeStatus) {
	is := member.Node
	if is == nil {
		return // Reason is there
	}
	switch {
	case leader == nil:
		member.Reason = "no leader is known"
		return
	case is.LastIndex < leader.LastIndex:
		member.LagEntries = leader.LastIndex - is.LastIndex
	}
	switch {
	case is.Term != leader.Term:
		member.Reason = "it is in another term than the leader"
	case is.NodeID != leader.NodeID && time.Duration(is.LastContactMilliseconds)*time.Millisecond > m.config.LastContactMax:
		member.Reason = "it has not heard the leader lately"
	case member.LagEntries > m.config.TrailingEntriesMax:
		member.Reason = "it lags behind"
	default:
		member.Healthy = true
	}
}

var _ forward.Control = (*Manager)(nil)
