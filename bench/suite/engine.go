package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// testBinary compiles a package's benchmarks.
func testBinary(name, dir string) []string {
	root := strings.Repeat("../", strings.Count(dir, "/")+1)
	return []string{dir, "go", "test", "-c", "-o", root + "bin/" + name + ".test", "."}
}

// rulesStep is T1.
func rulesStep(p *profile) step {
	return step{id: "rules", what: "State.Apply alone, on one goroutine", targets: []string{"T1"}, fills: []string{"T1."},
		limit: 6 * time.Minute, builds: [][]string{testBinary("sequencer", "sequencer")},
		run: inRounds(p.rounds, func(ctx context.Context, x *executor, c collected) error { return applyRound(ctx, x, p, c) })}
}

// applyRound measures every kind once.
func applyRound(ctx context.Context, x *executor, p *profile, c collected) error {
	var all marks
	for _, run := range []struct {
		pattern, times string
		more           []string
	}{
		{"^BenchmarkApply$/^selling$", times(p.sellingDecisions), []string{"-test.skip", "/selling/holders"}},
		{"^BenchmarkApply$/^selling$/^holders=", times(p.holderDecisions), nil},
		{"^BenchmarkApply$/^soldout$/^holders=", times(3 * p.holderDecisions), nil},
	} {
		m, err := x.benchmark(ctx, "sequencer", "bin/sequencer.test", run.pattern, run.times, run.more...)
		if err != nil {
			return err
		}
		all = append(all, m...)
	}
	return addApply(all, c)
}

func addApply(m marks, c collected) error {
	for phase, mark := range map[string]string{"selling": "Apply/selling", "soldout": "Apply/soldout/holders=100000"} {
		err := errors.Join(addMeasured(m, c, "T1."+phase, mark, "decisions/s"),
			addMeasured(m, c, "T1.allocations."+phase, mark, "allocs/op"))
		if err != nil {
			return err
		}
		few, err := m.get("Apply/"+phase+"/holders=100000", "ns/op")
		if err != nil {
			return err
		}
		many, err := m.get("Apply/"+phase+"/holders=10000000", "ns/op")
		if err != nil {
			return err
		}
		c.add("T1.holders."+phase, ratioOf(many, few))
	}
	return nil
}

// commitStep is T2.
func commitStep(p *profile) step {
	return step{id: "commit", what: "inbox, raft, fsync, decision, journal, answer in one process",
		targets: []string{"T2"}, fills: []string{"T2."}, limit: 6 * time.Minute,
		builds: [][]string{testBinary("raftfsm", "raftfsm"), testBinary("logstores", "bench/logstores")},
		run:    inRounds(p.rounds, func(ctx context.Context, x *executor, c collected) error { return commitRound(ctx, x, p, c) })}
}

func commitRound(ctx context.Context, x *executor, p *profile, c collected) error {
	m, err := x.benchmark(ctx, "raftfsm", "bin/raftfsm.test", "^BenchmarkCommit$/^nodes=/^batch=8000$", times(p.commitDecisions))
	if err != nil {
		return err
	}
	lone, err := x.benchmark(ctx, "raftfsm", "bin/raftfsm.test", "^BenchmarkLoneRequest$", times(p.loneRequests))
	if err != nil {
		return err
	}

	for nodes, name := range map[int]string{1: "one", 3: "three"} {
		for _, phase := range []string{"selling", "soldout"} {
			mark := fmt.Sprintf("Commit/nodes=%d/batch=8000/%s", nodes, phase)
			if err := addMeasured(m, c, "T2."+name+"."+phase, mark, "decisions/s"); err != nil {
				return err
			}
		}
		mark := fmt.Sprintf("LoneRequest/nodes=%d", nodes)
		if err := addRatio(lone, c, "T2.lone."+name, mark, "median-µs", "bare-µs", "ratio"); err != nil {
			return err
		}
	}
	return boltRound(ctx, x, p, c)
}

// boltRound commits through raft with our log and with raft-boltdb.
func boltRound(ctx context.Context, x *executor, p *profile, c collected) error {
	m, err := x.benchmark(ctx, "bench/logstores", "bin/logstores.test", "^BenchmarkCommit$", times(p.entries))
	if err != nil {
		return err
	}
	for bytes, requests := range map[int]int{80: 1, 24_000: 1000, 192_000: 8000} {
		figure, mark := fmt.Sprintf("T2.boltdb.%d", requests), fmt.Sprintf("Commit/bytes=%d", bytes)
		if err := addRatio(m, c, figure, mark, "ours-µs", "raft-boltdb-µs", "times-faster"); err != nil {
			return err
		}
	}
	return nil
}

// addMeasured adds a round of one number that a benchmark printed.
func addMeasured(m marks, c collected, figure, mark, unit string) error {
	v, err := m.get(mark, unit)
	if err == nil {
		c.add(figure, round{measured: v})
	}
	return err
}

// addRatio adds a round of three numbers that one benchmark printed.
func addRatio(m marks, c collected, figure, mark, measured, compared, ratio string) error {
	var r round
	for unit, to := range map[string]*float64{measured: &r.measured, compared: &r.compared, ratio: &r.ratio} {
		v, err := m.get(mark, unit)
		if err != nil {
			return err
		}
		*to = v
	}
	c.add(figure, r)
	return nil
}

// apiStep is T4's comparison of the API alone.
func apiStep(p *profile) step {
	return step{id: "api", what: "the API over a backend that answers at once, and bare fasthttp, in turns",
		targets: []string{"T4"}, fills: []string{"T4.api"}, limit: 4 * time.Minute, builds: [][]string{testBinary("api", "api")},
		run: inRounds(p.rounds, func(ctx context.Context, x *executor, c collected) error {
			m, err := x.benchmark(ctx, "api", "bin/api.test", "^BenchmarkBuyAgainstBare$", times(p.apiRequests))
			if err != nil {
				return err
			}
			return addRatio(m, c, "T4.api", "BuyAgainstBare", "api-req/s", "bare-req/s", "api/bare")
		})}
}
