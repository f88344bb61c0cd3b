package main

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"onsale/bench"
)

// Every figure that is defined is measured by exactly one step of the full profile, and
// by one of the quick profile unless it is for the full one.
func TestStepsMeasureEverything(t *testing.T) {
	for _, p := range []*profile{full(), quick()} {
		by := map[string]int{}
		names := map[string]bool{}
		for _, s := range steps(p) {
			if names[s.id] || s.limit <= 0 || s.what == "" {
				t.Errorf("%s: step %+v", p.name, s)
			}
			names[s.id] = true
			for _, id := range s.figures() {
				by[id]++
			}
		}
		for _, d := range definitions {
			want := 1
			if d.set&fullOnly != 0 && p.name == quick().name {
				want = 0
			}
			if by[d.id] != want {
				t.Errorf("%s: %d steps measure %s, want %d", p.name, by[d.id], d.id, want)
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
		{"Apply/selling", []value{{98.2, "ns/op"}, {10183299, "decisions/s"}, {0, "B/op"}, {0, "allocs/op"}}},
		{"Commit/nodes=3/batch=8000/soldout", []value{{3547, "ns/op"}, {9390, "decisions/fsync"}, {281927, "decisions/s"}}},
		{"Slow", []value{{5, "ns/op"}}},
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
	logs := func(worst float64) (m marks) {
		for _, batch := range logBatches {
			for _, bytes := range logBytes {
				ratio := 1.1
				if batch == 10 && bytes == 1024 {
					ratio = worst
				}
				m = append(m, mark{"StoreLogs/batch=" + itoa(batch) + "/bytes=" + itoa(bytes), []value{
					{1000, "ours-entries/s"}, {1000, "bare-entries/s"}, {400, "raft-boltdb-entries/s"}, {900, "raft-wal-entries/s"},
					{1, "ours/bare"}, {2.5, "ours/raft-boltdb"}, {ratio, "ours/raft-wal"},
				}})
			}
		}
		return m
	}
	m := logs(0.8)
	o, err := logOutcome([]marks{m, m})
	if err != nil {
		t.Fatal(err)
	}
	f := o.figures[1]
	if f.id != "T3.raftwal" || f.ratio() != 0.8 || f.detail != "batches of 10, 1024 bytes each" || len(f.rounds) != 2 {
		t.Errorf("%+v", f)
	}
	if _, err := logOutcome([]marks{m[1:]}); !errors.Is(err, errOutput) {
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
	if err != nil || len(o.lines) != 10 || len(o.figures) != 10 {
		t.Fatalf("%v; %+v", err, o)
	}
	d := &document{steps: []stepRecord{{id: "peers", outcome: o}}}
	if f, _ := d.find("T5.redis.one.selling"); f.ratio() != 3.5 || f.rounds[0].ratio != 4 || f.rounds[1].ratio != 3 {
		t.Errorf("%+v", f)
	}
	if f, _ := d.find("T4.node.soldout"); f.rounds[1].measured != 120 || f.ratio() != 0.9 {
		t.Errorf("%+v", f)
	}
	found.Contestants = found.Contestants[:3]
	if _, err := peerOutcome(found); !errors.Is(err, errOutput) {
		t.Errorf("without a peer: %v", err)
	}
}

func TestLatencyLines(t *testing.T) {
	steady := func(rate int, ms float64, late uint64) bench.SteadyReport {
		return bench.SteadyReport{Phase: "selling", Rate: rate, Requests: 100, Unanswered: late, Millis: map[string]float64{"p50": ms, "p99": 10 * ms}}
	}
	lines := latencyLines(&bench.Comparison{Contestants: []bench.Contestant{
		{Name: "a shop", Steady: []bench.SteadyReport{steady(500, 1, 0), steady(2000, 2, 7)}}}})
	want := "BenchmarkLatency/name=a_shop/phase=selling/rate=2000 1 2 p50-ms 20 p99-ms 0 servers-CPU-µs 7 unanswered"
	if len(lines) != 2 || lines[1].String() != want {
		t.Errorf("%v", lines)
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
