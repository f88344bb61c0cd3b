package main

import (
	"github.com/spf13/cobra"

	"onsale/bench"
)

func newBenchWatch(p *program) *cobra.Command {
	o := bench.DefaultWatchOptions()
	var page string
	c := &cobra.Command{Use: "watch", Args: arguments(cobra.NoArgs),
		Short: "Watch a cluster for an hour: elections, descriptors, goroutines, memory",
		Long: `Starts nodes and front-ends as processes, idle or with buyers who arrive at a fixed rate and
never pay, and looks at their metrics until the time is over. Nobody is killed, so every
election that is won is a false one.`,
		Example: "  onsale bench watch --html idle.html\n  onsale bench watch --rate 10000 --html pressed.html\n" +
			"  onsale bench watch --for 5m --every 1s --busy 4 --node-flag=--heartbeat-timeout=300ms",
		RunE: func(c *cobra.Command, _ []string) error {
			return p.measure(&o.Program, &o.Log, func() (exactness, error) {
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
	f.IntVar(&o.Connections, "connections", o.Connections, "keep-alive connections of the load")
	f.Uint32Var(&o.Tickets, "tickets", o.Tickets, "tickets for sale")
	f.DurationVar(&o.Hold, "hold", o.Hold, "time after which tickets that nobody paid are for sale again")
	f.IntVar(&o.Nodes, "nodes", o.Nodes, "nodes to start, as processes on this machine")
	f.IntVar(&o.FrontEnds, "front-ends", o.FrontEnds, "front-ends to start, as processes on this machine")
	f.IntVar(&o.Busy, "busy", 0, "programs beside that use as much of the processor as they get")
	f.IntVar(&o.BusyNice, "busy-nice", 0, "niceness of the busy loops, 0 to 19")
	f.StringArrayVar(&o.NodeFlags, "node-flag", nil, "further flag of every node, may be given several times")
	f.StringVar(&page, "html", "", "file for a page with charts")
	f.StringVar(&o.DataParent, "data-parent", "", "folder below which the temporary data goes")
	return c
}
