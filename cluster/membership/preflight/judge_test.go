package preflight

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"onsale/cluster/membership"
	"onsale/raftfsm"
)

var now = time.Date(2026, 12, 1, 20, 0, 0, 0, time.UTC)

// ready is a cluster of three the night before, of which nothing is to be said.
func ready() *Question {
	at := now.Add(-time.Hour)
	q := &Question{
		Sale: Sale{ID: "arena", Status: "scheduled", StartsAt: now.Add(14 * time.Hour), Hold: time.Hour, Price: 4900, Tickets: 100_000, Waitlist: 100_000},
		Plan: Plan{Requests: 10_000_000, Connections: 1000, BackupAgeMax: 24 * time.Hour}, Now: now,
	}
	q.ClusterID, q.LeaderID = "c1", "n1"
	q.Health = membership.Health{Voters: 3, HealthyVoters: 3, Quorum: 2, Healthy: true, FailureTolerance: 1, Level: 1}
	q.Facts, q.Silent = map[string]membership.Facts{}, map[string]string{}
	for i := 1; i <= 3; i++ {
		id := fmt.Sprintf("n%d", i)
		is := &membership.NodeStatus{Version: "v1 abc", FrontEnds: []membership.FrontEnd{{ID: "f1", LevelMax: 1, Version: "v1 abc", ClusterID: "c1"}},
			Certificates: []membership.Certificate{{Use: "peers", NotAfter: now.Add(90 * 24 * time.Hour)}}}
		is.NodeID, is.Seq, is.JournalHeight, is.StateHash, is.JournalHash = id, 77, 9, "aa", "bb"
		is.Disk = raftfsm.Disk{FreeBytes: 40 << 30, ReserveBytes: 256 << 20}
		q.Members = append(q.Members, membership.MemberStatus{Member: raftfsm.Member{ID: id, Voter: true}, Healthy: true, Node: is})
		q.Facts[id] = membership.Facts{Files: membership.Files{Open: 60, Max: 200_000, Buyers: 100_000},
			Memory:   membership.Memory{Available: 16 << 30, Resident: 80 << 20},
			Provider: &membership.Provider{Name: "stripe", Account: "stripe/live/a", Accepted: "stripe/live/a", NoticeAt: &at}, BackupAt: &at, TicketKeys: "5f0c91ab"}
	}
	return q
}

// With everything well each check says so, once.
func TestReady(t *testing.T) {
	lines := Judge(ready())
	for _, l := range lines {
		if l.Verdict != OK || l.Detail == "" || l.Action != "" {
			t.Errorf("%+v", l)
		}
	}
	if len(lines) != len(checks()) || Worst(lines) != OK {
		t.Errorf("%d lines of %d checks, the worst %s", len(lines), len(checks()), Worst(lines))
	}
}

// keyed gives the sale and all processes a key of pseudonyms, and one process others.
func keyed(who string, keys ...string) func(*Question) {
	return func(q *Question) {
		of := func(id string) []string {
			if id == who {
				return keys
			}
			return []string{"0000cafe"}
		}
		q.Sale.PseudonymKey = "0000cafe"
		for i := range q.Members {
			is := q.Members[i].Node
			is.PseudonymKeys = of(is.NodeID)
			is.FrontEnds[0].PseudonymKeys = of(is.FrontEnds[0].ID)
		}
	}
}

