package capacity

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"onsale/bench/growth"
	"onsale/bench/result"
)

func series(curve, name string, points ...result.Point) result.Curve {
	return result.Curve{Name: curve, Series: []result.Series{{Name: name, Points: points}}}
}

// document is one whose numbers are easy to multiply.
func document() *result.Document {
	return &result.Document{Machine: result.Machine{CPU: "Abacus", Cores: 2}, Source: result.Source{Commit: "abc"}, Started: time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC),
		Steps: []result.Step{
			{ID: "speed", Outcome: result.Outcome{
				Figures: []result.Figure{{ID: "T7.selling", Measured: 2}, {ID: "T7.soldout", Measured: 1}, {ID: "T2.one.selling", Measured: 2e6}, {ID: "T2.one.soldout", Measured: 8e6, Error: ""},
					{ID: "T2.lone.three", Measured: 300}, {ID: "T9.restart", Error: "it did not start"}},
				Peers: []result.Peer{{Name: "onsale", Nodes: 3, Selling: result.PeerPhase{ServerMicroseconds: 99}}, {Name: "onsale", Nodes: 1,
					Selling: result.PeerPhase{ServerMicroseconds: 30}, SoldOut: result.PeerPhase{ServerMicroseconds: 24}}}}},
			{ID: "growth", Outcome: result.Outcome{Curves: []result.Curve{
				series(growth.MemoryByHolders, "an order", result.Point{X: 1, Y: 1000}, result.Point{X: 1e7, Y: 100}),
				series(growth.MemoryByWaiting, "an order", result.Point{X: 1e7, Y: 110}), series(growth.MemoryByBuyers, "state", result.Point{X: 1e7, Y: 300e6}),
				series(growth.BytesByJournal, "journal", result.Point{X: 1e6, Y: 24e6}), series(growth.BytesByJournal, "raft log written", result.Point{X: 1e6, Y: 14e6}),
				series(growth.TimeByJournal, "audit", result.Point{X: 1e6, Y: 2})}}},
		}}
}

var hot = Load{RequestsPerSecond: 500_000, Requests: 5e6, Tickets: 100_000, Waitlist: 1e6, Replicas: 3, Utilisation: 0.5}

func TestPlan(t *testing.T) {
	in := InputOf(document())
	needs, err := Plan(&in, hot)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{
		"front-ends, cores in all":                 30,
		"leader, cores":                            2,
		"part of one leader's limit, sold out":     6.25,
		"part of one leader's limit, selling":      25,
		"orders are made for, then it is sold out": 2.2,
		"clusters, when it is several sales'":      1,
		"state in each replica's memory":           10 + 110 + 300,
		"journal, disk of each replica":            40 * 5e6 / 1e9,
		"journal, written by each replica":         20,
		"raft log, written by each replica":        15,
		"network into the leader":                  120,
		"network from the leader to 2 replicas":    240,
		"audit of the whole journal, one core":     10,
	}
	for _, n := range needs {
		if value, expected := want[n.What]; !expected || !n.Known || n.Beyond || math.Abs(n.Value-value) > 1e-9 || n.From == "" {
			t.Errorf("%+v, expected %v", n, value)
		}
	}
	if len(needs) != len(want) {
		t.Errorf("%d needs, expected %d", len(needs), len(want))
	}
}

// What was not measured is said to be so, and what is beyond what was measured too.
func TestPlanOfNothing(t *testing.T) {
	in := InputOf(&result.Document{})
	l := hot
	l.RequestsPerSecond = 5e6
	needs, err := Plan(&in, l)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range needs {
		if strings.HasPrefix(n.What, "orders are made") {
			continue
		}
		if n.Known || n.Amount() != "not measured" || !n.Beyond {
			t.Errorf("%+v", n)
		}
	}
	if in := InputOf(document()); in.Restart.Known || spell(in.Restart) != "(not measured: T9.restart)" {
		t.Errorf("%+v", in.Restart)
	}
}

func TestLoadIsChecked(t *testing.T) {
	for _, change := range []func(*Load){
		func(l *Load) { l.RequestsPerSecond = 0 }, func(l *Load) { l.RequestsPerSecond = math.NaN() }, func(l *Load) { l.Requests = 1 }, func(l *Load) { l.Tickets = 0 },
		func(l *Load) { l.Waitlist = 1e12 }, func(l *Load) { l.Replicas = 0 }, func(l *Load) { l.Utilisation = 1.1 }, func(l *Load) { l.Utilisation = math.NaN() },
	} {
		l := hot
		change(&l)
		if _, err := Plan(&Input{}, l); !errors.Is(err, ErrLoad) {
			t.Errorf("%+v: %v", l, err)
		}
	}
}

func TestMarkdown(t *testing.T) {
	in := InputOf(document())
	l := hot
	l.RequestsPerSecond, l.Requests = 5e6, 50e6
	text, err := Markdown(&in, []Load{hot, l})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Measured on 2 cores of Abacus, commit abc, 2026-11-25; load average 0 before, 0 after.", "| commit path of one process, sold out | 8 M/s | T2.one.soldout |",
		"| restart after 10 million decisions | not measured | T9.restart |", "### 5 M requests at 500 k a second", "| front-ends, cores in all | 30 cores | 500 k/s x 30 µs / 50 % of a core |",
		"| front-ends, cores in all | 300 cores (extrapolated) |", "| network into the leader | 1200 Mbit/s (extrapolated) | 5 M/s x 30 B |"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	page, err := Insert("# Title\n"+beginMark+"\nstale tables\n"+endMark+"\nrest\n", text)
	if err != nil || !strings.HasPrefix(page, "# Title\n"+beginMark+"\nMeasured") || !strings.HasSuffix(page, endMark+"\nrest\n") || strings.Contains(page, "stale") {
		t.Errorf("%v\n%s", err, page)
	}
	again, err := Insert(page, text)
	if err != nil || again != page {
		t.Errorf("%v: a second time it is\n%s", err, again)
	}
	if _, err := Insert("# Title\n"+endMark+beginMark, text); !errors.Is(err, ErrMarks) {
		t.Errorf("%v", err)
	}
}
