package main

import (
	"encoding/json"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"onsale/bench"
)

// show prints a scenario's report, for people or as JSON.
func show(c *cobra.Command, report interface{ Print(io.Writer) }, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(c.OutOrStdout()).Encode(report)
	}
	report.Print(c.OutOrStdout())
	return nil
}

func newRejoin() *cobra.Command {
	o := bench.DefaultRejoinOptions()
	asJSON := false
	c := &cobra.Command{Use: "rejoin", Short: "Kill one of three nodes of a large sale, and say how it comes back", Args: cobra.NoArgs,
		Long: `Starts three nodes, lets many orders wait, goes on at a steady rate of buys, kills a follower
with -9 and starts it again. It says how many snapshots the node was sent, when it was ready and
when it was current, its memory, and in how many pieces its journal is.

It fails when the node does not come back.`,
		Example: "  suite rejoin\n  suite rejoin --waiting 10000000 --rate 8000",
		RunE: func(c *cobra.Command, _ []string) error {
			o.Log = c.ErrOrStderr()
			report, err := bench.RunRejoin(c.Context(), o)
			if err != nil {
				return err
			}
			err = show(c, report, asJSON)
			return errors.Join(err, report.Exact())
		}}
	f := c.Flags()
	f.StringVar(&o.Program, "program", program, "program whose nodes are started")
	f.Uint64Var(&o.Waiting, "waiting", o.Waiting, "orders that wait before the kill")
	f.IntVar(&o.Rate, "rate", o.Rate, "buys a second from then on")
	f.IntVar(&o.Groups, "groups", o.Groups, "groups of buyers a second that press at once: about as many entries of the log")
	f.DurationVar(&o.Away, "away", o.Away, "time from the kill to the start")
	f.DurationVar(&o.LimitMax, "limit", o.LimitMax, "time in which the node must come back")
	f.StringSliceVar(&o.Flags, "node-flags", nil, "flags that every node is started with")
	f.BoolVar(&asJSON, "json", false, "print the report as JSON")
	f.StringVar(&o.DataParent, "data-parent", "", "folder below which the temporary data goes")
	return c
}
