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
			return p.measure(&o.Setup, func() (exactness, error) { return bench.RunRush(c.Context(), o) })
		}}
	f := c.Flags()
	f.Uint64Var(&o.Requests, "requests", o.Requests, "requests, each of a buyer of its own")
	f.DurationVar(&o.Over, "over", o.Over, "in which they arrive, evenly")
	f.Uint32Var(&o.Tickets, "tickets", o.Tickets, "tickets for sale")
	f.IntVar(&o.FrontEnds, "front-ends", o.FrontEnds, "front-ends, in this process")
	o.AddFlags(f)
	return c
}

func newBenchFailover(p *program) *cobra.Command {
	o := bench.DefaultFailoverOptions()
	c := &cobra.Command{Use: "failover", Args: arguments(cobra.NoArgs),
		Short: "Kill the leader again and again under load, and say how long the sale stood still",
		RunE: func(c *cobra.Command, _ []string) error {
			return p.measure(&o.Setup, func() (exactness, error) { return bench.RunFailover(c.Context(), o) })
		}}
	f := c.Flags()
	f.IntVar(&o.Kills, "kills", o.Kills, "how often")
	f.BoolVar(&o.Vanish, "vanish", false, "stop the leader without a word, as a machine that dies does: only time-outs tell")
	f.IntVar(&o.Buyers, "buyers", o.Buyers, "who buy at once, through one front-end")
	o.AddFlags(f)
	return c
}

func newBenchWatch(p *program) *cobra.Command {
	o := bench.DefaultWatchOptions()
	var page string
	c := &cobra.Command{Use: "watch", Args: arguments(cobra.NoArgs),
		Short: "Watch a cluster for an hour: elections, descriptors, goroutines, memory",
		Long: `Starts nodes and front-ends as processes, idle or with buyers who arrive at a fixed rate and
never pay, and looks at their metrics until the time is over. Nobody is killed, so every
election that is won is a false one.`,
		Example: "  onsale bench watch --html idle.html\n  onsale bench watch --rate 10000 --html pressed.html\n" +
			"  onsale bench watch --for 5m --every 1s --node-flag=--heartbeat-timeout=300ms",
		RunE: func(c *cobra.Command, _ []string) error {
			return p.measure(&o.Setup, func() (exactness, error) {
				r, err := bench.RunWatch(c.Context(), o)
				if err == nil && page != "" {
					err = writePage(page, r.WriteHTML)
				}
				return r, err
			})
		}}
	f := c.Flags()
	f.DurationVar(&o.For, "for", o.For, "how long")
	f.DurationVar(&o.Every, "every", o.Every, "time between two looks")
	f.IntVar(&o.Rate, "rate", 0, "buyers that arrive a second at the front-ends; 0 for an idle cluster")
	f.IntVar(&o.Connections, "connections", o.Connections, connectionsHelp)
	f.Uint32Var(&o.Tickets, "tickets", o.Tickets, "tickets for sale")
	f.DurationVar(&o.Hold, "hold", o.Hold, "time after which tickets that nobody paid are for sale again")
	f.IntVar(&o.FrontEnds, "front-ends", o.FrontEnds, "front-ends to start, as processes on this machine")
	f.StringVar(&page, "html", "", "file for a page with charts")
	o.AddFlags(f)
	return c
}
