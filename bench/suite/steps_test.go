package suite

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"onsale/bench"
	"onsale/bench/result"
)

// Every figure that is defined is measured by exactly one step of the full profile, and
// by one of the quick profile unless it is for the full one.
func TestStepsMeasureEverything(t *testing.T) {
	for _, p := range []Profile{Full(), Quick()} {
		by := map[string]int{}
		names := map[string]bool{}
		for _, s := range steps(p) {
			if names[s.id] || s.limit <= 0 || s.what == "" {
				t.Errorf("%s: step %+v", p.Name, s)
			}
			names[s.id] = true
			for _, id := range s.figures() {
				by[id]++
			}
		}
		for _, target := range result.Targets {
			for _, d := range result.DefinitionsOf(target.ID) {
				want := 1
				if d.FullOnly && p.Name == Quick().Name {
					want = 0
				}
				if by[d.ID] != want {
					t.Errorf("%s: %d steps measure %s, want %d", p.Name, by[d.ID], d.ID, want)
				}
			}
		}
	}
}

func TestParseMarks(t *testing.T) {
	m := parseMarks([]byte(`goos: linux
BenchmarkApply/selling-2         	 5000000	       98.20 ns/op	  10183299 decisions/s	       0 B/op	       0 allocs/op
BenchmarkCommit/nodes=3/batch=8000/soldout-16 	 2000000	  3547 ns/op	 9390 decisions/fsync	 281927 decisions/s
BenchmarkSlow
BenchmarkSlow-2  	 1	 5 ns/op
PASS`))
	want := marks{
		"Apply/selling":                     {"ns/op": 98.2, "decisions/s": 10183299, "B/op": 0, "allocs/op": 0},
		"Commit/nodes=3/batch=8000/soldout": {"ns/op": 3547, "decisions/fsync": 9390, "decisions/s": 281927},
		"Slow":                              {"ns/op": 5},
	}
	if !reflect.DeepEqual(m, want) {
		t.Errorf("%v\nwant %v", m, want)
	}
	if _, err := m.get("Apply/selling", "hectares"); !errors.Is(err, errOutput) {
		t.Error(err)
	}
}

// The benchmarks whose lines are read are there: a renamed one breaks its step.
func TestBenchmarksExist(t *testing.T) {
	for file, names := range map[string][]string{
		"sequencer/apply_bench_test.go": {"func BenchmarkApply(", `"selling"`, `"selling/holders=%d"`, `"soldout/holders=%d"`, `"decisions/s"`},
		"raftfsm/commit_bench_test.go": {"func BenchmarkCommit(", "func BenchmarkLoneRequest(", `"nodes=%d/batch=%d/%s"`, "8000", `"nodes=%d"`, `"ratio"`, `"median-µs"`,
			`"bare-µs"`},
		"bench/logstores/commit_test.go":    {"func BenchmarkCommit(", `"ours-µs"`, `"raft-boltdb-µs"`, `"times-faster"`},
		"bench/logstores/logstores_test.go": {"func BenchmarkStoreLogs(", `"batch=%d/bytes=%d"`, `"-entries/s"`, `"ours/"`},
		"bench/peers/shop.go":               {nameBare, nameRedis, nameRowLock},
		"api/buy_bench_test.go":             {"func BenchmarkBuyAgainstBare(", `"api-req/s"`, `"bare-req/s"`, `"api/bare"`},
	} {
		data, err := os.ReadFile(filepath.Join("../..", file))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if !strings.Contains(string(data), name) {
				t.Errorf("%s has no %s any more; bench/suite reads it", file, name)
			}
		}
	}
}