// Each thing that is not well is said by its check and by no other, about whose it is, with what to do.
func TestNotReady(t *testing.T) {
	facts := func(q *Question, id string, change func(*membership.Facts)) {
		f := q.Facts[id]
		change(&f)
		q.Facts[id] = f
	}
	on := func(id string, change func(*membership.Provider)) func(*Question) {
		return func(q *Question) {
			is := *q.Facts[id].Provider
			change(&is)
			facts(q, id, func(f *membership.Facts) { f.Provider = &is })
		}
	}
	each := func(change func(*membership.Provider)) func(*Question) {
		return func(q *Question) {
			for id := range q.Facts {
				on(id, change)(q)
			}
		}
	}
	old := now.Add(-25 * time.Hour)
	for name, c := range map[string]struct {
		change  func(q *Question)
		verdict Verdict
		line    string // check, member: the beginning of the detail
	}{
		"the sale is open":        {func(q *Question) { q.Sale.Status = "open" }, Warning, "sale, : arena is open already"},
		"the start has passed":    {func(q *Question) { q.Sale.StartsAt = now }, Warning, "sale, : arena is scheduled already"},
		"the sale is over":        {func(q *Question) { q.Sale.Status = "cancelled" }, Fail, "sale, : arena is cancelled"},
		"a member is not healthy": {func(q *Question) { q.Members[2].Healthy, q.Members[2].Reason = false, "it lags behind" }, Fail, "members, n3: it is not healthy: it lags behind"},
		"a member says no facts":  {func(q *Question) { delete(q.Facts, "n2"); q.Silent["n2"] = "end of time" }, Fail, "members, n2: it does not say what it has: end of time"},
		"nobody may fail":         {func(q *Question) { q.Health.FailureTolerance = 0 }, Fail, "members, : no voter may fail"},
		"a critical alarm": {func(q *Question) {
			q.Health.Alarms = []membership.Alarm{{Name: "hung", Severity: "critical", Member: "n2", Detail: "journal hangs", Action: "look"}}
		}, Fail, "alarms, n2: hung since"},
		"an alarm that warns": {func(q *Question) {
			q.Health.Alarms = []membership.Alarm{{Name: "slow", Severity: "warning", Action: "look"}}
		}, Warning, "alarms, : slow since"},
		"replicas differ":      {func(q *Question) { q.Members[1].Node.StateHash = "ab" }, Fail, "replicas, n2: at seq 77 it has another state than n1"},
		"journals differ":      {func(q *Question) { q.Members[1].Node.JournalHash = "ab" }, Fail, "replicas, n2: at seq 77 it has another state than n1"},
		"replicas are apart":   {func(q *Question) { q.Members[1].Node.Seq++ }, Warning, "replicas, : 1 members were at another place than n1"},
		"two programs":         {func(q *Question) { q.Members[1].Node.Version = "v2 d" }, Fail, "builds, : the members run v1 abc (n1, n3) and v2 d (n2)"},
		"a level is available": {func(q *Question) { q.Health.LevelAvailable = 2 }, Warning, "builds, : all processes speak level 2"},
		"an old front-end": {func(q *Question) {
			q.Members[2].Node.FrontEnds = []membership.FrontEnd{{ID: "f2", Version: "v0 x", ClusterID: "c1"}}
		}, Fail, "front-ends, f2: it runs \"v0 x\""},
		"a front-end that is mute": {func(q *Question) { q.Members[2].Node.FrontEnds = []membership.FrontEnd{{ID: "f2"}} }, Fail, "front-ends, f2: it runs \"\""},
		"a front-end of a birth": {func(q *Question) {
			q.Members[2].Node.FrontEnds = []membership.FrontEnd{{ID: "f2", Version: "v1 abc", ClusterID: "c0"}}
		}, Fail, "front-ends, f2: it knows another birth"},
		"a member has no key of pseudonyms": {keyed("n2"), Fail, "pseudonyms, n2: it has no key, the sale is under 0000cafe"},
		"a member has another key":          {keyed("n2", "0000beef"), Fail, "pseudonyms, n2: it has the key 0000beef, the sale is under 0000cafe"},
		"a front-end has another key":       {keyed("f1", "0000beef", "0000affe"), Fail, "pseudonyms, f1: it has the keys 0000beef, 0000affe, the sale is under"},
		"a member has another newest key":   {keyed("n3", "0000beef", "0000cafe"), Warning, "pseudonyms, n3: its newest key is 0000beef, another process' 0000cafe"},
		"a sale is in clear": {func(q *Question) {
			q.Members[1].Node.PseudonymKeys = []string{"0000cafe"}
		}, Fail, "pseudonyms, n2: it has the key 0000cafe, and the sale is under none"},
		"no front-end": {func(q *Question) {
			for i := range q.Members {
				q.Members[i].Node.FrontEnds = nil
			}
		}, Warning, "front-ends, : none is connected"},
		"a clock is seen to be off": {func(q *Question) { q.Members[1].Node.ClockAhead = 0.2 }, Warning, "clocks, n2: its clock is 0.200 s ahead"},
		"a clock is behind":         {func(q *Question) { q.Members[1].Node.ClockAhead = -1.5 }, Fail, "clocks, n2: its clock is -1.500 s ahead"},
		"a disk is small":           {func(q *Question) { q.Members[2].Node.FreeBytes = 1 << 30 }, Fail, "disk, n3: 768 MiB are free beside the reserve, 10000000 requests may take 953"},
		"a disk is below reserve":   {func(q *Question) { q.Members[2].Node.FreeBytes = 1 << 20 }, Fail, "disk, n3: 0 MiB are free"},
		"little memory":             {func(q *Question) { facts(q, "n1", func(f *membership.Facts) { f.Memory.Available = 512 << 20 }) }, Fail, "memory, n1: 512 MiB of memory are available, 200000 orders may take 542"},
		"memory is not known":       {func(q *Question) { facts(q, "n1", func(f *membership.Facts) { f.Memory.Available = 0 }) }, Warning, "memory, n1: it does not know"},
		"files are not known":       {func(q *Question) { facts(q, "n1", func(f *membership.Facts) { f.Files = membership.Files{} }) }, Warning, "files, n1: it does not know"},
		"half of the files":         {func(q *Question) { facts(q, "n1", func(f *membership.Facts) { f.Files.Open = 100_001 }) }, Warning, "files, n1: 100001 of 200000 files are open"},
		"a certificate ends":        {func(q *Question) { q.Members[0].Node.Certificates[0].NotAfter = now.Add(20 * time.Hour) }, Fail, "certificates, n1: its certificate for peers ends at 2026-12-02T16:00:00Z"},
		"the token ends":            {func(q *Question) { at := now.Add(time.Hour); q.TokenEnds = &at }, Warning, "token, : yours ends at 2026-12-01T21:00:00Z"},
		"no backup": {func(q *Question) {
			for id := range q.Facts {
				facts(q, id, func(f *membership.Facts) { f.BackupAt = nil })
			}
		}, Fail, "backup, : no member has given one"},
		"an old backup": {func(q *Question) {
			for id := range q.Facts {
				facts(q, id, func(f *membership.Facts) { f.BackupAt = &old })
			}
		}, Fail, "backup, n1: the newest is of 2026-11-30T19:00:00Z, 25h0m0s old"},
		"a node has other ticket keys": {func(q *Question) {
			facts(q, "n2", func(f *membership.Facts) { f.TicketKeys = "77e001b2" })
		}, Fail, "tickets, n2: it has keys 77e001b2 for tickets, n1 has keys 5f0c91ab"},
		"a node has no ticket keys": {func(q *Question) {
			facts(q, "n3", func(f *membership.Facts) { f.TicketKeys = membership.NoTicketKeys })
		}, Fail, "tickets, n3: it has no keys for tickets, n1 has keys 5f0c91ab"},
		"only the first has ticket keys not": {func(q *Question) {
			facts(q, "n1", func(f *membership.Facts) { f.TicketKeys = membership.NoTicketKeys })
		}, Fail, "tickets, n"},
		"nobody has ticket keys": {func(q *Question) {
			for id := range q.Facts {
				facts(q, id, func(f *membership.Facts) { f.TicketKeys = membership.NoTicketKeys })
			}
		}, Warning, "tickets, : no node has keys"},
		"a node takes no payments": {func(q *Question) { facts(q, "n2", func(f *membership.Facts) { f.Provider = nil }) }, Fail, "provider, n2: it takes no payments"},
		"the provider is silent":   {on("n2", func(p *membership.Provider) { p.Error = "no route" }), Fail, "provider, n2: its payment provider does not answer: no route"},
		"another account":          {on("n2", func(p *membership.Provider) { p.Account, p.Accepted = "stripe/live/b", "" }), Fail, "provider, n2: it speaks for account stripe/live/b, another node for stripe/live/a"},
		"it is not accepted":       {on("n2", func(p *membership.Provider) { p.Account = "stripe/test/a" }), Fail, "provider, n2: it speaks for account stripe/test/a, new charges are made under stripe/live/a"},
		"no money moves":           {each(func(p *membership.Provider) { p.Account, p.Accepted = "stripe/test/a", "" }), Warning, "provider, : account stripe/test/a moves no money"},
		"a test moves money":       {func(q *Question) { q.Sale.Test = true }, Fail, "provider, : account stripe/live/a moves money, and the sale is a test"},
		"no webhook came":          {each(func(p *membership.Provider) { p.NoticeAt = nil }), Warning, "webhooks, : none came"},
		"all webhooks are refused": {each(func(p *membership.Provider) { p.NoticeAt, p.BadNotices = nil, 2 }), Fail, "webhooks, : 6 came, and all were refused"},
		"no webhook came lately":   {each(func(p *membership.Provider) { p.NoticeAt = &old }), Warning, "webhooks, : the newest came at 2026-11-30T19:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			q := ready()
			c.change(q)
			lines := Judge(q)
			var found []string
			for _, l := range lines {
				if l.Verdict == OK {
					continue
				}
				text := fmt.Sprintf("%s, %s: %s", l.Check, l.Member, l.Detail)
				if found = append(found, text); l.Verdict != c.verdict || !strings.HasPrefix(text, c.line) || l.Action == "" && l.Check != "sale" {
					t.Errorf("%s, %q: want %s, %s", l.Verdict, text, c.verdict, c.line)
				}
			}
			if len(found) == 0 || Worst(lines) != c.verdict || lines[0].Verdict != c.verdict {
				t.Errorf("found %q, the worst is %s", found, Worst(lines))
			}
		})
	}
}

