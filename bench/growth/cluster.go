package growth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"onsale/bench"
	"onsale/bench/result"
)

// errRush is returned when a cluster did not decide every request of a rush.
var errRush = errors.New("a rush was not decided")

const leaderBy = "CPU time of a forwarded request by "

// crush is how many requests arrive at a cluster in each rush, and in which time: below
// what five replicas on this machine decide, so that nobody queues.
type crush struct {
	requests uint64
	over     time.Duration
}

// rush lets a crowd arrive and returns what it came to.
func (o *Options) rush(ctx context.Context, nodes, frontEnds int) (*bench.RushReport, error) {
	r := bench.DefaultRushOptions()
	r.Program, r.DataParent, r.Log = o.Program, o.DataParent, o.Log
	r.Nodes, r.FrontEnds, r.Requests, r.Over = nodes, frontEnds, o.crush.requests, o.crush.over
	r.Tickets = uint32(o.crush.requests / 5)
	fmt.Fprintf(o.Log, "rush: %d replicas, %d front-ends\n", nodes, frontEnds)
	report, err := bench.RunRush(ctx, r)
	if err != nil {
		return nil, err
	}
	for _, a := range report.Audits {
		if a.Verdict != "clean" {
			return nil, fmt.Errorf("%w: the audit of %s says %q", errRush, a.Node, a.Verdict)
		}
	}
	if len(report.Errors) > 0 {
		return nil, fmt.Errorf("%w: %v", errRush, report.Errors)
	}
	return report, nil
}

// clusters are the curves of replicas and front-ends.
func (o *Options) clusters(ctx context.Context) ([]result.Curve, error) {
	rate := fmt.Sprintf("%d requests arrive within %v (open loop), every process on this machine.", o.crush.requests, o.crush.over)
	var curves []result.Curve
	for _, c := range []struct {
		name, note string
		sizes      []int
		rush       func(n int) (*bench.RushReport, error)
	}{
		{"replicas", "Two front-ends; " + rate + " The leader sends each batch to every other replica, so its part grows with their number.", []int{1, 3, 5},
			func(n int) (*bench.RushReport, error) { return o.rush(ctx, n, 2) }},
		{"front-ends", "Three replicas; " + rate + " The same requests come in more and smaller batches, unless the leader joins what waits.", []int{1, 2, 4, 8},
			func(n int) (*bench.RushReport, error) { return o.rush(ctx, 3, n) }},
	} {
		var costs, waits lines
		for _, n := range c.sizes {
			r, err := c.rush(n)
			if err != nil {
				return nil, fmt.Errorf("%d %s: %w", n, c.name, err)
			}
			costs.add("leader", float64(n), max(0.001, r.LeaderMicrosecondsPerRequest))
			costs.add("front-ends, all together", float64(n), max(0.001, r.LoadMicrosecondsPerRequest))
			waits.add("p50", float64(n), max(0.001, r.Millis["p50"]))
			waits.add("p99", float64(n), max(0.001, r.Millis["p99"]))
		}
		curves = append(curves,
			result.Curve{Name: leaderBy + c.name, X: axis(c.name, ""), Y: axis("CPU time", "µs"), Series: costs.series(), Note: c.note},
			result.Curve{Name: "Wait by " + c.name, X: axis(c.name, ""), Y: axis("from the intended arrival", "ms"), Series: waits.series(), Note: c.note})
	}
	return curves, nil
}

// journals are the curves of a journal that becomes longer.
func (o *Options) journals(ctx context.Context) ([]result.Curve, error) {
	var times, bytes lines
	for _, decisions := range sizes(smallest, o.Largest) {
		fmt.Fprintf(o.Log, "journal: %d decisions\n", decisions)
		r := bench.DefaultRestartOptions()
		r.Program, r.DataParent, r.Log, r.Restarts, r.Decisions = o.Program, o.DataParent, o.Log, 1, uint64(decisions)
		r.Tickets = uint32(max(1, decisions/100))
		report, err := bench.RunRestart(ctx, r)
		if err != nil {
			return nil, fmt.Errorf("%d decisions: %w", decisions, err)
		}
		x := float64(decisions)
		times.add("restart until ready", x, max(0.001, report.MaxMillis/1000))
		for _, a := range report.Audits {
			if a.Verdict != "clean" {
				return nil, fmt.Errorf("%w: the audit says %q", errRush, a.Verdict)
			}
			times.add("audit", x, max(0.001, a.Seconds))
		}
		bytes.add("journal", x, max(1, report.JournalBytes))
		bytes.add("raft log written", x, max(1, report.LogBytes))
		bytes.add("node's memory", x, max(1, float64(report.LeaderMemoryBytes)))
	}
	const sale = "One node, one ticket for each hundred buyers"
	return []result.Curve{
		{Name: TimeByJournal, X: axis("decisions", ""), Y: axis("wall-clock time", "s"), Series: times.series(),
			Note: sale + ". A restart loads the newest snapshot and replays the log behind it, which is bounded; an audit decides everything again, so it grows with the journal."},
		{Name: BytesByJournal, X: axis("decisions", ""), Y: axis("bytes", ""), Series: bytes.series(),
			Note: sale + ". The journal is kept for ever, the raft log is cut behind a snapshot: what was written in all is shown."},
	}, nil
}