func TestLogOutcomeIsTheWorst(t *testing.T) {
	m := marks{}
	for _, batch := range logBatches {
		for _, bytes := range logBytes {
			m["StoreLogs/batch="+itoa(batch)+"/bytes="+itoa(bytes)] = map[string]float64{
				"ours-entries/s": 1000, "bare-entries/s": 1000, "raft-boltdb-entries/s": 400, "raft-wal-entries/s": 900,
				"ours/bare": 1, "ours/raft-boltdb": 2.5, "ours/raft-wal": 1.1,
			}
		}
	}
	m["StoreLogs/batch=10/bytes=1024"]["ours/raft-wal"] = 0.8
	o, err := logOutcome([]marks{m, m})
	if err != nil {
		t.Fatal(err)
	}
	f := o.Figures[1]
	if f.ID != "T3.raftwal" || *f.Ratio != 0.8 || f.Detail != "batches of 10, 1024 bytes each" || len(f.Rounds) != 2 || len(o.Curves) != 2 || len(o.Curves[0].Series) != 4 {
		t.Errorf("%+v, %d curves", f, len(o.Curves))
	}
	delete(m["StoreLogs/batch=1/bytes=24"], "ours/bare")
	if _, err := logOutcome([]marks{m}); !errors.Is(err, errOutput) {
		t.Error(err)
	}
}

func TestPeerOutcome(t *testing.T) {
	of := func(name string, rates ...float64) bench.Contestant {
		c := bench.Contestant{Name: name}
		for _, r := range rates {
			var round bench.Round
			round.Selling.Rate, round.SoldOut.Rate = r, 2*r
			c.Rounds = append(c.Rounds, round)
		}
		return c
	}
	found := &bench.Comparison{Contestants: []bench.Contestant{
		of(nameOne, 40, 60), of(nameThree, 30, 30), of(nameRedis, 10, 20), of(nameRowLock, 1, 1), of(nameBare, 50, 60)}}
	o, err := peerOutcome(found)
	if err != nil || len(o.Peers) != 5 || len(o.Figures) != 10 {
		t.Fatalf("%v; %+v", err, o)
	}
	d := &result.Document{Steps: []result.Step{{ID: "peers", Outcome: o}}}
	if f, _ := d.Find("T5.redis.one.selling"); *f.Ratio != 3.5 || f.Rounds[0].Ratio != 4 || f.Rounds[1].Ratio != 3 {
		t.Errorf("%+v", f)
	}
	if f, _ := d.Find("T4.node.soldout"); f.Rounds[1].Measured != 120 || *f.Ratio != 0.9 {
		t.Errorf("%+v", f)
	}
	found.Contestants = found.Contestants[:3]
	if _, err := peerOutcome(found); !errors.Is(err, errOutput) {
		t.Errorf("without a peer: %v", err)
	}
}

func TestLatencyCurves(t *testing.T) {
	steady := func(rate int, ms float64, late uint64) bench.SteadyReport {
		return bench.SteadyReport{Phase: "selling", Rate: rate, Requests: 100, Unanswered: late, Millis: map[string]float64{"p50": ms, "p99": 10 * ms}}
	}
	curves := latencyCurves(&bench.Comparison{Contestants: []bench.Contestant{
		{Name: "a", Steady: []bench.SteadyReport{steady(500, 1, 0), steady(2000, 2, 7)}}, {Name: "b", Steady: []bench.SteadyReport{steady(500, 0, 100)}}}})
	if len(curves) != 2 || len(curves[0].Series) != 1 || curves[1].Series[0].Points[1] != (result.Point{X: 2000, Y: 20}) {
		t.Fatalf("%+v", curves)
	}
	for _, c := range curves {
		if err := c.Validate(); err != nil {
			t.Error(err)
		}
		if !strings.Contains(c.Note, "a 7 of 100 at 2000/s") {
			t.Errorf("note %q", c.Note)
		}
	}
}

func TestMountOf(t *testing.T) {
	mounts := "/dev/vda / ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n/dev/vdb /tmp/data xfs rw 0 0\n"
	for folder, want := range map[string]string{"/tmp/data/x": "/dev/vdb xfs", "/tmp/database": "tmpfs tmpfs", "/home": "/dev/vda ext4"} {
		device, fileSystem := mountOf(folder, mounts)
		if device+" "+fileSystem != want {
			t.Errorf("%s: %s %s, want %s", folder, device, fileSystem, want)
		}
	}
}
