package main

import (
	"errors"

	"github.com/spf13/cobra"

	"onsale/bench"
)

func newOverload() *cobra.Command {
	o := bench.DefaultOverloadOptions()
	asJSON := false
	c := &cobra.Command{Use: "overload", Short: "Offer a node many times what it sustains, beside honest buyers", Args: cobra.NoArgs,
		Long: `Starts a node (or a cluster) with a small queue, finds the rate that it sustains by a closed
loop which the queue can hold, offers many times that by an open loop, and goes on with
the closed loop until full speed is back. Beside the flood honest buyers press once each and
come back as they are told. The flood is a crowd, or some bots who press again and again with
new keys (--bots). Small batches, or a slow disk, make deciding the narrowest place, so that one
machine can offer so much; how much was really sent is told, and a check.

It fails when nobody was refused, when an answer is neither a decision nor 503 or 429, when a
refusal does not say when to come back (Retry-After), when the accepted wait longer than the
queue explains, when memory grows with what is refused, when an honest buyer got no decision,
when full speed is not back after 10 seconds, or when the tickets held are not those told.
Latencies of the flood run from when a request is sent: those who arrive and find no connection
free are never sent.`,
		Example: "  suite overload --nodes 3\n  suite overload --bots 1000 --user-requests-per-second 5 --tickets 6000\n" +
			"  suite overload --program bin/onsale-failpoints --disk-delay 10ms --batch 16",
		RunE: func(c *cobra.Command, _ []string) error {
			o.Log = c.ErrOrStderr()
			report, err := bench.RunOverload(c.Context(), o)
			if err != nil {
				return err
			}
			err = show(c, report, asJSON)
			return errors.Join(err, report.Missed())
		}}
	f := c.Flags()
	f.StringVar(&o.Program, "program", program, "program whose nodes are flooded")
	f.IntVar(&o.Nodes, "nodes", o.Nodes, "nodes to start, as processes on this machine")
	f.IntVar(&o.Queue, "queue", o.Queue, "requests that may wait at the leader (its --inbox-requests-max)")
	f.IntVar(&o.Batch, "batch", o.Batch, "requests in one raft entry (its --batch-requests-max)")
	f.DurationVar(&o.DiskDelay, "disk-delay", o.DiskDelay,
		"time by which every append to the log is slower; needs a program with failpoints")
	f.DurationVar(&o.Sustain, "sustain", o.Sustain, "time in which the sustained rate is looked for")
	f.IntVar(&o.SustainConnections, "sustain-connections", o.SustainConnections,
		"connections of the closed loop, before and after")
	f.Float64Var(&o.Factor, "factor", o.Factor, "how many times the sustained rate is offered")
	f.DurationVar(&o.Over, "over", o.Over, "time for which it is offered")
	f.IntVar(&o.Connections, "connections", o.Connections, "connections of the open loop, one request at a time each")
	f.DurationVar(&o.Recover, "recover", o.Recover, "time for which the closed loop goes on afterwards")
	f.IntVar(&o.Bots, "bots", o.Bots, "users from whom the flood comes; 0 for a new one each request")
	f.Float64Var(&o.UserRequestsPerSecond, "user-requests-per-second", 0, "limit of each user, 0 for none")
	f.IntVar(&o.Honest, "honest", o.Honest, "honest buyers beside the flood")
	f.Uint32Var(&o.Tickets, "tickets", o.Tickets, "tickets for sale during the flood")
	f.BoolVar(&asJSON, "json", false, "print the report as JSON")
	f.StringVar(&o.DataParent, "data-parent", "", "folder below which the temporary data goes")
	return c
}
