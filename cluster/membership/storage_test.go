package membership

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"onsale/raftfsm"
	"onsale/sequencer"
)

var (
	aTime = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	roomy = raftfsm.Disk{FreeBytes: 1 << 30, ReserveBytes: 1 << 28}
	short = raftfsm.Disk{FreeBytes: 1 << 20, ReserveBytes: 1 << 28, LowSince: &aTime}
)

// Buys stop when a voter is short of room and fewer than a quorum are known to have it.
func TestStorageIsJudged(t *testing.T) {
	for name, c := range map[string]struct {
		said   string // of each voter: r has room, s is short, o had room long ago, - never said
		learns string // the same of learners
		new    bool   // it began to ask a moment ago
		held   bool
	}{
		"one with room":                   {said: "r"},
		"one that is short":               {said: "s", held: true},
		"one that says nothing":           {said: "-"},
		"two with room":                   {said: "rr"},
		"one of two is short":             {said: "rs", held: true},
		"one of three is short":           {said: "rrs"},
		"two of three are short":          {said: "rss", held: true},
		"one short and one dead of three": {said: "rs-", held: true},
		"one short and one gone long":     {said: "rso", held: true},
		"one short and one late":          {said: "rs-", new: true},
		"two short and one late":          {said: "ss-", new: true, held: true},
		"two dead of three":               {said: "r--"},
		"two of five are short":           {said: "rrrss"},
		"three of five are short":         {said: "rrsss", held: true},
		"two of four are short":           {said: "rrss", held: true},
		"learners are not asked":          {said: "rr", learns: "ss"},
		"learners give no room":           {said: "s", learns: "rr", held: true},
	} {
		now, members := time.Now(), []raftfsm.Member{}
		heard := &storage{now.Add(-wordAge - 1), map[string]word{}}
		for i, said := range c.said + c.learns {
			m := raftfsm.Member{ID: fmt.Sprint("n", i), Voter: i < len(c.said)}
			members = append(members, m)
			switch said {
			case 'r':
				heard.said[m.ID] = word{roomy, now.Add(-wordAge)}
			case 's':
				heard.said[m.ID] = word{short, now.Add(-time.Hour)}
			case 'o':
				heard.said[m.ID] = word{roomy, now.Add(-wordAge - 1)}
			}
		}
		if c.new {
			heard.began = now.Add(-wordAge)
		}
		if why := heard.judge(members, now); (why != nil) != c.held || why != nil && !errors.Is(why, sequencer.ErrStorageLow) {
			t.Errorf("%s: %v", name, why)
		}
	}
}

// The leader holds buys as soon as it hears, and takes them again by itself; who does not
// lead holds none.
func TestBuysAreHeldAndTakenAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := voters("n1", "n2", "n3")
		m := c.manage(t)
		disks := map[string]raftfsm.Disk{"n1": roomy, "n2": short, "n3": roomy}
		m.disk = func(_ context.Context, member raftfsm.Member) (raftfsm.Disk, error) {
			c.mu.Lock()
			defer c.mu.Unlock()
			if c.sick[member.ID] {
				return raftfsm.Disk{}, errors.New("no answer")
			}
			return disks[member.ID], nil
		}
		m.finished.Go(m.watchStorage)
		expect := func(when string, held bool) {
			t.Helper()
			time.Sleep(storageInterval)
			synctest.Wait()
			if _, why := c.BuysHeld(); (why != nil) != held {
				t.Errorf("%s: %v", when, why)
			}
		}
		expect("one is short", false)
		c.set(func() { disks["n3"] = short })
		expect("two are short", true)
		c.set(func() { c.leads = false })
		expect("another leads", false)
		c.set(func() { c.leads = true })
		expect("it leads again", true)
		c.set(func() { disks["n3"] = roomy })
		expect("one has room again", false)
		c.set(func() { c.sick["n3"] = true })
		expect("its word counts for a while", false)
		time.Sleep(wordAge)
		expect("it has not answered for long", true)
		c.set(func() { c.sick["n3"] = false })
		expect("it answers again", false)
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// An alarm says whose it is, since when, and what to do; with one the cluster is not healthy.
func TestStorageAlarms(t *testing.T) {
	c := voters("n1", "n2", "n3")
	m := c.manage(t)
	there := m.there
	m.there = func(ctx context.Context, member raftfsm.Member) (*NodeStatus, string) {
		s, reason := there(ctx, member)
		if s != nil && member.ID == "n2" {
			s.Disk = short
			s.BuysHeldSince = &aTime // it led before
		}
		return s, reason
	}
	h := m.Status(t.Context()).Health
	if h.Healthy || h.HealthyVoters != 3 || len(h.Alarms) != 1 {
		t.Fatalf("%+v", h)
	}
	a := h.Alarms[0]
	text := a.String()
	if a.Name != AlarmStorageLow || a.Member != "n2" || !a.Since.Equal(aTime) {
		t.Errorf("%+v", a)
	}
	for _, want := range []string{"storage-low (critical) since 2026-11-30T12:00:00Z", "1 MiB are free on the disk of n2", "256 MiB", "free space"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q does not say %q", text, want)
		}
	}

	m.there = func(ctx context.Context, member raftfsm.Member) (*NodeStatus, string) {
		s, reason := there(ctx, member)
		if s != nil && member.ID == "n3" {
			s.Disk, s.Role, s.ReadOnly, s.ReadOnlySince = short, "read-only", "the disk is full", &aTime
		}
		return s, reason
	}
	c3 := m.Status(t.Context())
	h = c3.Health
	if h.Healthy || h.HealthyVoters != 2 || h.FailureTolerance != 0 || len(h.Alarms) != 1 {
		t.Fatalf("%+v", h)
	}
	if a := h.Alarms[0]; a.Name != AlarmReadOnly || a.Member != "n3" {
		t.Errorf("%+v", a)
	}
	if reason := c3.Members[2].Reason; reason != "it only shows what it has: the disk is full" {
		t.Errorf("a node that only reads is unhealthy because %q", reason)
	}

	status := &ClusterStatus{LeaderID: "n1", Members: []MemberStatus{{Node: &NodeStatus{Status: raftfsm.Status{NodeID: "n1", Role: roleLeader,
		BuysHeldSince: &aTime, BuysHeld: "storage is low: of 3 voters 2 are short of it"}}}}}
	if all := alarms(status, aTime); len(all) != 1 || all[0].Name != AlarmBuysHeld || all[0].Detail != "storage is low: of 3 voters 2 are short of it" || all[0].Member != "" {
		t.Errorf("%+v", all)
	}
}
