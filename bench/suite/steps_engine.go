package suite

import (
	"context"
	"fmt"
	"slices"
	"time"

	"onsale/bench/result"
)

// testBinary compiles a package's benchmarks.
func testBinary(name, dir string) []string {
	return []string{dir, "go", "test", "-c", "-o", upTo(dir) + "bin/" + name + ".test", "."}
}

// upTo returns the way from a folder to the root.
func upTo(dir string) string {
	up := "../"
	for _, c := range dir {
		if c == '/' {
			up += "../"
		}
	}
	return up
}

// rulesStep is T1.
func rulesStep(p Profile) step {
	return step{id: "rules", what: "State.Apply alone, on one goroutine", targets: []string{"T1"}, fills: []string{"T1."}, limit: 6 * time.Minute,
		builds: [][]string{testBinary("sequencer", "sequencer")},
		run: func(ctx context.Context, x *executor) (result.Outcome, error) {
			c := collected{}
			err := rounds(ctx, x, p.Rounds, c, func(_ int, c collected) error { return applyRound(ctx, x, p, c) })
			return result.Outcome{Figures: c.figures()}, err
		}}
}

// applyRound measures every kind once.
func applyRound(ctx context.Context, x *executor, p Profile, c collected) error {
	all := marks{}
	for _, run := range []struct {
		pattern, times string
		more           []string
	}{
		{"^BenchmarkApply$/^selling$", times(p.SellingDecisions), []string{"-test.skip", "/selling/holders"}},
		{"^BenchmarkApply$/^selling$/^holders=", times(p.HolderDecisions), nil},
		{"^BenchmarkApply$/^soldout$/^holders=", times(3 * p.HolderDecisions), nil},
	} {
		m, err := x.benchmark(ctx, "sequencer", "bin/sequencer.test", run.pattern, run.times, run.more...)
		if err != nil {
			return err
		}
		for name, values := range m {
			all[name] = values
		}
	}
	return addApply(all, c)
}

func addApply(m marks, c collected) error {
	for _, f := range []struct{ figure, mark, unit string }{
		{"T1.selling", "Apply/selling", "decisions/s"},
		{"T1.soldout", "Apply/soldout/holders=100000", "decisions/s"},
		{"T1.allocations.selling", "Apply/selling", "allocs/op"},
		{"T1.allocations.soldout", "Apply/soldout/holders=100000", "allocs/op"},
	} {
		v, err := m.get(f.mark, f.unit)
		if err != nil {
			return err
		}
		c.add(f.figure, result.Round{Measured: v})
	}
	for _, phase := range []string{"selling", "soldout"} {
		few, err := m.get("Apply/"+phase+"/holders=100000", "ns/op")
		if err != nil {
			return err
		}
		many, err := m.get("Apply/"+phase+"/holders=10000000", "ns/op")
		if err != nil {
			return err
		}
		c.add("T1.holders."+phase, result.Round{Measured: many, Compared: few, Ratio: many / few})
	}
	return nil
}

// commitStep is T2.
func commitStep(p Profile) step {
	return step{id: "commit", what: "inbox, raft, fsync, decision, journal, answer in one process", targets: []string{"T2"}, fills: []string{"T2."}, limit: 6 * time.Minute,
		builds: [][]string{testBinary("raftfsm", "raftfsm"), testBinary("logstores", "bench/logstores")},
		run: func(ctx context.Context, x *executor) (result.Outcome, error) {
			c := collected{}
			err := rounds(ctx, x, p.Rounds, c, func(_ int, c collected) error { return commitRound(ctx, x, p, c) })
			return result.Outcome{Figures: c.figures()}, err
		}}
}

func commitRound(ctx context.Context, x *executor, p Profile, c collected) error {
	m, err := x.benchmark(ctx, "raftfsm", "bin/raftfsm.test", "^BenchmarkCommit$/^nodes=/^batch=8000$", times(p.CommitDecisions))
	if err != nil {
		return err
	}
	lone, err := x.benchmark(ctx, "raftfsm", "bin/raftfsm.test", "^BenchmarkLoneRequest$", times(p.LoneRequests))
	if err != nil {
		return err
	}
	for nodes, name := range map[int]string{1: "one", 3: "three"} {
		for _, phase := range []string{"selling", "soldout"} {
			v, err := m.get(fmt.Sprintf("Commit/nodes=%d/batch=8000/%s", nodes, phase), "decisions/s")
			if err != nil {
				return err
			}
			c.add("T2."+name+"."+phase, result.Round{Measured: v})
		}
		if err := addRatio(lone, c, "T2.lone."+name, fmt.Sprintf("LoneRequest/nodes=%d", nodes), "median-µs", "bare-µs", "ratio"); err != nil {
			return err
		}
	}
	return boltRound(ctx, x, p, c)
}

// boltRound commits through raft with our log and with raft-boltdb.
func boltRound(ctx context.Context, x *executor, p Profile, c collected) error {
	m, err := x.benchmark(ctx, "bench/logstores", "bin/logstores.test", "^BenchmarkCommit$", times(p.Entries))
	if err != nil {
		return err
	}
	for bytes, requests := range map[int]int{80: 1, 24_000: 1000, 192_000: 8000} {
		if err := addRatio(m, c, fmt.Sprintf("T2.boltdb.%d", requests), fmt.Sprintf("Commit/bytes=%d", bytes), "ours-µs", "raft-boltdb-µs", "times-faster"); err != nil {
			return err
		}
	}
	return nil
}

