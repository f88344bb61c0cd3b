package main

import (
	"errors"
	"os"
	"os/exec"
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
	if err := m.find("Apply/selling", "hectares", new(float64)); !errors.Is(err, errOutput) {
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
		"bench/peers/shop.go":               {nameBare, nameRedis, namePostgres, nameCalls, nameRowLock},
		"bench/peers/direct_bench_test.go":  {"func BenchmarkDirect(", `"name="+d.name+"/phase="+phase`, `"decisions/s"`},
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
		for _, batch := range []int{1, 10, 100} {
			for _, bytes := range []int{24, 1024} {
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
	c := collected{}
	for range 2 {
		if err := logs(0.8).add(c, logReadings()...); err != nil {
			t.Fatal(err)
		}
	}
	f := c.figures()[1]
	if f.id != "T3.raftwal" || f.ratio() != 0.8 || f.detail != "batch=10/bytes=1024" || len(f.rounds) != 2 {
		t.Errorf("%+v", f)
	}
	if err := logs(0.8)[1:].add(c, logReadings()...); !errors.Is(err, errOutput) {
		t.Error(err)
	}
}

func TestPeerFigures(t *testing.T) {
	of := func(name string, rates ...float64) bench.Contestant {
		c := bench.Contestant{Name: name}
		for _, r := range rates {
			c.Rounds = append(c.Rounds, bench.Round{
				bench.PartOf("selling", 0):  {bench.UnitRate: r, bench.UnitServersCPU: 100 / r},
				bench.PartOf("sold_out", 0): {bench.UnitRate: 2 * r, bench.UnitServersCPU: 50 / r}})
		}
		return c
	}
	all := []bench.Contestant{of(nameOne, 40, 60), of(nameThree, 30, 30), of(nameRedis, 10, 20), of(namePostgres, 1, 1), of(nameCalls, 5, 5), of(nameRowLock, 1, 1), of(nameBare, 50, 60)}
	c := collected{}
	err := peerFigures(all, c)
	figures := c.figures()
	lines := contestantLines(peerMark, all, bench.UnitRate)
	if err != nil || len(lines) != 28 || len(figures) != 26 {
		t.Fatalf("%v; %+v; %+v", err, lines, figures)
	}
	d := &document{steps: []stepRecord{{id: "peers", figures: figures}}}
	if f, _ := d.find("T5.redis-batched.one.selling"); f.ratio() != 3.5 || f.rounds[0].ratio != 4 || f.rounds[1].ratio != 3 {
		t.Errorf("%+v", f)
	}
	if f, _ := d.find("T4.node.soldout"); f.rounds[1].measured != 120 || f.ratio() != 0.9 {
		t.Errorf("%+v", f)
	}
	if f, _ := d.find("T4.cpu.selling"); f.rounds[0].measured != 2.5 || f.rounds[0].ratio != 1.25 {
		t.Errorf("%+v", f)
	}
	if err := peerFigures(all[:3], c); !errors.Is(err, errOutput) {
		t.Errorf("without a peer: %v", err)
	}
}

func TestLatencyOutcome(t *testing.T) {
	steady := func(ms float64, late float64) map[string]float64 {
		return map[string]float64{bench.UnitP50: ms, bench.UnitP99: 10 * ms, bench.UnitServersCPU: 100 * ms, bench.UnitUnanswered: late}
	}
	all := []bench.Contestant{{Name: "a shop", Rounds: []bench.Round{{"phase=selling/rate=500": steady(1, 0)}}},
		{Name: nameOne, Rounds: []bench.Round{{"phase=selling/rate=2000": steady(2, 7)}}}}
	c := collected{}
	latencyFigures(all, c)
	figures, lines := c.figures(), latencyLines(all)
	want := "BenchmarkLatency/name=onsale/phase=selling/rate=2000 1 2 p50-ms 20 p99-ms 200 servers-CPU-µs 7 unanswered"
	if len(lines) != 2 || lines[1].String() != want {
		t.Errorf("%v", lines)
	}
	if len(figures) != 1 || figures[0].id != "T10.selling" || figures[0].measured() != 200 {
		t.Errorf("%+v", figures)
	}
}

// A million may be reached within the first second, or never.
func TestRateOfMillion(t *testing.T) {
	rows := []bench.CourseRow{{Seconds: 1, Decided: 600_000}, {Seconds: 1, Decided: 500_000}, {Seconds: 1, Decided: 9}}
	for want, rows := range map[float64][]bench.CourseRow{550_000: rows, 600_000: rows[:1], 0: nil} {
		if got := rateOfMillion(rows); got != want {
			t.Errorf("%v of %v, want %v", got, rows, want)
		}
	}
}

// The folder that everybody has is on a disk.
func TestMountOf(t *testing.T) {
	if _, err := exec.LookPath("findmnt"); err != nil {
		t.Skip("findmnt, which tells disks, is not installed")
	}
	if device, fileSystem := mountOf(t.Context(), "/"); device == "unknown" || fileSystem == "unknown" {
		t.Errorf("/ is on %s, %s", device, fileSystem)
	}
	if device, _ := mountOf(t.Context(), "/no/such/folder"); device != "unknown" {
		t.Errorf("nothing is on %s", device)
	}
}
