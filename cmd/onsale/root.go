package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"onsale/internal/plain"
)

// program is what every command needs: where data and messages go.
type program struct {
	out, err io.Writer
	format   string // table, json or csv
	raw      bool   // CSV for programs: cells that a spreadsheet would run are left as they are
}

// run executes a command line and returns the exit code.
func run(ctx context.Context, args []string, out, err io.Writer) int {
	root := newRoot(&program{out: out, err: err})
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(err)
	failure := root.ExecuteContext(ctx)
	if _, _, unknown := root.Find(args); failure != nil && unknown != nil { // cobra has no type for it
		failure = fmt.Errorf("%w: %w", errUsage, failure)
	}
	if failure != nil {
		fmt.Fprintln(err, "onsale:", plain.Text(explain(failure)))
	}
	return exitCode(failure)
}

func newRoot(p *program) *cobra.Command {
	root := &cobra.Command{
		Use:           "onsale",
		Short:         "Sells a very hot, very large ticket sale fairly and exactly",
		SilenceUsage:  true,
		SilenceErrors: true,
		Long: `onsale sells identical tickets to a crowd: strictly first in, first out, with an
exact count, and no crash changes an answer that was given.

Exit codes: 0 done, 1 failed, 2 wrong use, 3 refused (sold out, over the cap, declined, …),
4 not taken (no leader, overloaded, throttled, no server), 5 outcome unknown or not there yet
(the answer was lost, the payment provider has not answered: look, or --wait where there is
that), 6 the audit found something or the books differ, 7 a ticket is not genuine, 8 this replica has decided otherwise than a majority and stopped.`,
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return fmt.Errorf("%w: %w", errUsage, err) })
	root.PersistentFlags().StringVarP(&p.format, "output", "o", "table", "how to print data: table, json or csv")
	root.PersistentFlags().BoolVar(&p.raw, "raw", false, "with -o csv: leave text that a spreadsheet would take for a formula as it is")
	showVersion := root.Flags().Bool("version", false, "print release, commit and level")
	root.Args = arguments(cobra.NoArgs)
	root.RunE = func(c *cobra.Command, _ []string) error {
		if *showVersion {
			return p.printVersion()
		}
		return c.Help()
	}
	root.PersistentPreRunE = func(c *cobra.Command, _ []string) error {
		// The command checks both again after this, but its errors are not told from others.
		missing := usage(c.ValidateRequiredFlags(), c.ValidateFlagGroups())
		return errors.Join(missing, p.checkFormat())
	}
	root.AddCommand(
		newServe(p), newConfig(p), newSale(p), newToken(p), newSecret(p), newPseudonym(p), newBuy(p), newOrder(p), newPay(p), newTicket(p), newPayments(p), newSandbox(p), newFrontEnd(p), newWebhooks(p), newWebhook(p), newCluster(p), newPreflight(p), newSnapshot(p), newTLS(p),
		newAudit(p), newArchive(p), newRestore(p), newExport(p), newEvents(p), newInspect(p), newBench(p), newOpenAPI(p), newVersion(p),
	)
	return root
}

func (p *program) checkFormat() error {
	if p.raw && p.format != "csv" {
		return fmt.Errorf("%w: --raw is for --output csv", errUsage)
	}
	switch p.format {
	case "table", "json", "csv":
		return nil
	}
	return fmt.Errorf("%w: --output is %q, allowed are table, json and csv", errUsage, p.format)
}

// arguments checks how many there are, as a usage error.
func arguments(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if err := check(c, args); err != nil {
			return fmt.Errorf("%w: %w; see %s --help", errUsage, err, c.CommandPath())
		}
		return nil
	}
}

// group is a command that only holds others.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: arguments(cobra.NoArgs), RunE: func(c *cobra.Command, _ []string) error {
		return errors.Join(c.Help(), fmt.Errorf("%w: %s needs one of its commands", errUsage, c.CommandPath()))
	}}
	c.AddCommand(commands...)
	return c
}
