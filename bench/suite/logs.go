package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// The settings of the log benchmark.
var (
	logBatches = []int{1, 10, 100}
	logBytes   = []int{24, 1024}
	logOthers  = []struct{ name, figure string }{
		{"raft-boltdb", "T3.boltdb"}, {"raft-wal", "T3.raftwal"}, {"bare", "T3.bare"}}
)

// logStep is T3.
func logStep(p *profile) step {
	return step{id: "log", what: "the log stores in turn", targets: []string{"T3"}, fills: []string{"T3."},
		limit: 3 * time.Minute, builds: [][]string{testBinary("logstores", "bench/logstores")},
		run: func(ctx context.Context, x *executor) (outcome, error) {
			all := collected{} // by figure and setting
			err := rounds(ctx, x, p.rounds, all, func(_ int, c collected) error {
				m, err := x.benchmark(ctx, "bench/logstores", "bin/logstores.test", "^BenchmarkStoreLogs$", times(p.entries))
				if err != nil {
					return err
				}
				return addLogs(m, c)
			})
			return outcome{figures: worstLogs(all)}, err
		}}
}

func addLogs(m marks, c collected) error {
	for _, other := range logOthers {
		for _, batch := range logBatches {
			for _, bytes := range logBytes {
				setting := fmt.Sprintf("batch=%d/bytes=%d", batch, bytes)
				err := addRatio(m, c, other.figure+" "+setting, "StoreLogs/"+setting, "ours-entries/s",
					other.name+"-entries/s", "ours/"+other.name)
				if err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// worstLogs takes for each other store the setting in which ours does worst.
func worstLogs(all collected) (figures []figure) {
	worst := map[string]figure{}
	for name, rounds := range all {
		id, setting, _ := strings.Cut(name, " ")
		f := figure{id: id, rounds: rounds, detail: setting}
		if other, found := worst[id]; !found || f.ratio() < other.ratio() {
			worst[id] = f
		}
	}
	for _, other := range logOthers {
		if f, found := worst[other.figure]; found {
			figures = append(figures, f)
		}
	}
	return figures
}
