package main

import (
	"github.com/spf13/cobra"

	"onsale/bench"
)

func newBenchRush(p *program) *cobra.Command {
	o := bench.DefaultRushOptions()
	c := &cobra.Command{Use: "rush", Args: arguments(cobra.NoArgs),
		Short:   "Let a crowd arrive at front-ends at fixed times, and say how long each waited",
		Example: "  onsale bench rush\n  onsale bench rush --requests 5000000 --over 10s",
		RunE: func(c *cobra.Command, _ []string) error {
			return p.measure(&o.Program, &o.Log, func() (exactness, error) { return bench.RunRush(c.Context(), o) })
		}}
	f := c.Flags()
	f.Uint64Var(&o.Requests, "requests", o.Requests, "requests, each of a buyer of its own")
	f.DurationVar(&o.Over, "over", o.Over, "in which they arrive, evenly")
	f.Uint32Var(&o.Tickets, "tickets", o.Tickets, "tickets for sale")
	f.IntVar(&o.Nodes, "nodes", o.Nodes, "nodes to start, as processes on this machine")
	f.IntVar(&o.FrontEnds, "front-ends", o.FrontEnds, "front-ends, in this process")
	f.BoolVar(&o.Keyed, "keys", o.Keyed, "give each request an idempotency key, as buyers' clients do")
	f.StringVar(&o.DataParent, "data-parent", "", "folder below which the temporary data goes")
	return c
}

func newBenchFailover(p *program) *cobra.Command {
	o := bench.DefaultFailoverOptions()
	c := &cobra.Command{Use: "failover", Args: arguments(cobra.NoArgs),
		Short: "Kill the leader again and again under load, and say how long the sale stood still",
		RunE: func(c *cobra.Command, _ []string) error {
			return p.measure(&o.Program, &o.Log, func() (exactness, error) { return bench.RunFailover(c.Context(), o) })
		}}
	f := c.Flags()
	f.IntVar(&o.Kills, "kills", o.Kills, "how often")
	f.BoolVar(&o.Vanish, "vanish", false, "stop the leader without a word, as a machine that dies does: only time-outs tell")
	f.StringArrayVar(&o.NodeFlags, "node-flag", nil, "further flag of every node, may be given several times")
	f.IntVar(&o.Buyers, "buyers", o.Buyers, "who buy at once, through one front-end")
	f.IntVar(&o.Nodes, "nodes", o.Nodes, "nodes to start, as processes on this machine")
	f.StringVar(&o.DataParent, "data-parent", "", "folder below which the temporary data goes")
	return c
}