// addRatio adds a round of three numbers that one benchmark printed.
func addRatio(m marks, c collected, figure, mark, measured, compared, ratio string) error {
	var r result.Round
	for unit, to := range map[string]*float64{measured: &r.Measured, compared: &r.Compared, ratio: &r.Ratio} {
		v, err := m.get(mark, unit)
		if err != nil {
			return err
		}
		*to = v
	}
	c.add(figure, r)
	return nil
}

// logStep is T3.
func logStep(p Profile) step {
	return step{id: "log", what: "the log stores in turn", targets: []string{"T3"}, fills: []string{"T3."}, limit: 3 * time.Minute,
		builds: [][]string{testBinary("logstores", "bench/logstores")},
		run: func(ctx context.Context, x *executor) (result.Outcome, error) {
			var all []marks
			err := rounds(ctx, x, p.Rounds, collected{}, func(int, collected) error {
				m, err := x.benchmark(ctx, "bench/logstores", "bin/logstores.test", "^BenchmarkStoreLogs$", times(p.Entries))
				if err == nil {
					all = append(all, m)
				}
				return err
			})
			if err != nil {
				return result.Outcome{}, err
			}
			return logOutcome(all)
		}}
}

// The settings of the log benchmark.
var (
	logBatches = []int{1, 10, 100}
	logBytes   = []int{24, 1024}
	logOthers  = map[string]string{"bare": "T3.bare", "raft-boltdb": "T3.boltdb", "raft-wal": "T3.raftwal"}
)

// logOutcome takes for each other store the setting in which ours does worst, and draws
// all of them.
func logOutcome(all []marks) (result.Outcome, error) {
	worst := map[string]result.Figure{}
	for _, batch := range logBatches {
		for _, bytes := range logBytes {
			for other, id := range logOthers {
				c := collected{}
				for _, m := range all {
					if err := addRatio(m, c, id, fmt.Sprintf("StoreLogs/batch=%d/bytes=%d", batch, bytes), "ours-entries/s", other+"-entries/s", "ours/"+other); err != nil {
						return result.Outcome{}, err
					}
				}
				f := result.NewFigure(id, c[id])
				f.Detail = fmt.Sprintf("batches of %d, %d bytes each", batch, bytes)
				if old, found := worst[id]; !found || f.Number() < old.Number() {
					worst[id] = f
				}
			}
		}
	}
	o := result.Outcome{Figures: []result.Figure{worst["T3.boltdb"], worst["T3.raftwal"], worst["T3.bare"]}}
	for _, bytes := range logBytes {
		curve, err := logCurve(all, bytes)
		if err != nil {
			return o, err
		}
		o.Curves = append(o.Curves, curve)
	}
	return o, nil
}

func logCurve(all []marks, bytes int) (result.Curve, error) {
	curve := result.Curve{Name: fmt.Sprintf("Log stores: entries of %s", spellBytes(bytes)),
		X: result.Axis{Label: "entries a batch", Log: true}, Y: result.Axis{Label: "entries", Unit: "1/s", Log: true},
		Note: "One fsync a batch. Medians of the rounds, in each of which every store had its turn after every batch."}
	for _, store := range []string{"ours", "bare", "raft-wal", "raft-boltdb"} {
		series := result.Series{Name: store}
		for _, batch := range logBatches {
			var values []float64
			for _, m := range all {
				v, err := m.get(fmt.Sprintf("StoreLogs/batch=%d/bytes=%d", batch, bytes), store+"-entries/s")
				if err != nil {
					return curve, err
				}
				values = append(values, v)
			}
			series.Points = append(series.Points, result.Point{X: float64(batch), Y: result.Median(values)})
		}
		curve.Series = append(curve.Series, series)
	}
	return curve, nil
}

func spellBytes(n int) string {
	if n >= 1024 && n%1024 == 0 {
		return itoa(n/1024) + " KiB"
	}
	return itoa(n) + " bytes"
}

// apiStep is T4's comparison of the API alone.
func apiStep(p Profile) step {
	return step{id: "api", what: "the API over a backend that answers at once, and bare fasthttp, in turns", targets: []string{"T4"}, fills: []string{"T4.api"}, limit: 4 * time.Minute,
		builds: [][]string{testBinary("api", "api")},
		run: func(ctx context.Context, x *executor) (result.Outcome, error) {
			c := collected{}
			err := rounds(ctx, x, p.Rounds, c, func(_ int, c collected) error {
				m, err := x.benchmark(ctx, "api", "bin/api.test", "^BenchmarkBuyAgainstBare$", times(p.APIRequests))
				if err != nil {
					return err
				}
				return addRatio(m, c, "T4.api", "BuyAgainstBare", "api-req/s", "bare-req/s", "api/bare")
			})
			return result.Outcome{Figures: c.figures()}, err
		}}
}

// steps are all of a profile's, in the order in which they run: what needs a cool
// machine first, what fills disks last.
func steps(p Profile) []step {
	all := []step{rulesStep(p), commitStep(p), logStep(p), apiStep(p), peersStep(p), latencyStep(p), rushStep(p), leaderStep(p), failoverStep(p), restartStep(p)}
	if p.SaleBuyers > 0 {
		all = append(all, saleStep(p))
	}
	return slices.Clip(all)
}
