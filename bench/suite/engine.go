package main

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"
)

// testBinary compiles a package's benchmarks.
func testBinary(dir string) []string {
	root := strings.Repeat("../", strings.Count(dir, "/")+1)
	return []string{dir, "go", "test", "-c", "-o", root + binaryOf(dir), "."}
}

func binaryOf(dir string) string { return "bin/" + path.Base(dir) + ".test" }

// reading says which line of benchmarks has a figure: one number, one with what it is
// compared with and their ratio, or one whose ratio is to the same of another line.
type reading struct {
	figure, mark, measured string
	compared, ratio        string // units
	to                     string // another line's name
}

// add adds a round of each figure.
func (m marks) add(c collected, readings ...reading) error {
	for _, r := range readings {
		var one round
		errs := []error{m.find(r.mark, r.measured, &one.measured)}
		switch {
		case r.ratio != "":
			errs = append(errs, m.find(r.mark, r.compared, &one.compared), m.find(r.mark, r.ratio, &one.ratio))
		case r.to != "":
			errs = append(errs, m.find(r.to, r.measured, &one.compared))
			one = ratioOf(one.measured, one.compared)
		}
		if err := errors.Join(errs...); err != nil {
			return err
		}
		c.add(r.figure, one)
	}
	return nil
}

// rulesStep is T1.
func rulesStep(p *profile) step {
	var readings []reading
	for phase, mark := range map[string]string{"selling": "Apply/selling", "soldout": "Apply/soldout/holders=100000"} {
		holders := "Apply/" + phase + "/holders="
		readings = append(readings, reading{figure: "T1." + phase, mark: mark, measured: "decisions/s"},
			reading{figure: "T1.allocations." + phase, mark: mark, measured: "allocs/op"},
			reading{figure: "T1.holders." + phase, mark: holders + "10000000", measured: "ns/op", to: holders + "100000"})
	}
	runs := [][]string{
		{"^BenchmarkApply$/^selling$", times(p.sellingDecisions), "-test.skip", "/selling/holders"},
		{"^BenchmarkApply$/^selling$/^holders=", times(p.holderDecisions)},
		{"^BenchmarkApply$/^soldout$/^holders=", times(3 * p.holderDecisions)},
	}
	return step{id: "rules", what: "State.Apply alone, on one goroutine", targets: []string{"T1"}, fills: []string{"T1."},
		limit: 6 * time.Minute, builds: [][]string{testBinary("sequencer")},
		run: inRounds(p.rounds, func(ctx context.Context, x *executor, _ int, c collected) error {
			m, err := x.benchmarks(ctx, "sequencer", runs...)
			if err != nil {
				return err
			}
			return m.add(c, readings...)
		})}
}

// commitStep is T2: with raft as it is, and through raft with our log and with raft-boltdb.
func commitStep(p *profile) step {
	var readings []reading
	for nodes, name := range map[int]string{1: "one", 3: "three"} {
		for _, phase := range []string{"selling", "soldout"} {
			readings = append(readings, reading{figure: "T2." + name + "." + phase, measured: "decisions/s",
				mark: fmt.Sprintf("Commit/nodes=%d/batch=8000/%s", nodes, phase)})
		}
		readings = append(readings, reading{figure: "T2.lone." + name, mark: fmt.Sprintf("LoneRequest/nodes=%d", nodes),
			measured: "median-µs", compared: "bare-µs", ratio: "ratio"})
	}
	for bytes, requests := range map[int]int{80: 1, 24_000: 1000, 192_000: 8000} {
		readings = append(readings, reading{figure: fmt.Sprintf("T2.boltdb.%d", requests), mark: fmt.Sprintf("Commit/bytes=%d", bytes),
			measured: "ours-µs", compared: "raft-boltdb-µs", ratio: "times-faster"})
	}
	return step{id: "commit", what: "inbox, raft, fsync, decision, journal, answer in one process",
		targets: []string{"T2"}, fills: []string{"T2."}, limit: 6 * time.Minute,
		builds: [][]string{testBinary("raftfsm"), testBinary("bench/logstores")},
		run: inRounds(p.rounds, func(ctx context.Context, x *executor, _ int, c collected) error {
			m, err := x.benchmarks(ctx, "raftfsm", []string{"^BenchmarkCommit$/^nodes=/^batch=8000$", times(p.commitDecisions)},
				[]string{"^BenchmarkLoneRequest$", times(p.loneRequests)})
			if err != nil {
				return err
			}
			stores, err := x.benchmarks(ctx, "bench/logstores", []string{"^BenchmarkCommit$", times(p.entries)})
			if err != nil {
				return err
			}
			return append(m, stores...).add(c, readings...)
		})}
}

