package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"onsale/api/contract"
	"onsale/sequencer"
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

// money are the flags that say of which money of an order a word is.
type money struct{ attempt, part uint8 }

func (m *money) flags(c *cobra.Command) {
	c.Flags().Uint8Var(&m.attempt, "attempt", 0, "number of the attempt to pay, from 1: the end of its payment's key")
	c.Flags().Uint8Var(&m.part, "part", 0, "number of what was refunded by itself; 0 for all that the attempt must give back")
}

// given returns an error when the attempt is not named.
func (m *money) given() error {
	if m.attempt == 0 {
		return fmt.Errorf("%w: say of which --attempt to pay", errUsage)
	}
	return nil
}

func newSettle(p *program) *cobra.Command {
	var d desk
	var record forTheRecord
	var of money
	var word contract.Settlement
	c := &cobra.Command{Use: "settle UID", Short: "As the operator: say what became of money under an account that is lost", Args: arguments(cobra.ExactArgs(1)),
		Long: `Says what became of an order's money that was charged under another account than the accepted
one, when nobody has that account's key any more, or its books are lost. What the accepted
account can be asked about is refused. The journal keeps whose token it was, and the reason.

captured     the attempt, which is the newest, took the amount: a paying order is paid, a
             capture is done
not-charged  the attempt took nothing, and never will: the order is reserved again, or
             its hold is over
refunded     the amount that had to go back of the attempt, or of the part, is back, or was
             never taken

The payment's key in onsale payments reconcile ends with the attempt's number, and the amount
stands beside it (other_account); onsale order show has an order's parts. It may be repeated when
an answer was lost, however late: it changes nothing of a later attempt or another part, and is
refused when the order's money is another one.`,
		Example: `  onsale payments settle 000G000000000003 --attempt 1 --as captured --amount 4900 --reason "on the statement of November"
  onsale payments settle 000G000000000003 --attempt 2 --as not-charged --reason "on no statement"
  onsale payments settle 000G000000000003 --attempt 1 --part 1 --as refunded --amount 4900 --reason "in cash"`,
		RunE: func(c *cobra.Command, args []string) error {
			if err := settles(&word, &of, &record); err != nil {
				return err
			}
			operator, err := d.open()
			if err != nil {
				return err
			}
			order, err := operator.SettleOrder(c.Context(), args[0], word)
			if err != nil {
				return err
			}
			return p.showFields(order)
		}}
	d.flags(c.Flags())
	record.flags(c)
	of.flags(c)
	c.Flags().StringVar(&word.As, "as", "", "captured, not-charged or refunded")
	c.Flags().Int64Var(&word.Amount, "amount", 0, "how much was captured, or is back, in minor units; none when it was not charged")
	return c
}

// settles fills in what the flags say.
func settles(word *contract.Settlement, of *money, record *forTheRecord) error {
	if word.As == "" {
		return fmt.Errorf("%w: say --as captured, not-charged or refunded", errUsage)
	}
	word.As = strings.ReplaceAll(word.As, "-", "_")
	if outcome, known := contract.OutcomeAs(word.As); known && (outcome == sequencer.PayCancelled) != (word.Amount == 0) {
		return fmt.Errorf("%w: --amount is what was captured or is back, in minor units; what was not charged has none", errUsage)
	}
	word.Attempt, word.Part, word.Reason = of.attempt, of.part, record.reason
	return cmp.Or(of.given(), record.given())
}
