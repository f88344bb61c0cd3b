package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"onsale/bench"
)

func newBench(p *program) *cobra.Command {
	return group("bench", "Measure", newBenchSale(p), newBenchLoad(p), newBenchRush(p), newBenchFailover(p), newBenchWatch(p))
}

// newBenchSale runs a whole sale over HTTP against nodes of its own.
func newBenchSale(p *program) *cobra.Command {
	o := bench.DefaultSaleOptions()
	c := &cobra.Command{Use: "sale", Short: "Sell to a crowd over HTTP, and check the books", Args: arguments(cobra.NoArgs),
		Example: "  onsale bench sale --buyers 1000000 --tickets 100000\n  onsale bench sale --nodes 3",
		RunE: func(c *cobra.Command, _ []string) error {
			return p.measure(&o.Program, &o.Log, func() (exactness, error) {
				show, end := p.progress()
				defer end()
				o.Progress = show
				return bench.RunSale(c.Context(), o)
			})
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
	return c
}

// exactness is a report that says whether the run kept what it promises.
type exactness interface{ Exact() error }

// measure runs this program's own nodes, and prints what came of it.
func (p *program) measure(nodes *string, log *io.Writer, run func() (exactness, error)) (err error) {
	if *nodes, err = os.Executable(); err != nil {
		return err
	}
	*log = p.err
	report, err := run()
	if err != nil {
		return err
	}
	return errors.Join(p.printBench(report), report.Exact())
}

// printBench prints a report as its own tables, its fields, or JSON.
func (p *program) printBench(report any) error {
	if p.format == "json" {
		encoder := json.NewEncoder(p.out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(report)
	}
	tables, is := report.(interface{ Print(io.Writer) })
	if !is {
		return p.showFields(report)
	}
	tables.Print(p.out)
	_, err := fmt.Fprintln(p.out)
	return err
}
