package suite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"onsale/bench"
	"onsale/bench/result"
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

// peersStep is T5, and T4 for a whole node.
func peersStep(p Profile) step {
	return step{id: "peers", what: "everybody behind the same buy, closed loop", targets: []string{"T4", "T5"}, fills: []string{"T4.node.", "T5."}, limit: 12 * time.Minute,
		builds: [][]string{buildOnsale, buildPeers},
		run: func(ctx context.Context, x *executor) (result.Outcome, error) {
			found, err := comparePeers(ctx, x, "-rounds", itoa(p.Rounds), "-buyers", itoa(p.PeerBuyers), "-tickets", itoa(p.PeerTickets), "-steady", "0")
			if found == nil {
				return result.Outcome{}, err
			}
			o, missing := peerOutcome(found)
			return o, errors.Join(err, missing)
		}}
}

// comparePeers runs the peers' program. A comparison in which somebody sold wrongly comes
// back with an error.
func comparePeers(ctx context.Context, x *executor, args ...string) (*bench.Comparison, error) {
	file := filepath.Join(x.scratch, "peers.json")
	_ = os.Remove(file) // of an earlier step
	_, failure := x.run(ctx, ".", "bin/peers", append([]string{"-onsale", "bin/onsale", "-json", file}, args...)...)
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, errors.Join(failure, err)
	}
	var found bench.Comparison
	if err := json.Unmarshal(data, &found); err != nil {
		return nil, errors.Join(failure, fmt.Errorf("%w: %w", errOutput, err))
	}
	return &found, failure
}

func peerOutcome(found *bench.Comparison) (result.Outcome, error) {
	o := result.Outcome{}
	by := map[string]*bench.Contestant{}
	for i := range found.Contestants {
		by[found.Contestants[i].Name] = &found.Contestants[i]
		o.Peers = append(o.Peers, peerOf(&found.Contestants[i]))
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
	o.Figures = c.figures()
	return o, nil
}

func ratioOf(a, b float64) result.Round {
	return result.Round{Measured: a, Compared: b, Ratio: a / max(1e-9, b)}
}

func peerOf(c *bench.Contestant) result.Peer {
	phase := func(p *bench.PhaseCost) result.PeerPhase {
		return result.PeerPhase{Rate: p.Rate, P50Millis: p.Millis["p50"], P99Millis: p.Millis["p99"], ServerMicroseconds: p.ServerMicroseconds, LoadMicroseconds: p.LoadMicroseconds}
	}
	peer := result.Peer{Name: c.Name, Nodes: c.Nodes, Durability: c.Durability, Ceiling: c.Ceiling, Selling: phase(&c.Selling), SoldOut: phase(&c.SoldOut)}
	for i := range c.Rounds {
		peer.Rounds = append(peer.Rounds, result.PeerRound{Selling: c.Rounds[i].Selling.Rate, SoldOut: c.Rounds[i].SoldOut.Rate, Wrong: c.Rounds[i].Wrong})
	}
	return peer
}

// latencyStep lets requests arrive at fixed rates.
func latencyStep(p Profile) step {
	return step{id: "latency", what: "everybody behind the same buy, open loop at fixed rates", targets: []string{"T5"}, limit: 6 * time.Minute,
		builds: [][]string{buildOnsale, buildPeers},
		run: func(ctx context.Context, x *executor) (result.Outcome, error) {
			found, err := comparePeers(ctx, x, "-buyers", "0", "-rounds", itoa(p.RateRounds), "-rates", "500,2000,10000", "-steady", itoa(p.RateSeconds)+"s")
			if found == nil {
				return result.Outcome{}, err
			}
			return result.Outcome{Curves: latencyCurves(found)}, err
		}}
}

// latencyCurves are p50 and p99, while selling and when sold out.
func latencyCurves(found *bench.Comparison) []result.Curve {
	var curves []result.Curve
	for _, phase := range []struct{ id, name string }{{"selling", "while selling"}, {"sold_out", "when sold out"}} {
		for _, percentile := range []string{"p50", "p99"} {
			curve := result.Curve{Name: fmt.Sprintf("Latency %s, %s", phase.name, percentile),
				X: result.Axis{Label: "arrivals", Unit: "1/s", Log: true}, Y: result.Axis{Label: percentile + " from the intended arrival", Unit: "ms", Log: true}}
			var late []string
			for i := range found.Contestants {
				c := &found.Contestants[i]
				series := result.Series{Name: c.Name}
				for _, s := range c.Steady {
					if s.Phase != phase.id || s.Millis[percentile] <= 0 {
						continue
					}
					series.Points = append(series.Points, result.Point{X: float64(s.Rate), Y: s.Millis[percentile]})
					if s.Unanswered > 0 {
						late = append(late, fmt.Sprintf("%s %d of %d at %d/s", c.Name, s.Unanswered, s.Requests, s.Rate))
					}
				}
				if len(series.Points) > 0 {
					curve.Series = append(curve.Series, series)
				}
			}
			curve.Note = "Of the requests that were answered within 5 s after the last arrival; that was all of them."
			if len(late) > 0 {
				curve.Note = "Of the requests that were answered within 5 s after the last arrival. Not answered: " + strings.Join(late, "; ") + "."
			}
			if len(curve.Series) > 0 {
				curves = append(curves, curve)
			}
		}
	}
	return curves
}
