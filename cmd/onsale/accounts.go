package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// forTheRecord is a --reason, which the journal keeps.
type forTheRecord struct{ reason string }

func (r *forTheRecord) flags(c *cobra.Command) {
	c.Flags().StringVar(&r.reason, "reason", "", "why, for the record: at most 200 bytes")
}

// given returns an error when there is none.
func (r *forTheRecord) given() error {
	if r.reason == "" {
		return fmt.Errorf("%w: give a --reason, for the record", errUsage)
	}
	return nil
}

func newAcceptAccount(p *program) *cobra.Command {
	var d desk
	var record forTheRecord
	c := &cobra.Command{Use: "accept-account ID", Short: "As the operator: charge under another account of the payment provider", Args: arguments(cobra.ExactArgs(1)),
		Long: `Says that new charges are made under another account than before: after the provider's key was
changed to one of another account, or a sandbox' books were lost. Nobody can pay before that. ID
is the account as the log and a reconciliation name it: provider/test/id or provider/live/id.
What was charged under an earlier account stays due until a node has that account's key again,
or is settled by hand (onsale payments settle). It may be repeated, and taken back by accepting
the earlier account.`,
		Example: `  onsale payments accept-account stripe/live/acct_1032D82eZvKYlo2C --reason "the shop was sold"`,
		RunE: func(c *cobra.Command, args []string) error {
			if err := record.given(); err != nil {
				return err
			}
			operator, err := d.open()
			if err != nil {
				return err
			}
			accepted, err := operator.AcceptAccount(c.Context(), args[0], record.reason)
			if err != nil {
				return err
			}
			return p.showFields(accepted)
		}}
	d.flags(c.Flags())
	record.flags(c)
	return c
}

func newSettle(p *program) *cobra.Command {
	var d desk
	var record forTheRecord
	var as string
	c := &cobra.Command{Use: "settle UID", Short: "As the operator: say what became of money under an account that is lost", Args: arguments(cobra.ExactArgs(1)),
		Long: `Says what became of an order's money that was charged under another account than the accepted
one, when nobody has that account's key any more, or its books are lost. What the accepted
account can be asked about is refused. The journal keeps whose token it was, and the reason.

captured     the newest attempt took the money: a paying order is paid, a capture is done
not-charged  the newest attempt took nothing, and never will: the order is reserved again, or
             its hold is over
refunded     all that had to go back to the buyer is back, or was never taken`,
		Example: `  onsale payments settle 000G000000000003 --as captured --reason "on the statement of November"`,
		RunE: func(c *cobra.Command, args []string) error {
			if as == "" {
				return fmt.Errorf("%w: say --as captured, not-charged or refunded", errUsage)
			}
			if err := record.given(); err != nil {
				return err
			}
			operator, err := d.open()
			if err != nil {
				return err
			}
			order, err := operator.SettleOrder(c.Context(), args[0], strings.ReplaceAll(as, "-", "_"), record.reason)
			if err != nil {
				return err
			}
			return p.showFields(order)
		}}
	d.flags(c.Flags())
	record.flags(c)
	c.Flags().StringVar(&as, "as", "", "captured, not-charged or refunded")
	return c
}
