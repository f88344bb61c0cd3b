package main

import (
	"os"
	"strings"

	"github.com/spf13/cobra"

	"onsale/bench/growth"
)

// newBenchGrowth measures how costs change with size.
func newBenchGrowth(p *program) *cobra.Command {
	var o growth.Options
	var file string
	var quick bool
	c := &cobra.Command{Use: "growth", Short: "Say how the cost of a decision and the memory grow with the sale", Args: arguments(cobra.NoArgs),
		Long: `Measures the CPU time of a decision and the memory of the state with more buyers, tickets,
holders, waiting orders and sales (up to ten million, in this process), the leader's CPU
time with more replicas and front-ends (nodes of its own), and restarts, audits and bytes
with a longer journal. It prints how each grows; --json writes the curves, which the
suite's report draws. It takes up to six minutes on two cores, --quick up to one.`,
		Example: "  onsale bench growth --json growth.json\n  onsale bench growth --quick --part engine",
		RunE: func(c *cobra.Command, _ []string) (err error) {
			if o.Program, err = os.Executable(); err != nil {
				return err
			}
			o.Log = p.err
			if quick && !c.Flags().Changed("largest") {
				o.Largest = growth.LargestQuick
			}
			curves, err := growth.Run(c.Context(), o)
			if err != nil {
				return err
			}
			if file != "" {
				if err := growth.WriteFile(file, curves); err != nil {
					return err
				}
			}
			trends := growth.Trends(curves)
			var rows [][]string
			for i := range trends {
				rows = append(rows, trends[i].Row())
			}
			return p.show(trends, growth.Header, rows)
		}}
	f := c.Flags()
	f.StringVar(&file, "json", "", "write the curves to this file")
	f.BoolVar(&quick, "quick", false, "up to a tenth of the size, in less than a minute")
	f.IntVar(&o.Largest, "largest", growth.LargestFull, "largest size of the curves; of sales a thousandth")
	f.StringSliceVar(&o.Parts, "part", nil, "measure these alone: "+strings.Join(growth.Parts, ", "))
	f.StringVar(&o.DataParent, "data-parent", "", "folder below which the temporary data goes")
	return c
}
