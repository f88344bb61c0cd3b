package main

import (
	"fmt"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"onsale/bench"
)

// newBenchWitness holds our load generator against others.
func newBenchWitness(p *program) *cobra.Command {
	o := bench.DefaultWitnessOptions()
	c := &cobra.Command{Use: "witness", Short: "Hold our load against wrk and vegeta at the same node", Args: arguments(cobra.NoArgs),
		Long: `Starts a node of its own and lets our load and another one at it in turn, while selling and
when sold out: wrk in a closed loop (Debian package wrk), vegeta in an open loop (go
install github.com/tsenart/vegeta/v12@v12.13.0). Each run has a sale and buyers of its own.
It prints what both saw, medians of the rounds, and the median of the rounds' ratios.`,
		Example: "  onsale bench witness --vegeta bin/vegeta",
		RunE: func(c *cobra.Command, _ []string) (err error) {
			if o.Program, err = os.Executable(); err != nil {
				return err
			}
			o.Log = p.err
			found, err := bench.RunWitness(c.Context(), o)
			if err != nil {
				return err
			}
			var rows [][]string
			for i := range found {
				w := &found[i]
				rows = append(rows, []string{w.Witness, w.Loop, w.Phase, w.What, fmt.Sprintf("%.2f", w.Ours), fmt.Sprintf("%.2f", w.Theirs), fmt.Sprintf("%.2f", w.Ratio), strconv.FormatBool(w.Within())})
			}
			return p.show(found, []string{"witness", "loop", "phase", "what", "ours", "theirs", "ratio", "within_a_tenth"}, rows)
		}}
	f := c.Flags()
	f.StringVar(&o.Wrk, "wrk", o.Wrk, "wrk's program; '' leaves it out")
	f.StringVar(&o.Vegeta, "vegeta", o.Vegeta, "vegeta's program; '' leaves it out")
	f.IntVar(&o.Rounds, "rounds", o.Rounds, "how often both run, in turn")
	f.IntVar(&o.Connections, "connections", o.Connections, "connections of each")
	f.IntVar(&o.Rate, "rate", o.Rate, "arrivals a second of the open loop")
	f.DurationVar(&o.Duration, "duration", o.Duration, "of each run, in whole seconds")
	f.StringVar(&o.DataParent, "data-parent", "", "folder below which the temporary data goes")
	return c
}