// A sale that costs nothing needs no provider, and a node without front-ends needs files for buyers.
func TestWhatIsNeeded(t *testing.T) {
	q := ready()
	q.Sale.Price = 0
	for id, f := range q.Facts {
		f.Provider = nil
		q.Facts[id] = f
	}
	if lines := Judge(q); Worst(lines) != OK {
		t.Errorf("%+v", lines)
	}
	q = ready()
	for i := range q.Members {
		q.Members[i].Node.FrontEnds = nil
	}
	f := q.Facts["n3"]
	f.Files.Buyers = 45
	q.Facts["n3"] = f
	if lines := Judge(q); lines[0].Check != "files" || lines[0].Member != "n3" || lines[0].Verdict != Fail {
		t.Errorf("%+v", lines)
	}
}

// Members that do not answer are said once, and what they would have said is left out.
func TestNobodyAnswers(t *testing.T) {
	q := ready()
	q.Health = membership.Health{Voters: 3, Quorum: 2}
	for i := range q.Members {
		m := &q.Members[i]
		m.Healthy, m.Reason, m.Node = false, "no connection", nil
		q.Silent[m.ID] = "no connection"
		delete(q.Facts, m.ID)
	}
	counts := map[string]int{}
	for _, l := range Judge(q) {
		if l.Verdict == Fail {
			counts[l.Check]++
		}
	}
	if counts["members"] != 4 || counts["backup"] != 1 || len(counts) != 2 {
		t.Errorf("%v", counts)
	}
}
