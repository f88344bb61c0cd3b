package membership

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"onsale/cluster/certificate"
	"onsale/raftfsm"
)

// three returns a cluster of three that is well, as any of its nodes would show it.
func three() *ClusterStatus {
	c := &ClusterStatus{LeaderID: "n1"}
	all := []raftfsm.Member{{ID: "n1", Voter: true}, {ID: "n2", Voter: true}, {ID: "n3", Voter: true}}
	for _, m := range all {
		c.Members = append(c.Members, MemberStatus{Member: m, Healthy: true, Node: &NodeStatus{Status: raftfsm.Status{
			NodeID: m.ID, Role: "follower", Term: 3, LeaderID: "n1", ClusterID: "aa", Members: all, JournalFirstHeight: 1}}})
	}
	c.Members[0].Node.Role = roleLeader
	return c
}

// Every row of the table finds what it is for, with its time, and nothing else does.
func TestAlarms(t *testing.T) {
	later := aTime.Add(time.Hour)
	leaderless := func(is *NodeStatus, since time.Time) {
		is.LeaderID, is.Role, is.LeaderlessSince = "", "follower", &since
	}
	for name, c := range map[string]struct {
		change func(c *ClusterStatus, is func(at int) *NodeStatus)
		want   []string // name, severity, member
		says   string
		since  time.Time
	}{
		"all is well":          {change: func(*ClusterStatus, func(int) *NodeStatus) {}},
		"a member is down":     {change: func(c *ClusterStatus, _ func(int) *NodeStatus) { c.Members[2].Node = nil }},
		"nothing is known yet": {change: func(c *ClusterStatus, _ func(int) *NodeStatus) { *c = ClusterStatus{} }},
		"nobody leads": {func(c *ClusterStatus, is func(int) *NodeStatus) {
			c.LeaderID, c.Members[2].Node = "", nil
			leaderless(is(0), later)
			leaderless(is(1), aTime)
		}, []string{"no-leader critical "}, "nobody leads", later},
		"nobody leads since a moment ago": {change: func(_ *ClusterStatus, is func(int) *NodeStatus) {
			for i := range 3 {
				is(i).LeaderID, is(i).Role = "", "follower"
			}
		}},
		"one hears no leader": {func(_ *ClusterStatus, is func(int) *NodeStatus) { leaderless(is(2), aTime) },
			[]string{"leader-unknown warning n3"}, "n3 hears no leader; n1 says that n1 leads", aTime},
		"one is superseded": {func(_ *ClusterStatus, is func(int) *NodeStatus) {
			is(1).SupersededBy, is(1).SupersededSince, is(1).Role = "bb", &aTime, "superseded"
		}, []string{"superseded critical n2"}, "cluster bb succeeds that of n2", aTime},
		"a parted cluster was met": {func(_ *ClusterStatus, is func(int) *NodeStatus) {
			is(1).PartedFrom, is(1).PartedSince = "bb", &aTime
		}, []string{"parted critical n2"}, "n2 meets nodes of cluster bb, which parted from its", aTime},
		"one differs, and is down": {func(c *ClusterStatus, is func(int) *NodeStatus) {
			is(0).Diverged = []raftfsm.Divergence{{ID: "n3", Since: later}, {ID: "n9", Since: aTime}}
			is(1).Diverged = []raftfsm.Divergence{{ID: "n3", Since: aTime}}
			c.Members[2].Node = nil
		}, []string{"diverged critical n3"}, "n3 has decided otherwise", aTime},
		"a member has another key of pseudonyms": {func(_ *ClusterStatus, is func(int) *NodeStatus) {
			is(0).PseudonymKeys, is(1).PseudonymKeys, is(2).PseudonymKeys = []string{"a", "b"}, []string{"b", "a"}, []string{"a"}
			is(0).PseudonymKeysAt, is(2).PseudonymKeysAt = later, aTime
		}, []string{"pseudonym-keys warning n3"}, "n3 has the key a of pseudonyms, the leader n1 the keys a, b", later},
		"a front-end has none": {func(_ *ClusterStatus, is func(int) *NodeStatus) {
			for i := range 3 {
				is(i).PseudonymKeys, is(i).PseudonymKeysAt = []string{"a"}, aTime
			}
			is(1).FrontEnds = []FrontEnd{{ID: "f1", PseudonymKeys: []string{"a"}}, {ID: "f2"}}
		}, []string{"pseudonym-keys warning n2"}, "front-end f2 at n2 has no key of pseudonyms", aTime},
		"holds are stopped": {func(_ *ClusterStatus, is func(int) *NodeStatus) {
			is(1).AppliedIndex, is(1).HoldsStoppedSince = 9, &aTime
		}, []string{"holds-stopped critical "}, "nobody can pay", aTime},
		"holds run again, which one has not applied": {change: func(_ *ClusterStatus, is func(int) *NodeStatus) {
			is(1).AppliedIndex, is(0).AppliedIndex, is(1).HoldsStoppedSince = 9, 10, &aTime
		}},
		"one is removed and runs": {func(_ *ClusterStatus, is func(int) *NodeStatus) {
			is(0).Members = is(0).Members[:2]
			leaderless(is(2), aTime)
		}, []string{"removed warning n3"}, "n3 runs, but is no member of the cluster that n1 leads", aTime},
		"one is removed and hears of it now": {change: func(_ *ClusterStatus, is func(int) *NodeStatus) {
			is(0).Members = is(0).Members[:2]
		}},
		"the decisions of one hang": {func(_ *ClusterStatus, is func(int) *NodeStatus) {
			is(1).Hangs, is(1).SlowSince = &raftfsm.Hang{Part: "journal", Since: aTime}, &later
		}, []string{"hung critical n2"}, "journal hangs on n2", aTime},
		"the disk of one is slow": {func(_ *ClusterStatus, is func(int) *NodeStatus) { is(2).SlowSince = &aTime },
			[]string{"slow info n3"}, "the disk of n3", aTime},
		"a deposed leader does not know a new member": {change: func(_ *ClusterStatus, is func(int) *NodeStatus) {
			is(1).Role, is(1).Term, is(1).Members = roleLeader, 2, is(1).Members[:2]
		}},
		"one only reads": {func(_ *ClusterStatus, is func(int) *NodeStatus) {
			is(1).ReadOnly, is(1).ReadOnlySince, is(1).LowSince, is(1).LeaderID = "full", &aTime, &later, ""
		}, []string{"read-only critical n2"}, "n2 stores nothing and does not vote: full", aTime},
		"one is short of room": {func(_ *ClusterStatus, is func(int) *NodeStatus) { is(1).Disk = short },
			[]string{"storage-low critical n2"}, "1 MiB are free on the disk of n2", aTime},
		"buys are held": {func(_ *ClusterStatus, is func(int) *NodeStatus) {
			is(0).BuysHeldSince, is(0).BuysHeld = &aTime, "short"
			is(1).BuysHeldSince, is(1).BuysHeld = &later, "it led before"
		}, []string{"buys-held critical "}, "short", aTime},
		"none may fail any more": {func(_ *ClusterStatus, is func(int) *NodeStatus) {
			is(0).Risk = &Risk{AlarmNoTolerance, aTime, "2 of 3"}
			is(1).Risk = &Risk{AlarmTwoVoters, later, "it led before"}
		}, []string{"no-tolerance critical "}, "2 of 3", aTime},
		"two voters": {func(_ *ClusterStatus, is func(int) *NodeStatus) { is(0).Risk = &Risk{AlarmTwoVoters, aTime, "of two"} },
			[]string{"two-voters info "}, "of two", aTime},
		"a refund failed, and one started again since": {func(_ *ClusterStatus, is func(int) *NodeStatus) {
			is(0).RefundsFailed, is(0).AppliedIndex, is(0).RefundsFailedSince = 2, 9, &later
			is(1).RefundsFailed, is(1).AppliedIndex, is(1).RefundsFailedSince = 1, 8, &aTime
		}, []string{"refunds-failed critical "}, "2 refunds failed for good", aTime},
		"refunds failed, and a seller has taken note": {change: func(_ *ClusterStatus, is func(int) *NodeStatus) {
			is(0).AppliedIndex = 9
			is(1).RefundsFailed, is(1).AppliedIndex, is(1).RefundsFailedSince = 1, 8, &aTime
		}},
		"disputes": {func(_ *ClusterStatus, is func(int) *NodeStatus) {
			by := aTime.Add(EvidenceDueSoon + time.Second)
			is(2).DisputesOpen, is(2).AppliedIndex, is(2).EvidenceBy, is(2).DisputesSince = 3, 9, &by, &aTime
		}, []string{"disputes info "}, "buyers dispute 3 charges", aTime},
		"evidence is due": {func(_ *ClusterStatus, is func(int) *NodeStatus) {
			by := aTime.Add(EvidenceDueSoon - time.Second)
			is(0).DisputesOpen, is(0).EvidenceBy, is(0).DisputesSince = 3, &by, &later
		}, []string{"evidence-due critical ", "disputes info "}, "the first of 3 disputes may be given until 2026-12-02T11:59:59Z", aTime.Add(-time.Second)},
		"a certificate ends in eight days": {change: func(_ *ClusterStatus, is func(int) *NodeStatus) {
			is(0).Certificates = []Certificate{{"peers", aTime.Add(8 * 24 * time.Hour)}}
		}},
		"one of two certificates ends soon": {func(_ *ClusterStatus, is func(int) *NodeStatus) {
			is(0).Certificates = []Certificate{{"peers", aTime.Add(90 * 24 * time.Hour)}, {"buyers", aTime.Add(24 * time.Hour)}}
		}, []string{"certificate warning n1"}, "of n1 for buyers ends at 2026-12-01T12:00:00Z", aTime.Add(24*time.Hour - certificate.EndsSoon)},
		"a certificate has ended": {func(_ *ClusterStatus, is func(int) *NodeStatus) {
			is(2).Certificates = []Certificate{{"peers", aTime.Add(-time.Second)}}
		}, []string{"certificate warning n3"}, "for peers has ended at 2026-11-30T11:59:59Z", aTime.Add(-time.Second - certificate.EndsSoon)},
		"a clock is off": {func(_ *ClusterStatus, is func(int) *NodeStatus) { is(2).ClockOffSince, is(2).ClockAhead = &aTime, 3 },
			[]string{"clock warning n3"}, "the clock of n3 is 3.0 s ahead", aTime},
		"one cannot write its audit log": {func(_ *ClusterStatus, is func(int) *NodeStatus) {
			is(1).AuditLogFailedSince, is(1).AuditLogError = &aTime, "no space"
		}, []string{"audit-log warning n2"}, "n2 cannot write its audit log: no space", aTime},
		"a file of tokens does not load": {func(_ *ClusterStatus, is func(int) *NodeStatus) {
			is(1).TokenFilesStaleSince, is(1).TokenFilesError = &aTime, "line 3"
		}, []string{"token-files warning n2"}, "n2 goes by older tokens' secrets, keys or revocations: line 3", aTime},
		"blocks are missing": {func(_ *ClusterStatus, is func(int) *NodeStatus) {
			is(2).JournalFirstHeight, is(2).JournalGapSince = 17, &aTime
		}, []string{"journal-gap info n3"}, "the journal of n3 begins at block 17", aTime},
		"many things at once": {func(_ *ClusterStatus, is func(int) *NodeStatus) {
			is(0).Risk, is(2).JournalGapSince = &Risk{AlarmNoTolerance, aTime, "2 of 3"}, &aTime
			is(1).Disk, is(0).Disk = short, short
		}, []string{"storage-low critical n1", "storage-low critical n2", "no-tolerance critical ", "journal-gap info n3"},
			"the reserve", aTime},
	} {
		status := three()
		c.change(status, func(at int) *NodeStatus { return status.Members[at].Node })
		all, got := alarms(status, aTime), []string(nil)
		for _, a := range all {
			got = append(got, a.Name+" "+a.Severity+" "+a.Member)
			if a.Detail == "" || a.Action == "" || a.Since.IsZero() {
				t.Errorf("%s: %+v is not complete", name, a)
			}
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %q, wanted %q", name, got, c.want)
			continue
		}
		if len(all) > 0 && (!strings.Contains(all[0].String(), c.says) || !all[0].Since.Equal(c.since)) {
			t.Errorf("%s: %s since %s, wanted %q since %s", name, all[0].String(), all[0].Since, c.says, c.since)
		}
	}
}

