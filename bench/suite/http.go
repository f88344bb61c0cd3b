package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"onsale/bench"
)

// What the HTTP and cluster steps run.
var (
	buildOnsale = []string{".", "go", "build", "-trimpath", "-o", "bin/onsale", "./cmd/onsale"}
	buildPeers  = []string{"bench/peers", "go", "build", "-trimpath", "-o", "../../bin/peers", "."}
)

// The names that the peers' program gives those that figures are about.
const (
	nameOne, nameThree = "onsale", "onsale, 3 nodes"
	nameBare           = "bare fasthttp"
	nameRedis          = "Redis, fsync always"
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
		fills: []string{"T4.node.", "T5."}, limit: 12 * time.Minute, builds: [][]string{buildOnsale, buildPeers},
		run: func(ctx context.Context, x *executor) (outcome, error) {
			found, err := comparePeers(ctx, x, "-rounds", itoa(p.rounds), "-buyers", itoa(p.peerBuyers),
				"-tickets", itoa(p.peerTickets), "-steady", "0")
			if found == nil {
				return outcome{}, err
			}
			o, missing := peerOutcome(found)
			return o, errors.Join(err, missing)
		}}
}

// latencyStep lets requests arrive at fixed rates.
func latencyStep(p *profile) step {
	return step{id: "latency", what: "everybody behind the same buy, open loop at fixed rates", targets: []string{"T5", "T10"},
		limit: 6 * time.Minute, builds: [][]string{buildOnsale, buildPeers},
		run: func(ctx context.Context, x *executor) (outcome, error) {
			found, err := comparePeers(ctx, x, "-buyers", "0", "-rounds", itoa(p.rateRounds),
				"-rates", "500,2000,10000", "-steady", itoa(p.rateSeconds)+"s")
			if found == nil {
				return outcome{}, err
			}
			return outcome{lines: latencyLines(found)}, err
		}}
}

// comparePeers runs the peers' program. A comparison in which somebody sold wrongly comes
// back with an error.
func comparePeers(ctx context.Context, x *executor, args ...string) (*bench.Comparison, error) {
	output, failure := x.run(ctx, ".", "bin/peers", append([]string{"-onsale", "bin/onsale", "-data-parent", x.scratch}, args...)...)
	var found bench.Comparison
	if err := json.Unmarshal(output, &found); err != nil {
		return nil, errors.Join(failure, fmt.Errorf("%w: %w", errOutput, err))
	}
	return &found, failure
}

func peerOutcome(found *bench.Comparison) (o outcome, err error) {
	by := map[string]*bench.Contestant{}
	for i := range found.Contestants {
		p := &found.Contestants[i]
		by[p.Name] = p
		o.lines = append(o.lines, peerLine(p, "selling", &p.Selling), peerLine(p, "sold_out", &p.SoldOut))
	}

	c := collected{}
	for _, pair := range []struct{ figure, of, to string }{
		{"T4.node", nameOne, nameBare},
		{"T5.redis.one", nameOne, nameRedis}, {"T5.redis.three", nameThree, nameRedis},
		{"T5.postgres.one", nameOne, nameRowLock}, {"T5.postgres.three", nameThree, nameRowLock},
	} {
		of, to := by[pair.of], by[pair.to]
		if of == nil || to == nil || len(of.Rounds) != len(to.Rounds) {
			return o, fmt.Errorf("%w: the comparison has no rounds of %q and %q", errOutput, pair.of, pair.to)
		}
		for i := range of.Rounds {
			a, b := &of.Rounds[i], &to.Rounds[i]
			c.add(pair.figure+".selling", ratioOf(a.Selling.Rate, b.Selling.Rate))
			c.add(pair.figure+".soldout", ratioOf(a.SoldOut.Rate, b.SoldOut.Rate))
		}
	}
	o.figures = c.figures()
	return o, nil
}

func peerLine(p *bench.Contestant, phase string, cost *bench.PhaseCost) mark {
	return mark{markName(peerMark, p.Name, phase), []value{{cost.Rate, "requests/s"}, {cost.Millis["p50"], "p50-ms"},
		{cost.Millis["p99"], "p99-ms"}, {cost.ServerMicroseconds, "servers-CPU-µs"}, {cost.LoadMicroseconds, "load-CPU-µs"}}}
}

// latencyLines are the open loops: latencies of the requests that were answered within 5 s
// after the last arrival, from the intended arrival.
func latencyLines(found *bench.Comparison) (lines []mark) {
	for i := range found.Contestants {
		p := &found.Contestants[i]
		for _, s := range p.Steady {
			name := markName(latencyMark, p.Name, s.Phase) + "/rate=" + itoa(s.Rate)
			lines = append(lines, mark{name, []value{{s.Millis["p50"], "p50-ms"}, {s.Millis["p99"], "p99-ms"},
				{s.ServerMicroseconds, "servers-CPU-µs"}, {float64(s.Unanswered), "unanswered"}}})
		}
	}
	return lines
}

func markName(kind, name, phase string) string {
	return kind + "name=" + strings.ReplaceAll(name, " ", "_") + "/phase=" + phase
}
