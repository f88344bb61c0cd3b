package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"onsale/bench/result"
)

// errRegression is returned when a figure is worse by more than was allowed.
var errRegression = errors.New("figures became worse")

func newBenchDiff(p *program) *cobra.Command {
	failOver := "10%"
	c := &cobra.Command{Use: "diff BEFORE.json AFTER.json", Short: "Compare two runs of the suite, figure by figure", Args: arguments(cobra.ExactArgs(2)),
		Long: `Compares two documents of benchsuite. A change counts when each median lies outside the
rounds of the other run; a figure of one round has no spread, and counts when it changed
by more than --fail-over. Ratios are compared where a figure has one: they are of the same
machine at the same time. The exit code is 1 when a figure is worse by more than --fail-over.`,
		Example: "  onsale bench diff bench/results/2026-11-24-ac52441.json bench/results/latest.json --fail-over 5%",
		RunE: func(c *cobra.Command, args []string) error {
			allowed, err := percent(failOver)
			if err != nil {
				return err
			}
			before, err := result.ReadFile(args[0])
			if err != nil {
				return err
			}
			after, err := result.ReadFile(args[1])
			if err != nil {
				return err
			}
			if why := result.Incomparable(before, after); why != "" {
				fmt.Fprintln(p.err, "these were measured under different conditions:", why)
			}
			return p.showChanges(result.Diff(before, after, allowed))
		}}
	c.Flags().StringVar(&failOver, "fail-over", failOver, "how much worse a figure may become")
	return c
}

// percent reads "10%" or "10" as 0.1.
func percent(text string) (float64, error) {
	v, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(text), "%"), 64)
	if err != nil || !(v >= 0 && v <= 1000) {
		return 0, fmt.Errorf("%w: --fail-over is %q, it must be a percentage like 10%%", errUsage, text)
	}
	return v / 100, nil
}

func (p *program) showChanges(changes []result.Change) error {
	var rows [][]string
	var worse []string
	for i := range changes {
		c := &changes[i]
		if c.Regression {
			worse = append(worse, c.ID)
		}
		rows = append(rows, []string{c.ID, c.What, c.Phase, p.changeNumber(c.Before, c.Unit), p.changeNumber(c.After, c.Unit), p.changePercent(c),
			p.changeRounds(c.BeforeRounds), p.changeRounds(c.AfterRounds), c.Verdict, strconv.FormatBool(c.Regression)})
	}
	if err := p.show(changes, []string{"figure", "what", "phase", "before", "after", "change_percent", "rounds_before", "rounds_after", "verdict", "regression"}, rows); err != nil {
		return err
	}
	if len(worse) > 0 {
		return fmt.Errorf("%w: %s", errRegression, strings.Join(worse, ", "))
	}
	return nil
}

func (p *program) changePercent(c *result.Change) string {
	if c.Percent == nil || p.format == "table" {
		return c.PercentText()
	}
	return p.changeNumber(c.Percent, "")
}

// changeNumber is for reading in a table, and exact elsewhere.
func (p *program) changeNumber(v *float64, unit string) string {
	switch {
	case v == nil:
		return ""
	case p.format == "table" && unit == "":
		return result.Short(*v)
	case p.format == "table":
		return result.Spell(*v, unit)
	}
	return strconv.FormatFloat(*v, 'g', -1, 64)
}

func (p *program) changeRounds(v []float64) string {
	if len(v) == 0 {
		return ""
	}
	return p.changeNumber(&v[0], "") + " – " + p.changeNumber(&v[1], "")
}
