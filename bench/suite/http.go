package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"onsale/bench"
)

// What the HTTP and cluster steps run.
var (
	buildOnsale = []string{".", "go", "build", "-trimpath", "-pgo=cmd/onsale/cpu.pgo", "-o", "bin/onsale", "./cmd/onsale"}
	buildPeers  = []string{"bench/peers", "go", "build", "-trimpath", "-o", "../../bin/peers", "."}
)

// The names that the peers' program gives those that figures are about.
const (
	nameOne, nameThree = "onsale", "onsale, 3 nodes"
	nameBare           = "bare fasthttp"
	nameRedis          = "Redis, batched"
	namePostgres       = "PostgreSQL, batched"
	nameCalls          = "Redis, fsync always"
	nameRowLock        = "PostgreSQL, row lock"
)

// What lines about everybody who answers the same buy are called.
const (
	peerMark    = "Peer/"
	latencyMark = "Latency/"
)

// peersStep is T5, and T4 for a whole node.
func peersStep(p *profile) step {
	return step{id: "peers", what: "everybody behind the same buy, closed loop", targets: []string{"T4", "T5"},
		fills: []string{"T4.node.", "T4.cpu.", "T5.redis-batched.", "T5.postgres-batched.", "T5.redis.", "T5.postgres.", "T5.cpu."}, limit: 15 * time.Minute, builds: [][]string{buildOnsale, buildPeers},
		run: func(ctx context.Context, x *executor, c collected) error {
			all, err := comparePeers(ctx, x, "--rounds", itoa(p.rounds), "--buyers", itoa(p.peerBuyers),
				"--tickets", itoa(p.peerTickets))
			x.lines = contestantLines(peerMark, all, bench.UnitRate, bench.UnitP50, bench.UnitP99,
				bench.UnitServersCPU, bench.UnitLoadCPU)
			if len(all) > 0 {
				err = errors.Join(err, peerFigures(all, c))
			}
			return err
		}}
}

// lightRate is the rate of light load, T10's.
const lightRate = 2000

// latencyStep lets requests arrive at fixed rates.
func latencyStep(p *profile) step {
	return step{id: "latency", what: "everybody behind the same buy, open loop at fixed rates",
		targets: []string{"T5", "T10"}, fills: []string{"T10."},
		limit: 6 * time.Minute, builds: [][]string{buildOnsale, buildPeers},
		run: func(ctx context.Context, x *executor, c collected) error {
			all, err := comparePeers(ctx, x, "--buyers", "0", "--rounds", itoa(p.rateRounds),
				"--rates", fmt.Sprintf("500,%d,10000", lightRate), "--steady", itoa(p.rateSeconds)+"s")
			latencyFigures(all, c)
			x.lines = latencyLines(all)
			return err
		}}
}

func latencyLines(all []bench.Contestant) []mark {
	return contestantLines(latencyMark, all, bench.UnitP50, bench.UnitP99, bench.UnitServersCPU, bench.UnitUnanswered)
}

func latencyFigures(all []bench.Contestant, c collected) {
	for i := range all {
		for _, r := range all[i].Rounds {
			if light := r[bench.PartOf(selling, lightRate)]; all[i].Name == nameOne && light != nil {
				c.add("T10.selling", round{measured: light[bench.UnitServersCPU]})
			}
		}
	}
}

// comparePeers runs the peers' program. A comparison in which somebody sold wrongly comes
// back with an error.
func comparePeers(ctx context.Context, x *executor, args ...string) (all []bench.Contestant, err error) {
	args = append([]string{"--onsale", "bin/onsale", "--data-parent", x.scratch}, args...)
	output, failure := x.run(ctx, ".", "bin/peers", args...)
	if err := json.Unmarshal(output, &all); err != nil {
		return nil, errors.Join(failure, fmt.Errorf("%w: %w", errOutput, err))
	}
	return all, failure
}

// peerFigures are the ratios of T4 and T5, each of two who had their turns in one round.
func peerFigures(all []bench.Contestant, c collected) error {
	by := map[string][]bench.Round{}
	for i := range all {
		by[all[i].Name] = all[i].Rounds
	}
	for _, pair := range []struct{ figure, of, to, unit string }{
		{"T4.node", nameOne, nameBare, bench.UnitRate}, {"T4.cpu", nameOne, nameBare, bench.UnitServersCPU},
		{"T5.redis-batched.one", nameOne, nameRedis, bench.UnitRate}, {"T5.redis-batched.cpu", nameOne, nameRedis, bench.UnitServersCPU},
		{"T5.redis-batched.three", nameThree, nameRedis, bench.UnitRate},
		{"T5.postgres-batched.one", nameOne, namePostgres, bench.UnitRate}, {"T5.postgres-batched.cpu", nameOne, namePostgres, bench.UnitServersCPU},
		{"T5.postgres-batched.three", nameThree, namePostgres, bench.UnitRate},
		{"T5.redis.one", nameOne, nameCalls, bench.UnitRate}, {"T5.cpu", nameOne, nameCalls, bench.UnitServersCPU},
		{"T5.redis.three", nameThree, nameCalls, bench.UnitRate},
		{"T5.postgres.one", nameOne, nameRowLock, bench.UnitRate},
		{"T5.postgres.three", nameThree, nameRowLock, bench.UnitRate},
	} {
		of, to := by[pair.of], by[pair.to]
		if len(of) == 0 || len(of) != len(to) {
			return fmt.Errorf("%w: the comparison has no rounds of %q and %q", errOutput, pair.of, pair.to)
		}
		for phase, suffix := range map[string]string{"selling": ".selling", "sold_out": ".soldout"} {
			part := bench.PartOf(phase, 0)
			for i := range of {
				c.add(pair.figure+suffix, ratioOf(of[i][part][pair.unit], to[i][part][pair.unit]))
			}
		}
	}
	return nil
}

// contestantLines are every round of everybody.
func contestantLines(kind string, all []bench.Contestant, units ...string) (lines []mark) {
	for i := range all {
		for _, r := range all[i].Rounds {
			for _, part := range slices.Sorted(maps.Keys(r)) {
				m := mark{name: kind + "name=" + strings.ReplaceAll(all[i].Name, " ", "_") + "/" + part}
				for _, unit := range units {
					m.values = append(m.values, value{r[part][unit], unit})
				}
				lines = append(lines, m)
			}
		}
	}
	return lines
}
