package membership

import (
	"fmt"
	"slices"
	"time"

	"onsale/cluster/certificate"
	"onsale/raftfsm"
)

// roleLeader is the role of a node that takes requests.
const roleLeader = "leader"

// leader returns the status of the member that leads, of several that say so the one in the
// newest term; nil when none that answers does.
func (l *look) leader() (newest *NodeStatus) {
	for i := range l.Members {
		is := l.Members[i].Node
		if is != nil && is.Role == roleLeader && (newest == nil || is.Term > newest.Term) {
			newest = is
		}
	}
	return newest
}

// heard returns who leads as some member says, and which one says so.
func (l *look) heard() (leader, by string) {
	for i := range l.Members {
		if is := l.Members[i].Node; is != nil && is.LeaderID != "" && is.SupersededBy == "" {
			return is.LeaderID, is.NodeID
		}
	}
	return "", ""
}

// noLeader: members that answer hear none, all since the last of them lost it.
func noLeader(l *look) (f finding) {
	if leader, _ := l.heard(); leader != "" {
		return f
	}
	for i := range l.Members {
		is := l.Members[i].Node
		if is != nil && is.LeaderlessSince != nil && (f.since == nil || is.LeaderlessSince.After(*f.since)) {
			f = finding{is.LeaderlessSince, "nobody leads, and nothing is decided"}
		}
	}
	return f
}

// leaderUnknown: a member hears no leader although another one does.
func leaderUnknown(l *look, m *MemberStatus) finding {
	leader, by := l.heard()
	if m.Node == nil || leader == "" || removed(l, m).since != nil {
		return finding{}
	}
	return finding{m.Node.LeaderlessSince, fmt.Sprintf("%s hears no leader; %s says that %s leads", m.ID, by, leader)}
}

func superseded(_ *look, m *MemberStatus) finding {
	if m.Node == nil {
		return finding{}
	}
	return finding{m.Node.SupersededSince, fmt.Sprintf("cluster %s succeeds that of %s, which takes no requests any more",
		m.Node.SupersededBy, m.ID)}
}

func parted(_ *look, m *MemberStatus) finding {
	if m.Node == nil {
		return finding{}
	}
	return finding{m.Node.PartedSince, fmt.Sprintf("%s meets nodes of cluster %s, which parted from its: both may sell", m.ID, m.Node.PartedFrom)}
}

// diverged: a committed check says so, as any member remembers; the earliest one counts. Who
// differs ends, and says nothing any more itself.
func diverged(l *look, m *MemberStatus) (f finding) {
	for i := range l.Members {
		is := l.Members[i].Node
		if is == nil {
			continue
		}
		for _, said := range is.Diverged {
			if said.ID == m.ID && (f.since == nil || said.Since.Before(*f.since)) {
				f = finding{&said.Since, m.ID + " has decided otherwise than a majority of the replicas"}
			}
		}
	}
	return f
}

// newest returns the status of the member that has the newest state; nil when none answers.
func (l *look) newest() (newest *NodeStatus) {
	for i := range l.Members {
		if is := l.Members[i].Node; is != nil && (newest == nil || is.AppliedIndex > newest.AppliedIndex) {
			newest = is
		}
	}
	return newest
}

// holdsStopped looks at the newest state that a member has.
func holdsStopped(l *look) finding {
	newest := l.newest()
	if newest == nil {
		return finding{}
	}
	return finding{newest.HoldsStoppedSince, "nobody can pay, and the clock of holds is stopped"}
}

// removed: a node answers that the leader's membership does not have, and that no leader
// tells of anything any more. The asked node may be that node, or not have heard yet.
func removed(l *look, m *MemberStatus) finding {
	leader := l.leader()
	if m.Node == nil || leader == nil || len(leader.Members) == 0 ||
		slices.ContainsFunc(leader.Members, func(o raftfsm.Member) bool { return o.ID == m.ID }) {
		return finding{}
	}
	return finding{m.Node.LeaderlessSince, fmt.Sprintf("%s runs, but is no member of the cluster that %s leads", m.ID, leader.NodeID)}
}

