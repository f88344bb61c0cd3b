package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"onsale/bench"
)

func newBenchPayments(p *program) *cobra.Command {
	o := bench.DefaultPaymentsOptions()
	c := &cobra.Command{Use: "payments", Short: "Kill leaders, front-ends and the provider at every step of a payment, and reconcile", Args: arguments(cobra.NoArgs),
		Long: `Starts three nodes, a front-end and a payment sandbox, and lets each kind of process kill
itself at every place of the payment protocol while orders are bought, paid (also in two
tabs at once, and again when no answer came) and refunded. When everything is settled, the
provider's books, the orders and what the buyers were told are compared: no order charged
twice, none charged without tickets, none paid without a charge.

Only a program that is built with failpoints has the places to die at: make broken.`,
		Example: "  onsale-failpoints bench payments\n  onsale-failpoints bench payments --only captured --runs 20",
		RunE: func(c *cobra.Command, _ []string) (err error) {
			if o.Program, err = os.Executable(); err != nil {
				return err
			}
			o.Log = p.err
			report, err := bench.RunPayments(c.Context(), o)
			if err != nil {
				return err
			}
			if err := p.showPaymentCrashes(report); err != nil {
				return err
			}
			for _, place := range report.Places {
				if len(place.Differences)+len(place.Wrong) > 0 {
					return fmt.Errorf("%w: %s at %s: %d differences, %d orders are wrong", errNotExact, place.Process, place.Step, len(place.Differences), len(place.Wrong))
				}
			}
			if !auditsClean(report.Audits) {
				return fmt.Errorf("%w: an audit is not clean", errNotExact)
			}
			return nil
		}}
	f := c.Flags()
	f.IntVar(&o.Runs, "runs", o.Runs, "how often each kind of process dies")
	f.StringVar(&o.Only, "only", "", "only the places of one process (leader, front-end, provider), or one step")
	f.Uint64Var(&o.Seed, "seed", o.Seed, "of what buyers do and when processes die")
	f.IntVar(&o.Buyers, "buyers", o.Buyers, "who buy and pay at once")
	f.StringVar(&o.DataParent, "data-parent", "", "folder below which the temporary data goes")
	return c
}

// showPaymentCrashes prints a row for each place of the protocol.
func (p *program) showPaymentCrashes(report *bench.PaymentsReport) error {
	header := []string{"process", "dies at", "kills", "accepted", "rejected", "pending", "unknown", "refunded", "differences", "wrong"}
	var rows [][]string
	for i := range report.Places {
		place := &report.Places[i]
		told := &place.Told
		rows = append(rows, []string{place.Process, place.Step, cell(place.Kills), cell(told.Accepted), cell(told.Rejected), cell(told.Pending),
			cell(told.Unknown), cell(told.Refunded), cell(len(place.Differences)), cell(len(place.Wrong))})
	}
	return p.show(report, header, rows)
}
