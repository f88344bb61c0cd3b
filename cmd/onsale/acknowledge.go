package main

import "github.com/spf13/cobra"

func newAcknowledge(p *program) *cobra.Command {
	var d desk
	var record forTheRecord
	c := &cobra.Command{Use: "acknowledge UID", Short: "As the seller: take note that an order's refund failed", Args: arguments(cobra.ExactArgs(1)),
		Long: `Says that a seller has seen that the money of an order cannot be sent back (money_back is
failed), and why that is as it should be: it was paid back by another way, or the buyer's bank
took it. It ends the alert. The order stays failed, and the journal keeps whose token it was.
It may be repeated.`,
		Example: `  onsale payments acknowledge 000G000000000003 --reason "paid back in cash, receipt 4711"`,
		RunE: func(c *cobra.Command, args []string) error {
			if err := record.given(); err != nil {
				return err
			}
			seller, err := d.open()
			if err != nil {
				return err
			}
			order, err := seller.AcknowledgeOrder(c.Context(), args[0], record.reason)
			if err != nil {
				return err
			}
			return p.showFields(order)
		}}
	d.flags(c.Flags())
	record.flags(c)
	return c
}
