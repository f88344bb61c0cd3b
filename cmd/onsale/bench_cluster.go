package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"onsale/audit"
	"onsale/bench"
)

// errNotExact is returned when a measured run broke a promise.
var errNotExact = errors.New("the run was not exact")

func newBenchRush(p *program) *cobra.Command {
	o := bench.DefaultRushOptions()
	c := &cobra.Command{Use: "rush", Short: "Let a crowd arrive at front-ends at fixed times, and say how long each waited", Args: arguments(cobra.NoArgs),
		Example: "  onsale bench rush\n  onsale bench rush --requests 5000000 --over 10s",
		RunE: func(c *cobra.Command, _ []string) (err error) {
			if o.Program, err = os.Executable(); err != nil {
				return err
			}
			o.Log = p.err
			report, err := bench.RunRush(c.Context(), o)
			if err != nil {
				return err
			}
			if err := p.printRun(report); err != nil {
				return err
			}
			if len(report.Errors) > 0 || report.OutOfOrder > 0 || !auditsClean(report.Audits) {
				return fmt.Errorf("%w: %d errors, %d out of order", errNotExact, len(report.Errors), report.OutOfOrder)
			}
			return nil
		}}
	f := c.Flags()
	f.Uint64Var(&o.Requests, "requests", o.Requests, "requests, each of a buyer of its own")
	f.DurationVar(&o.Over, "over", o.Over, "in which they arrive, evenly")
	f.Uint32Var(&o.Tickets, "tickets", o.Tickets, "tickets for sale")
	f.IntVar(&o.Nodes, "nodes", o.Nodes, "nodes to start, as processes on this machine")
	f.IntVar(&o.FrontEnds, "front-ends", o.FrontEnds, "front-ends, in this process")
	f.StringVar(&o.DataParent, "data-parent", "", "folder below which the temporary data goes")
	return c
}

func newBenchFailover(p *program) *cobra.Command {
	o := bench.DefaultFailoverOptions()
	c := &cobra.Command{Use: "failover", Short: "Kill the leader again and again under load, and say how long the sale stood still", Args: arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) (err error) {
			if o.Program, err = os.Executable(); err != nil {
				return err
			}
			o.Log = p.err
			report, err := bench.RunFailover(c.Context(), o)
			if err != nil {
				return err
			}
			if err := p.printRun(report); err != nil {
				return err
			}
			if report.Lost > 0 || !auditsClean(report.Audits) {
				return fmt.Errorf("%w: %d told orders are lost", errNotExact, report.Lost)
			}
			return nil
		}}
	f := c.Flags()
	f.IntVar(&o.Kills, "kills", o.Kills, "how often")
	f.IntVar(&o.Buyers, "buyers", o.Buyers, "who buy at once, through one front-end")
	f.IntVar(&o.Nodes, "nodes", o.Nodes, "nodes to start, as processes on this machine")
	f.StringVar(&o.DataParent, "data-parent", "", "folder below which the temporary data goes")
	return c
}

func auditsClean(audits []bench.AuditReport) bool {
	return !slices.ContainsFunc(audits, func(a bench.AuditReport) bool { return a.Verdict != string(audit.VerdictClean) })
}

// printRun prints a report's fields, or JSON.
func (p *program) printRun(report any) error {
	if p.format == "json" {
		encoder := json.NewEncoder(p.out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(report)
	}
	return p.showFields(report)
}