// A row has a name of its own, looks at one thing, and says what to do.
func TestTableOfAlarms(t *testing.T) {
	names := map[string]bool{}
	for _, r := range table() {
		if names[r.name] || r.name == "" || r.action == "" || (r.member == nil) == (r.cluster == nil) {
			t.Errorf("%+v", r)
		}
		names[r.name] = true
	}
	if worseThanInfo([]Alarm{{Severity: SeverityInfo}}) || !worseThanInfo([]Alarm{{Severity: SeverityInfo}, {Severity: SeverityWarning}}) {
		t.Error("a cluster is healthy with what is to be known, and with nothing worse")
	}
}

// A node notes when something began, keeps it while it lasts, and forgets it then.
func TestNotes(t *testing.T) {
	n := notes{since: map[string]time.Time{}}
	well := raftfsm.Status{ClusterID: "aa", LeaderID: "n1", JournalFirstHeight: 1}
	with := func(change func(s *raftfsm.Status)) *raftfsm.Status {
		s := well
		change(&s)
		return &s
	}
	for i, step := range []struct {
		is   *raftfsm.Status
		want map[string]int // the step that is noted
	}{
		{&well, nil},
		{with(func(s *raftfsm.Status) { s.LeaderID = "" }), map[string]int{noteLeaderless: 1}},
		{with(func(s *raftfsm.Status) { s.LeaderID, s.JournalFirstHeight = "", 2 }), map[string]int{noteLeaderless: 1, noteGap: 2}},
		{with(func(s *raftfsm.Status) { s.JournalFirstHeight = 9 }), map[string]int{noteGap: 2}},
		{with(func(s *raftfsm.Status) { s.LeaderID = "" }), map[string]int{noteLeaderless: 4}},
		{with(func(s *raftfsm.Status) { s.LeaderID, s.SupersededBy = "", "bb" }), map[string]int{noteSuperseded: 5}},
		{with(func(s *raftfsm.Status) { s.LeaderID, s.ReadOnly = "", "full" }), nil},
		{with(func(s *raftfsm.Status) { s.LeaderID, s.ClusterID = "", "" }), nil},
		{with(func(s *raftfsm.Status) { s.JournalFirstHeight = 0 }), nil},
		{with(func(s *raftfsm.Status) { s.RefundsFailed = 1 }), map[string]int{noteRefunds: 9}},
		{with(func(s *raftfsm.Status) { s.RefundsFailed, s.DisputesOpen = 2, 1 }), map[string]int{noteRefunds: 9, noteDisputes: 10}},
		{with(func(s *raftfsm.Status) { s.DisputesOpen = 1 }), map[string]int{noteDisputes: 10}},
		{&well, nil},
	} {
		n.look(step.is, aTime.Add(time.Duration(i)*time.Second))
		for _, name := range []string{noteLeaderless, noteGap, noteSuperseded, noteRefunds, noteDisputes} {
			at, want := step.want[name]
			since := n.of(name)
			if (since != nil) != want || want && !since.Equal(aTime.Add(time.Duration(at)*time.Second)) {
				t.Errorf("step %d: %s since %v, wanted step %d (%t)", i, name, since, at, want)
			}
		}
	}
}

