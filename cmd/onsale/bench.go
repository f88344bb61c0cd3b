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
			return p.measure(&o.Setup, func() (exactness, error) {
				show, end := p.progress()
				defer end()
				o.Progress = show
				return bench.RunSale(c.Context(), o)
			})
		}}
	f := c.Flags()
	f.Uint64Var(&o.Buyers, "buyers", o.Buyers, "distinct buyers, each with a token of their own")
	f.Uint32Var(&o.Tickets, "tickets", o.Tickets, "tickets for sale")
	f.IntVar(&o.Connections, "connections", o.Connections, connectionsHelp)
	o.AddFlags(f)
	return c
}

const connectionsHelp = "keep-alive connections, one request at a time each"

// exactness is a report that says whether the run kept what it promises.
type exactness interface{ Exact() error }

// measure runs this program's own nodes, and prints what came of it.
func (p *program) measure(s *bench.Setup, run func() (exactness, error)) (err error) {
	if s.Program, err = os.Executable(); err != nil {
		return err
	}
	s.Log = p.err
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
