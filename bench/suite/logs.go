package main

import (
	"context"
	"fmt"
	"time"
)

// The settings of the log benchmark.
var (
	logBatches = []int{1, 10, 100}
	logBytes   = []int{24, 1024}
	logOthers  = []struct{ name, figure string }{{"raft-boltdb", "T3.boltdb"}, {"raft-wal", "T3.raftwal"}, {"bare", "T3.bare"}}
)

// logStep is T3.
func logStep(p *profile) step {
	return step{id: "log", what: "the log stores in turn", targets: []string{"T3"}, fills: []string{"T3."},
		limit: 3 * time.Minute, builds: [][]string{testBinary("logstores", "bench/logstores")},
		run: func(ctx context.Context, x *executor) (outcome, error) {
			var all []marks
			err := rounds(ctx, x, p.rounds, collected{}, func(int, collected) error {
				m, err := x.benchmark(ctx, "bench/logstores", "bin/logstores.test", "^BenchmarkStoreLogs$", times(p.entries))
				if err == nil {
					all = append(all, m)
				}
				return err
			})
			if err != nil {
				return outcome{}, err
			}
			return logOutcome(all)
		}}
}

// logOutcome takes for each other store the setting in which ours does worst.
func logOutcome(all []marks) (o outcome, err error) {
	for _, other := range logOthers {
		worst, err := worstOf(all, other.name, other.figure)
		if err != nil {
			return o, err
		}
		o.figures = append(o.figures, worst)
	}
	return o, nil
}

func worstOf(all []marks, other, id string) (worst figure, err error) {
	for _, batch := range logBatches {
		for _, bytes := range logBytes {
			c, mark := collected{}, fmt.Sprintf("StoreLogs/batch=%d/bytes=%d", batch, bytes)
			for _, m := range all {
				if err := addRatio(m, c, id, mark, "ours-entries/s", other+"-entries/s", "ours/"+other); err != nil {
					return worst, err
				}
			}
			f := figure{id: id, rounds: c[id], detail: fmt.Sprintf("batches of %d, %d bytes each", batch, bytes)}
			if worst.id == "" || f.number() < worst.number() {
				worst = f
			}
		}
	}
	return worst, nil
}
