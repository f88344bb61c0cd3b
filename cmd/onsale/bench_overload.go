package main

import (
	"os"

	"github.com/spf13/cobra"

	"onsale/bench"
)

func newBenchOverload(p *program) *cobra.Command {
	o := bench.DefaultOverloadOptions()
	c := &cobra.Command{Use: "overload", Short: "Offer a node many times what it sustains, and say what becomes of it", Args: arguments(cobra.NoArgs),
		Long: `Starts a node (or a cluster) with a small queue, finds the rate that it sustains by a closed
loop which the queue can hold, offers many times that by an open loop, and goes on with
the closed loop until full speed is back. Small batches, or a slow disk, make deciding the
narrowest place, so that one machine can offer so much; how much was really sent is told, and a
check.

It fails when the queue was not met, when an answer is neither a decision
nor 503 or 429, when a refusal does not say when to come back (Retry-After), when the
accepted wait longer than the queue explains, when memory grows with what is refused, or
when full speed is not back after 10 seconds, when a ticket that somebody was
told of is missing, or when one that nobody was told of is held. Latencies under overload run from when
a request is sent: those who arrive and find no connection free are never sent.`,
		Example: "  onsale bench overload\n  onsale bench overload --nodes 3 --factor 10 --over 10s\n  onsale-failpoints bench overload --disk-delay 10ms --batch 16",
		RunE: func(c *cobra.Command, _ []string) (err error) {
			if o.Program, err = os.Executable(); err != nil {
				return err
			}
			o.Log = p.err
			report, err := bench.RunOverload(c.Context(), o)
			if err != nil {
				return err
			}
			if err := p.printBench(report); err != nil {
				return err
			}
			return report.Missed()
		}}
	f := c.Flags()
	f.IntVar(&o.Nodes, "nodes", o.Nodes, "nodes to start, as processes on this machine")
	f.IntVar(&o.Queue, "queue", o.Queue, "requests that may wait at the leader (its --inbox-requests-max)")
	f.IntVar(&o.Batch, "batch", o.Batch, "requests in one raft entry (its --batch-requests-max)")
	f.DurationVar(&o.DiskDelay, "disk-delay", o.DiskDelay, "how much longer every append to the log takes; only for a program with failpoints")
	f.DurationVar(&o.Sustain, "sustain", o.Sustain, "how long the sustained rate is looked for")
	f.IntVar(&o.SustainConnections, "sustain-connections", o.SustainConnections, "connections of the closed loop, before and after")
	f.Float64Var(&o.Factor, "factor", o.Factor, "how many times the sustained rate is offered")
	f.DurationVar(&o.Over, "over", o.Over, "for how long")
	f.IntVar(&o.Connections, "connections", o.Connections, "connections of the open loop, one request at a time each")
	f.DurationVar(&o.Recover, "recover", o.Recover, "how long the closed loop goes on afterwards")
	f.Float64Var(&o.Slack, "slack", o.Slack, "how many times longer than the queue takes at the sustained rate the accepted may take (p99)")
	f.Float64Var(&o.ReachedShare, "reached-share", o.ReachedShare, "share of the rate that must really be sent")
	f.Float64Var(&o.RecoveredShare, "recovered-share", o.RecoveredShare, "share of the sustained rate that counts as full speed")
	f.StringVar(&o.DataParent, "data-parent", "", "folder below which the temporary data goes")
	return c
}
