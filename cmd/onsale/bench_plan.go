package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"onsale/bench/capacity"
	"onsale/bench/result"
)

// pageLoads are what docs/capacity.md plans for.
var pageLoads = []capacity.Load{
	{RequestsPerSecond: 500_000, Requests: 10e6, Tickets: 100_000, Waitlist: 1e6, Replicas: 3, Utilisation: 0.6},
	{RequestsPerSecond: 5e6, Requests: 50e6, Tickets: 100_000, Waitlist: 1e6, Replicas: 3, Utilisation: 0.6},
	{RequestsPerSecond: 500_000, Requests: 1e9, Tickets: 1e6, Waitlist: 10e6, Replicas: 3, Utilisation: 0.6},
}

// newBenchPlan plans machines from the suite's results.
func newBenchPlan(p *program) *cobra.Command {
	l := pageLoads[0]
	l.Requests = 0
	var results, page string
	var curves []string
	c := &cobra.Command{Use: "plan", Short: "Plan machines for a load from what the suite measured", Args: arguments(cobra.NoArgs),
		Long: `Multiplies what the suite measured with a load: cores, memory, disk and network. Each line
says from which numbers it comes; what was not measured is said to be so. A load beyond
what the suite sends is marked as extrapolated: it holds if costs stay what they are.`,
		Example: "  onsale bench plan --requests-per-second 500000\n  onsale bench plan --write docs/capacity.md",
		RunE: func(*cobra.Command, []string) error {
			d, err := result.ReadFile(results)
			if err != nil {
				return err
			}
			if err := addCurves(d, curves); err != nil {
				return err
			}
			in := capacity.InputOf(d)
			if page != "" {
				return writePlan(page, &in)
			}
			if l.Requests == 0 {
				l.Requests = max(20*l.RequestsPerSecond, l.Tickets+l.Waitlist)
			}
			needs, err := capacity.Plan(&in, l)
			if err != nil {
				return err
			}
			var rows [][]string
			for i := range needs {
				rows = append(rows, []string{needs[i].What, needs[i].Amount(), needs[i].From})
			}
			return p.show(struct {
				Load  capacity.Load   `json:"load"`
				Input *capacity.Input `json:"input"`
				Needs []capacity.Need `json:"needs"`
			}{l, &in, needs}, []string{"needs", "amount", "from"}, rows)
		}}
	f := c.Flags()
	f.StringVar(&results, "results", "bench/results/latest.json", "what the suite wrote")
	f.StringSliceVar(&curves, "curves", nil, "files that bench growth wrote, in place of the curves in the results")
	f.StringVar(&page, "write", "", "write the tables of the usual loads into this page instead, in the place of its last ones")
	f.Float64Var(&l.RequestsPerSecond, "requests-per-second", l.RequestsPerSecond, "that arrive at the peak")
	f.Float64Var(&l.Requests, "requests", 0, "in all; 0 for twenty seconds of the peak")
	f.Float64Var(&l.Tickets, "tickets", l.Tickets, "tickets for sale, one an order")
	f.Float64Var(&l.Waitlist, "waitlist", l.Waitlist, "orders that wait")
	f.IntVar(&l.Replicas, "replicas", l.Replicas, "nodes of a cluster")
	f.Float64Var(&l.Utilisation, "utilisation", l.Utilisation, "which part of a core may be used, up to 1")
	return c
}

// addCurves puts curves that were measured alone behind those of a document: the last of a
// name counts.
func addCurves(d *result.Document, files []string) error {
	for _, file := range files {
		in, err := os.Open(file)
		if err != nil {
			return err
		}
		more, err := result.ReadCurves(in)
		in.Close()
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		d.Steps = append(d.Steps, result.Step{ID: file, Outcome: result.Outcome{Curves: more}})
	}
	return nil
}

func writePlan(path string, in *capacity.Input) error {
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	tables, err := capacity.Markdown(in, pageLoads)
	if err != nil {
		return err
	}
	text, err := capacity.Insert(string(page), tables)
	if err != nil {
		return err
	}
	return result.Replace(path, []byte(text))
}
