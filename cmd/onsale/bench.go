package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"onsale/bench"
)

func newBench(p *program) *cobra.Command {
	return group("bench", "Measure", newBenchSale(p), newBenchLoad(p), newBenchRush(p), newBenchFailover(p))
}

// newBenchSale runs a whole sale over HTTP against nodes of its own, or against a
// server that runs.
func newBenchSale(p *program) *cobra.Command {
	o := bench.DefaultSaleOptions()
	var secretFile string
	c := &cobra.Command{Use: "sale", Short: "Sell to a crowd over HTTP, and check the books", Args: arguments(cobra.NoArgs),
		Example: "  onsale bench sale --buyers 1000000 --tickets 100000\n  onsale bench sale --nodes 3",
		RunE: func(c *cobra.Command, _ []string) (err error) {
			if o.Program, err = os.Executable(); err != nil {
				return err
			}
			if o.Address != "" {
				if o.Secret, err = readSecret(secretFile); err != nil {
					return err
				}
			}
			o.Log = p.err
			show, end := p.progress()
			o.Progress = show
			report, err := bench.RunSale(c.Context(), o)
			end()
			if err != nil {
				return err
			}
			if err := p.printBench(report); err != nil {
				return err
			}
			return report.Exact(o)
		}}
	f := c.Flags()
	f.Uint64Var(&o.Buyers, "buyers", o.Buyers, "distinct buyers, each with a token of their own")
	f.Uint32Var(&o.Tickets, "tickets", o.Tickets, "tickets for sale")
	f.IntVar(&o.Quantity, "quantity", o.Quantity, "tickets that each buyer asks for, 1 or 2")
	f.Uint32Var(&o.Waitlist, "waitlist", o.Waitlist, "orders that may wait")
	f.IntVar(&o.Nodes, "nodes", o.Nodes, "nodes to start, as processes on this machine")
	f.IntVar(&o.Connections, "connections", o.Connections, "keep-alive connections, one request at a time each")
	f.DurationVar(&o.RetryMax, "retry-max", o.RetryMax, "how long a buyer tries, always with the same key")
	f.StringVar(&o.DataParent, "data-parent", "", "folder below which the temporary data goes")
	f.BoolVar(&o.Keep, "keep", false, "keep the data")
	f.StringVar(&o.Address, "http", "", "buyers' listener of a server that runs, instead of starting one")
	f.StringVar(&o.Private, "private", "", "private listener of the node, HOST:PORT")
	f.StringVar(&secretFile, "secret-file", envOr("ONSALE_SECRET_FILE", "data/token-secret"), secretFileHelp)
	return c
}

// printBench prints a report as its own tables, or JSON.
func (p *program) printBench(r interface{ Print(io.Writer) }) error {
	if p.format == "json" {
		encoder := json.NewEncoder(p.out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(r)
	}
	r.Print(p.out)
	_, err := fmt.Fprintln(p.out)
	return err
}