func readOnly(_ *look, m *MemberStatus) finding {
	if m.Node == nil {
		return finding{}
	}
	return finding{m.Node.ReadOnlySince, m.ID + " stores nothing and does not vote: " + m.Node.ReadOnly}
}

// storageLow leaves out who cannot write at all, which is its own alarm.
func storageLow(_ *look, m *MemberStatus) finding {
	if m.Node == nil || m.Node.ReadOnlySince != nil {
		return finding{}
	}
	return finding{m.Node.LowSince, fmt.Sprintf("%d MiB are free on the disk of %s, the reserve is %d MiB",
		m.Node.FreeBytes>>20, m.ID, m.Node.ReserveBytes>>20)}
}

// buysHeld: only the leader's word counts.
func buysHeld(l *look) finding {
	if is := l.leader(); is != nil {
		return finding{is.BuysHeldSince, is.BuysHeld}
	}
	return finding{}
}

// atRisk looks for a risk of that name in what the leader noted.
func atRisk(name string) func(l *look) finding {
	return func(l *look) finding {
		if is := l.leader(); is != nil && is.Risk != nil && is.Risk.Name == name {
			return finding{&is.Risk.Since, is.Risk.Why}
		}
		return finding{}
	}
}

// certificates finds the certificate that ends first, since it was certificate.EndsSoon
// before its end.
func certificates(l *look, m *MemberStatus) finding {
	if m.Node == nil || len(m.Node.Certificates) == 0 {
		return finding{}
	}
	first := slices.MinFunc(m.Node.Certificates, func(a, b Certificate) int { return a.NotAfter.Compare(b.NotAfter) })
	since := first.NotAfter.Add(-certificate.EndsSoon)
	if !l.now.After(since) {
		return finding{}
	}
	ends := "ends"
	if l.now.After(first.NotAfter) {
		ends = "has ended"
	}
	return finding{&since, fmt.Sprintf("the certificate of %s for %s %s at %s", m.ID, first.Use, ends,
		first.NotAfter.UTC().Format(time.RFC3339))}
}

func journalGap(_ *look, m *MemberStatus) finding {
	if m.Node == nil {
		return finding{}
	}
	return finding{m.Node.JournalGapSince, fmt.Sprintf("the journal of %s begins at block %d", m.ID, m.Node.JournalFirstHeight)}
}

func clockOff(_ *look, m *MemberStatus) finding {
	if m.Node == nil {
		return finding{}
	}
	return finding{m.Node.ClockOffSince, fmt.Sprintf("the clock of %s is %.1f s ahead of the log's time", m.ID, m.Node.ClockAhead)}
}

func auditLog(_ *look, m *MemberStatus) finding {
	if m.Node == nil {
		return finding{}
	}
	return finding{m.Node.AuditLogFailedSince, m.ID + " cannot write its audit log: " + m.Node.AuditLogError}
}

func tokenFiles(_ *look, m *MemberStatus) finding {
	if m.Node == nil {
		return finding{}
	}
	return finding{m.Node.TokenFilesStaleSince, m.ID + " goes by older tokens' secrets, keys or revocations: " + m.Node.TokenFilesError}
}

// hung leaves the member that hangs in the alarms for as long as it answers.
func hung(_ *look, m *MemberStatus) finding {
	if m.Node == nil || m.Node.Hangs == nil {
		return finding{}
	}
	return finding{&m.Node.Hangs.Since, fmt.Sprintf("%s hangs on %s: a call does not return", m.Node.Hangs.Part, m.ID)}
}

func slow(_ *look, m *MemberStatus) finding {
	if m.Node == nil || m.Node.Hangs != nil {
		return finding{}
	}
	return finding{m.Node.SlowSince, fmt.Sprintf("the disk of %s, or what it decides, takes seconds", m.ID)}
}
