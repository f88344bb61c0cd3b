package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"onsale/bench"
)

// program is what is measured, beside the source tree's root.
const program = "bin/onsale"

// onsale runs a command of the program and reads its JSON. A run that was not exact is an
// error, and what it measured is there all the same.
func (x *executor) onsale(ctx context.Context, into any, args ...string) error {
	output, failure := x.run(ctx, ".", program, append(append([]string{"bench"}, args...), "-o", "json")...)
	if err := json.Unmarshal(output, into); err != nil {
		return errors.Join(failure, fmt.Errorf("%w of bench %s: %w", errOutput, args[0], err))
	}
	return failure
}

func (x *executor) rush(ctx context.Context, requests int, over string, tickets int) (*bench.RushReport, error) {
	r := &bench.RushReport{}
	return r, x.onsale(ctx, r, "rush", "--requests", itoa(requests), "--over", over, "--tickets", itoa(tickets))
}

// rushStep is T6.
func rushStep(p *profile) step {
	return step{id: "rush", what: "a crowd arrives at front-ends at fixed times, three nodes", targets: []string{"T6"},
		fills: []string{"T6."}, limit: 6 * time.Minute, builds: [][]string{buildOnsale},
		run: inRounds(max(p.rushes, p.longRushes), func(ctx context.Context, x *executor, turn int, c collected) error {
			if turn < p.rushes {
				if err := addRush(ctx, x, c, "T6.second", 500_000, "1s"); err != nil {
					return err
				}
			}
			if turn < p.longRushes {
				return addRush(ctx, x, c, "T6.ten", 5_000_000, "10s")
			}
			return nil
		})}
}

func addRush(ctx context.Context, x *executor, c collected, figure string, requests int, over string) error {
	r, err := x.rush(ctx, requests, over, 100_000)
	undecided := uint64(0)
	for _, n := range r.Errors {
		undecided += n
	}
	if r.Requests > 0 {
		c.add(figure+".p99", round{measured: r.Millis["p99"]})
		c.add(figure+".undecided", round{measured: float64(undecided)})
	}
	return err
}

// leaderRequests arrive in two seconds at T7's leader.
const leaderRequests = 1_000_000

// leaderStep is T7, while selling and when sold out in turn.
func leaderStep(p *profile) step {
	return step{id: "leader", what: "the leader's CPU for requests that front-ends forward, three nodes", targets: []string{"T7"},
		fills: []string{"T7."}, limit: 4 * time.Minute, builds: [][]string{buildOnsale},
		run: inRounds(p.leaderRounds, func(ctx context.Context, x *executor, _ int, c collected) error {
			for figure, tickets := range map[string]int{"T7.selling": leaderRequests + 100, "T7.soldout": 1} {
				r, err := x.rush(ctx, leaderRequests, "2s", tickets)
				if err != nil {
					return err
				}
				c.add(figure, round{measured: r.LeaderMicrosecondsPerRequest})
			}
			return nil
		})}
}

// saleStep is T8.
func saleStep(p *profile) step {
	return step{id: "sale", what: "the whole sale over HTTP, three nodes", targets: []string{"T8"},
		fills: []string{"T8."}, limit: 12 * time.Minute, builds: [][]string{buildOnsale},
		run: func(ctx context.Context, x *executor, c collected) error {
			r := &bench.Report{}
			err := x.onsale(ctx, r, "sale", "--buyers", itoa(p.saleBuyers), "--tickets", "100000", "--nodes", "3")
			if len(r.Course) == 0 {
				return err
			}
			last := slices.Clone(r.Course)
			slices.Reverse(last)
			c.add("T8.selling", round{measured: r.Selling.Rate})
			c.add("T8.soldout", round{measured: r.SoldOut.Rate})
			c.add("T8.last", ratioOf(rateOfMillion(last), rateOfMillion(r.Course)))
			c.add("T8.memory", round{measured: float64(r.LeaderMemoryBytes) / (1 << 20)})
			c.add("T8.sold", round{measured: float64(r.Held) + float64(r.Sold)})
			return err
		}}
}

// rateOfMillion is of the seconds, from the first of them on, in which a million was decided.
func rateOfMillion(rows []bench.CourseRow) float64 {
	var decided, seconds float64
	for _, row := range rows {
		if decided += float64(row.Decided); decided >= 1e6 {
			return decided / (seconds + row.Seconds)
		}
		seconds += row.Seconds
	}
	return decided / max(1e-9, seconds)
}

// failoverStep is T9's kills.
func failoverStep(p *profile) step {
	return step{id: "failover", what: "kill -9 of the leader, again and again, under load, three nodes", targets: []string{"T9"},
		fills: []string{"T9.failover", "T9.lost"}, limit: 6 * time.Minute, builds: [][]string{buildOnsale},
		run: func(ctx context.Context, x *executor, c collected) error {
			r := &bench.FailoverReport{}
			err := x.onsale(ctx, r, "failover", "--kills", itoa(p.kills))
			if r.Kills > 0 {
				c.add("T9.failover", round{measured: r.Millis["p99"]})
				c.add("T9.lost", round{measured: float64(r.Lost)})
			}
			return err
		}}
}

// restartStep is T9's other half.
func restartStep(p *profile) step {
	return step{id: "restart", what: "a node is killed after ten million decisions and started again", targets: []string{"T9"},
		fills: []string{"T9.restart"}, limit: 5 * time.Minute, builds: [][]string{buildOnsale},
		run: func(ctx context.Context, x *executor, c collected) error {
			times, err := bench.RunRestart(ctx, bench.RestartOptions{
				Setup:     bench.Setup{Program: x.path(program), DataParent: x.scratch, Log: x.progress},
				Decisions: uint64(p.decisions), Restarts: p.restarts})
			for _, took := range times {
				c.add("T9.restart", round{measured: float64(took.Microseconds()) / 1000})
			}
			return err
		}}
}
