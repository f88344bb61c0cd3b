package main

import (
	"cmp"

	"github.com/spf13/cobra"

	"onsale/api/contract"
)

func newAcknowledge(p *program) *cobra.Command {
	var d desk
	var record forTheRecord
	var of money
	c := &cobra.Command{Use: "acknowledge UID", Short: "As the seller: take note that an order's refund failed", Args: arguments(cobra.ExactArgs(1)),
		Long: `Says that a seller has seen that money of an order cannot be sent back (money_back is
failed), and why that is as it should be: it was paid back by another way, or the buyer's bank
took it. It ends the alert. The order stays failed, and the journal keeps whose token it was.
It is about one attempt to pay, or one part that was refunded by itself, and may be repeated:
the alert of another refund that failed since goes on.`,
		Example: `  onsale payments acknowledge 000G000000000003 --attempt 1 --reason "paid back in cash, receipt 4711"
  onsale payments acknowledge 000G000000000003 --attempt 1 --part 2 --reason "the bank took it"`,
		RunE: func(c *cobra.Command, args []string) error {
			if err := cmp.Or(of.given(), record.given()); err != nil {
				return err
			}
			seller, err := d.open()
			if err != nil {
				return err
			}
			order, err := seller.AcknowledgeOrder(c.Context(), args[0], contract.Acknowledgement{Attempt: of.attempt, Part: of.part, Reason: record.reason})
			if err != nil {
				return err
			}
			return p.showFields(order)
		}}
	d.flags(c.Flags())
	record.flags(c)
	of.flags(c)
	return c
}
