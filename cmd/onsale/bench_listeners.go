package main

import (
	"os"

	"github.com/spf13/cobra"

	"onsale/bench"
)

func newBenchListeners(p *program) *cobra.Command {
	o := bench.DefaultListenersOptions()
	c := &cobra.Command{Use: "listeners", Short: "Let many listen to a sale's events at one node, and say what that costs", Args: arguments(cobra.NoArgs),
		Long: `Starts one node, opens event streams of one sale to it from this process, and measures the
node's memory and CPU before, in silence and while buys change the sale, how late each
listener hears of each change, and how often an event is encoded. Both processes need an
open file for each listener (ulimit -n); the limit is raised when that is allowed.`,
		Example: "  onsale bench listeners\n  onsale bench listeners --listeners 19000",
		RunE: func(c *cobra.Command, _ []string) (err error) {
			if o.Program, err = os.Executable(); err != nil {
				return err
			}
			o.Log = p.err
			report, err := bench.RunListeners(c.Context(), o)
			if err != nil {
				return err
			}
			if err := p.printRun(report); err != nil {
				return err
			}
			return report.Exact()
		}}
	f := c.Flags()
	f.IntVar(&o.Listeners, "listeners", o.Listeners, "open event streams of one sale")
	f.DurationVar(&o.Idle, "idle", o.Idle, "how long nothing is sold")
	f.DurationVar(&o.Sell, "sell", o.Sell, "how long tickets are sold")
	f.IntVar(&o.PerSecond, "per-second", o.PerSecond, "buys a second, each a change of the sale")
	f.StringArrayVar(&o.Flags, "node-flag", nil, "a flag for the node, as --node-flag=--stream-interval=1s")
	f.StringVar(&o.DataParent, "data-parent", "", "folder below which the temporary data goes")
	return c
}