// The leader notes when the next failure would stop the cluster; whoever leads next goes on
// from its note, and who does not lead says nothing.
func TestRiskSurvivesAFailover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := voters("n1", "n2", "n3")
		m := c.manage(t)
		there := m.there
		led := &Risk{Name: AlarmNoTolerance, Since: time.Now().Add(-time.Hour), Why: "as the leader before saw it"}
		m.there = func(ctx context.Context, member raftfsm.Member) (*NodeStatus, string) {
			s, reason := there(ctx, member)
			if s != nil && !c.Leads() && member.ID == "n2" {
				s.Role, s.Risk, s.CommitIndex, s.Seq = roleLeader, led, 812, 51320
			}
			return s, reason
		}
		c.set(func() { c.leads, c.heads = false, "n2" })
		m.finished.Go(m.watch)
		defer func() { _ = m.Close() }()
		since := func(when string, want time.Time) {
			t.Helper()
			synctest.Wait()
			all := m.Status(t.Context()).Health.Alarms
			if len(all) != 1 || all[0].Name != AlarmNoTolerance || !all[0].Since.Equal(want) || all[0].Member != "" {
				t.Errorf("%s: %+v, wanted %s", when, all, want)
			}
		}
		since("n2 leads and says so", led.Since)
		if own := m.nodeStatus(); own.Risk != nil {
			t.Errorf("a node that does not lead says %+v", own.Risk)
		}
		if heard := c.hears(); heard != [2]uint64{812, 51320} {
			t.Errorf("of how far the leader is it heard %v", heard)
		}

		c.set(func() { c.leads, c.heads, c.sick["n3"] = true, "n1", true })
		time.Sleep(watchInterval)
		since("it leads itself", led.Since)

		c.set(func() { c.sick["n3"] = false })
		time.Sleep(watchInterval)
		synctest.Wait()
		if h := m.Status(t.Context()).Health; !h.Healthy || len(h.Alarms) > 0 {
			t.Errorf("all are back: %+v", h)
		}
		c.set(func() { c.sick["n3"] = true })
		time.Sleep(watchInterval)
		began := time.Now()
		since("one is down again", began)
		time.Sleep(10 * watchInterval)
		since("it stays down", began)
	})
}

// A node tells what it noted and its certificates in its status.
func TestNodeTellsItsNotes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := voters("n1")
		m := c.manage(t)
		ends := time.Now().Add(time.Hour)
		m.config.Certificates = func() []Certificate { return []Certificate{{"peers", ends}} }
		c.set(func() { c.heads, c.gap = "-", 5 })
		began := time.Now()
		m.finished.Go(m.note)
		defer func() { _ = m.Close() }()
		time.Sleep(time.Minute)
		is := m.nodeStatus()
		if is.LeaderlessSince == nil || !is.LeaderlessSince.Equal(began) || is.JournalGapSince == nil || !is.JournalGapSince.Equal(began) ||
			is.SupersededSince != nil || len(is.Certificates) != 1 || !is.Certificates[0].NotAfter.Equal(ends) {
			t.Errorf("%+v", is)
		}
	})
}
