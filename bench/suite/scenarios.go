package main

import (
	"encoding/json"
	"errors"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"onsale/bench"
)

// scenarioFlags are those that scenarios have in common.
func scenarioFlags(c *cobra.Command, s *bench.Setup) *pflag.FlagSet {
	f := c.Flags()
	f.StringVar(&s.Program, "program", program, "program whose nodes are started")
	s.AddFlags(f)
	return f
}

// conclude prints a scenario's report as JSON, unless the run failed.
func conclude(c *cobra.Command, report interface{ Exact() error }, err error) error {
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(c.OutOrStdout())
	encoder.SetIndent("", "  ")
	return errors.Join(encoder.Encode(report), report.Exact())
}

func newOverload() *cobra.Command {
	o := bench.DefaultOverloadOptions()
	c := &cobra.Command{Use: "overload", Short: "Offer a node many times what it sustains, beside honest buyers", Args: cobra.NoArgs,
		Long: `Starts a node (or a cluster) with a small queue, finds the rate that it sustains by a closed
loop which the queue can hold, offers many times that by an open loop, and goes on with
the closed loop until full speed is back. Beside the flood honest buyers press once each and
come back as they are told. The flood is a crowd, or some bots who press again and again with
new keys (--bots). Small batches, or a slow disk, make deciding the narrowest place, so that one
machine can offer so much; how much was really sent is told, and a check.

It fails when one of the report's checks does not hold. Latencies of the flood run from when a
request is sent: those who arrive and find no connection free are never sent.`,
		Example: "  suite overload --nodes 3\n  suite overload --bots 1000 --user-requests-per-second 5 --tickets 6000\n" +
			"  suite overload --program bin/onsale-failpoints --disk-delay 10ms --batch 16",
		RunE: func(c *cobra.Command, _ []string) error {
			o.Log = c.ErrOrStderr()
			report, err := bench.RunOverload(c.Context(), o)
			return conclude(c, report, err)
		}}
	f := scenarioFlags(c, &o.Setup)
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
	return c
}

func newRejoin() *cobra.Command {
	o := bench.DefaultRejoinOptions()
	c := &cobra.Command{Use: "rejoin", Short: "Kill one of three nodes of a large sale, and say how it comes back", Args: cobra.NoArgs,
		Long: `Starts three nodes, lets many orders wait, goes on at a steady rate of buys, kills a follower
with -9 and starts it again. It says how many snapshots the node was sent, when it was ready and
when it was current, its memory, and in how many pieces its journal is.

It fails when the node does not come back.`,
		Example: "  suite rejoin\n  suite rejoin --waiting 10000000 --rate 8000",
		RunE: func(c *cobra.Command, _ []string) error {
			o.Log = c.ErrOrStderr()
			report, err := bench.RunRejoin(c.Context(), o)
			return conclude(c, report, err)
		}}
	f := scenarioFlags(c, &o.Setup)
	f.Uint64Var(&o.Waiting, "waiting", o.Waiting, "orders that wait before the kill")
	f.IntVar(&o.Rate, "rate", o.Rate, "buys a second from then on")
	f.IntVar(&o.Groups, "groups", o.Groups, "groups of buyers a second that press at once: about as many entries of the log")
	f.DurationVar(&o.Away, "away", o.Away, "time from the kill to the start")
	f.DurationVar(&o.LimitMax, "limit", o.LimitMax, "time in which the node must come back")
	return c
}

func newOrders() *cobra.Command {
	o := bench.DefaultOrdersOptions()
	c := &cobra.Command{Use: "orders", Short: "Let sellers list, export and search orders while a crowd comes", Args: cobra.NoArgs,
		Long: `Starts nodes, sells a sale out, one ticket an order, and lets a crowd come that is refused:
in each round once alone, and once beside three sellers of whom one turns pages, one exports all
orders and one searches by buyer, by reference and an order's history, each as fast as it is
answered. It says the p99 of the decisions with and without them, in each round and as medians, and
for how long at most a reader locked the leader's state.

It fails when that was over a millisecond, or a seller was shown something else than was sold.`,
		Example: "  suite orders\n  suite orders --orders 10000 --rate 2000 --over 2s --rounds 1 --nodes 1",
		RunE: func(c *cobra.Command, _ []string) error {
			o.Log = c.ErrOrStderr()
			report, err := bench.RunOrders(c.Context(), o)
			return conclude(c, report, err)
		}}
	f := scenarioFlags(c, &o.Setup)
	f.Uint64Var(&o.Orders, "orders", o.Orders, "orders that there are")
	f.IntVar(&o.Rate, "rate", o.Rate, "buys a second of the crowd")
	f.DurationVar(&o.Over, "over", o.Over, "time for which the crowd comes, alone and with the sellers")
	f.IntVar(&o.Rounds, "rounds", o.Rounds, "rounds, of which the medians are told")
	return c
}
