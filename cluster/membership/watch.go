package membership

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"onsale/internal/metric"
)

// watchInterval is how often the leader asks all members how they are, for its
// metrics: a question to each, not one for each scrape.
const watchInterval = 5 * time.Second

// watch keeps what the leader knows of the members. Other nodes show nothing: the
// leader's word is the one that counts, and one series is enough to alert on.
func (m *Manager) watch() {
	ticker := time.NewTicker(watchInterval)
	defer ticker.Stop()
	for {
		if m.leads() {
			status := m.Status(m.stop)
			m.compare(&status)
			m.remind(&status)
			m.warnOfTwo(&status)
			m.notes.weigh(&status.Health, time.Now())
			m.watched.Store(&status)
		} else {
			m.watched.Store(nil)
			m.askLeader()
		}
		select {
		case <-m.stop.Done():
			return
		case <-ticker.C:
		}
	}
}

// remind says once that the level can be raised.
func (m *Manager) remind(c *ClusterStatus) {
	if available := c.Health.LevelAvailable; available > 0 && m.shown().levelAvailable() != available {
		m.config.Logger.Info("all members and front-ends speak a higher level; raise it when no downgrade is wanted any more: onsale cluster finalize",
			"level", c.Health.Level, "available", available)
	}
}

// warnOfTwo says once that a cluster has two voters.
func (m *Manager) warnOfTwo(c *ClusterStatus) {
	if before := m.shown(); c.Health.Voters == 2 && (before == nil || before.Health.Voters != 2) {
		m.config.Logger.Warn("the cluster has two voters, of which neither may fail: it is less safe than one node; let a third one in")
	}
}

// levelAvailable is that of the health; 0 of no status.
func (c *ClusterStatus) levelAvailable() uint16 {
	if c == nil {
		return 0
	}
	return c.Health.LevelAvailable
}

// compare finds the members whose journal is not this node's.
func (m *Manager) compare(c *ClusterStatus) {
	for i := range c.Members {
		member := &c.Members[i]
		if member.diverged = m.diverges(member); member.diverged {
			m.config.Logger.Error("a replica has decided otherwise than this one; stop selling and run an audit on both",
				"member", member.ID, "height", member.Node.JournalHeight)
		}
	}
}

// diverges reports whether a member's journal is another one than this node's. A
// member that is ahead of what this node has applied is compared the next time.
func (m *Manager) diverges(member *MemberStatus) bool {
	if member.Node == nil || member.Node.JournalHeight == 0 {
		return false
	}
	same, err := m.checks.SameHistory(member.Node.JournalHeight, member.Node.JournalHash)
	return err == nil && !same
}

// Collector publishes the leader's view of its cluster; nothing on other nodes.
func (m *Manager) Collector() prometheus.Collector {
	s := new(metric.Set)
	cluster := func(read func(h *Health) float64) func(metric.Show) {
		return func(show metric.Show) {
			if c := m.shown(); c != nil {
				show(read(&c.Health))
			}
		}
	}
	s.Gauges("onsale_cluster_voters", "Members with a vote.", nil, cluster(func(h *Health) float64 { return float64(h.Voters) }))
	s.Gauges("onsale_cluster_voters_healthy", "Those that answer, are in the leader's term and keep up.", nil, cluster(func(h *Health) float64 { return float64(h.HealthyVoters) }))
	s.Gauges("onsale_cluster_failure_tolerance", "How many voters may still fail.", nil, cluster(func(h *Health) float64 { return float64(h.FailureTolerance) }))
	s.Gauges("onsale_level_available", "The level that onsale cluster finalize can raise the cluster to; 0 when there is none.", nil, cluster(func(h *Health) float64 { return float64(h.LevelAvailable) }))
	member := func(read func(member *MemberStatus, show metric.Show)) func(metric.Show) {
		return func(show metric.Show) {
			if c := m.shown(); c != nil {
				for i := range c.Members {
					read(&c.Members[i], show)
				}
			}
		}
	}
	s.Gauges("onsale_member_healthy", "1 for a member that is healthy.", []string{"member"}, member(func(m *MemberStatus, show metric.Show) {
		show(metric.Bool(m.Healthy), m.ID)
	}))
	s.Gauges("onsale_member_lag_entries", "By how much log a member that answers is behind the leader.", []string{"member"}, member(func(m *MemberStatus, show metric.Show) {
		if m.Node != nil {
			show(float64(m.LagEntries), m.ID)
		}
	}))
	s.Gauges("onsale_member_diverged", "1 for a member that has decided otherwise than the leader.", []string{"member"}, member(func(m *MemberStatus, show metric.Show) {
		show(metric.Bool(m.diverged), m.ID)
	}))
	return s
}

// errTwoVoters is what the leader says of a cluster of two: either failure stops it.
var errTwoVoters = errors.New("of two voters neither may fail; let a third one in")

// errNoTolerance is what the leader says of a cluster that the next failure stops.
var errNoTolerance = errors.New("the failure of one more voter stops the cluster")

// Tolerates returns an error while this node leads a cluster of several voters of which
// none may fail, or none any more.
func (m *Manager) Tolerates() error {
	c := m.shown()
	if c == nil {
		return nil
	}
	_, err := c.Health.tolerates()
	return err
}

// shown returns what this node knows as the leader; nil when it does not lead, or has
// not asked yet.
func (m *Manager) shown() *ClusterStatus {
	if !m.leads() {
		return nil
	}
	return m.watched.Load()
}