// logReadings are T3's, each figure in several settings, of which the worst counts.
func logReadings() (all []reading) {
	for figure, other := range map[string]string{"T3.boltdb": "raft-boltdb", "T3.raftwal": "raft-wal", "T3.bare": "bare"} {
		for _, batch := range []int{1, 10, 100} {
			for _, bytes := range []int{24, 1024} {
				setting := fmt.Sprintf("batch=%d/bytes=%d", batch, bytes)
				all = append(all, reading{figure: figure + " " + setting, mark: "StoreLogs/" + setting,
					measured: "ours-entries/s", compared: other + "-entries/s", ratio: "ours/" + other})
			}
		}
	}
	return all
}

// logStep is T3.
func logStep(p *profile) step {
	return step{id: "log", what: "the log stores in turn", targets: []string{"T3"}, fills: []string{"T3."},
		limit: 3 * time.Minute, builds: [][]string{testBinary("bench/logstores")},
		run: inRounds(p.rounds, func(ctx context.Context, x *executor, _ int, c collected) error {
			m, err := x.benchmarks(ctx, "bench/logstores", []string{"^BenchmarkStoreLogs$", times(p.entries)})
			if err != nil {
				return err
			}
			return m.add(c, logReadings()...)
		})}
}

// directStep is T5 engine to engine.
func directStep(p *profile) step {
	var readings []reading
	mark := func(name, phase string) string {
		return "Direct/name=" + strings.ReplaceAll(name, " ", "_") + "/phase=" + phase
	}
	for figure, peer := range map[string]string{"T5.direct.redis": nameRedis, "T5.direct.postgres": namePostgres} {
		for phase, suffix := range map[string]string{"selling": ".selling", "sold_out": ".soldout"} {
			readings = append(readings, reading{figure: figure + suffix, mark: mark(nameOne, phase), measured: "decisions/s", to: mark(peer, phase)})
		}
	}
	return step{id: "direct", what: "our engine and the best peers' without HTTP, in turns", targets: []string{"T5"},
		fills: []string{"T5.direct."}, limit: 6 * time.Minute, builds: [][]string{testBinary("bench/peers")},
		run: inRounds(p.rounds, func(ctx context.Context, x *executor, _ int, c collected) error {
			m, err := x.benchmarks(ctx, "bench/peers", []string{"^BenchmarkDirect$/^name=(onsale|.*,_batched)$", times(p.directDecisions)})
			if err != nil {
				return err
			}
			return m.add(c, readings...)
		})}
}

// apiStep is T4's comparison of the API alone.
func apiStep(p *profile) step {
	return step{id: "api", what: "the API over a backend that answers at once, and bare fasthttp, in turns",
		targets: []string{"T4"}, fills: []string{"T4.api"}, limit: 4 * time.Minute, builds: [][]string{testBinary("api")},
		run: inRounds(p.rounds, func(ctx context.Context, x *executor, _ int, c collected) error {
			m, err := x.benchmarks(ctx, "api", []string{"^BenchmarkBuyAgainstBare$", times(p.apiRequests)})
			if err != nil {
				return err
			}
			return m.add(c, reading{figure: "T4.api", mark: "BuyAgainstBare", measured: "api-req/s", compared: "bare-req/s",
				ratio: "api/bare"})
		})}
}
