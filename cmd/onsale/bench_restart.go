package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"onsale/bench"
)

func newBenchRestart(p *program) *cobra.Command {
	o := bench.DefaultRestartOptions()
	c := &cobra.Command{Use: "restart", Short: "Kill a node after many decisions, and say how long until it takes requests again", Args: arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) (err error) {
			if o.Program, err = os.Executable(); err != nil {
				return err
			}
			o.Log = p.err
			report, err := bench.RunRestart(c.Context(), o)
			if err != nil {
				return err
			}
			if err := p.printRun(report); err != nil {
				return err
			}
			if !auditsClean(report.Audits) {
				return fmt.Errorf("%w: %+v", errNotExact, report.Audits)
			}
			return nil
		}}
	f := c.Flags()
	f.Uint64Var(&o.Decisions, "decisions", o.Decisions, "that the node has taken when it is killed for the first time")
	f.Uint32Var(&o.Tickets, "tickets", o.Tickets, "tickets for sale")
	f.IntVar(&o.Restarts, "restarts", o.Restarts, "how often")
	f.StringVar(&o.DataParent, "data-parent", "", "folder below which the temporary data goes")
	return c
}
