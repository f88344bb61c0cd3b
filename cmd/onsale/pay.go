package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"onsale/api/contract"
	"onsale/internal/amount"
	"onsale/payment"
)

func newPay(p *program) *cobra.Command {
	var d door
	var method string
	c := &cobra.Command{Use: "pay UID", Short: "Pay an order", Args: arguments(cobra.ExactArgs(1)),
		Long: `Pays an order. However often it is asked, an order is never charged twice. When the
provider has not answered in time the exit code is 5, as when the answer was lost: the
payment may still be taken. --wait waits until it is known. When the buyer's bank wants the
buyer to authenticate (3-D Secure), next_action says where.`,
		Example: "  onsale pay 000G000000000002 --method tok_accept --user alice",
		RunE: func(c *cobra.Command, args []string) error {
			buyer, err := d.open()
			if err != nil {
				return err
			}
			paid, err := d.patience.pay(c.Context(), buyer, args[0], method, func(next *contract.NextAction) {
				fmt.Fprintf(p.err, "the buyer must authenticate first: %s\n", next)
			})
			if paid == nil {
				return err
			}
			if err := errors.Join(err, p.showFields(paid)); err != nil {
				return err
			}
			return verdict(paid)
		}}
	d.flags(c.Flags())
	d.patience.flags(c.Flags())
	c.Flags().StringVar(&method, "method", "", "the provider's token of the means of payment; not needed for an order that costs nothing")
	return c
}

// newOrderRefund is a seller's command among the buyers'.
func newOrderRefund(p *program) *cobra.Command {
	var d desk
	var part some
	c := &cobra.Command{Use: "refund UID", Short: "As the seller: take a paid order back and return its money", Args: arguments(cobra.ExactArgs(1)),
		Long: `Takes a paid order back and returns its money; its tickets are withheld until they are
released. With --quantity a part of it is: what was not captured yet is captured for the rest
alone, else as much is refunded. Asked again under the same --key, as when the answer was lost,
nothing more is refunded. What is refunded lets nobody in any more: the tickets that --tickets
names, else those of the order with the highest numbers.`,
		Example: "  onsale order refund 000G000000000002\n  onsale order refund 000G000000000002 --quantity 1 --wait\n  onsale order refund 000G000000000002 --tickets 5",
		RunE: func(c *cobra.Command, args []string) error {
			if err := part.name(); err != nil {
				return err
			}
			seller, err := d.open()
			if err != nil {
				return err
			}
			order, err := d.patience.refund(c.Context(), seller, args[0], &part)
			if order == nil {
				return err
			}
			if err := errors.Join(err, p.showFields(order)); err != nil {
				return err
			}
			return d.patience.moneyBack(p, order)
		}}
	d.flags(c.Flags())
	d.patience.flags(c.Flags())
	part.flags(c.Flags(), "refund")
	c.Flags().UintSliceVar(&part.named, "tickets", nil, "numbers of the tickets to refund, as order show has them; as many as --quantity, which can be left out")
	return c
}

func newPayments(p *program) *cobra.Command {
	return group("payments", "Look after payments", newReconcile(p), newOrphans(p), newAcknowledge(p), newDisputes(p), newAcceptAccount(p), newSettle(p))
}

// accountRows say whose books were read, when that is not the only account.
func accountRows(found *payment.Reconciliation) (rows [][]string) {
	if found.OtherAccount > 0 || found.Account != found.Accepted && found.Accepted != "" {
		rows = append(rows, []string{"account", found.Account, "whose books these are"}, []string{"accepted_account", found.Accepted, "under which charges are made"})
	}
	if found.OtherAccount > 0 {
		rows = append(rows, []string{"other_account_attempts", cell(found.OtherAccount), "charged under other accounts"})
	}
	return rows
}

// bornAgainRows are what a cluster has that shares the provider's account or history.
func bornAgainRows(found *payment.Reconciliation) (rows [][]string) {
	for _, row := range []struct {
		name   string
		count  int
		detail string
	}{
		{"foreign_orders", found.ForeignOrders, "of before this copy"},
		{"other_charges", found.OtherCharges, "of no birth of this cluster"},
		{"lost_charges", found.LostCharges, "without money, of orders that were lost"},
	} {
		if row.count > 0 {
			rows = append(rows, []string{row.name, cell(row.count), row.detail})
		}
	}
	return rows
}

func newReconcile(p *program) *cobra.Command {
	var d desk
	c := &cobra.Command{Use: "reconcile", Short: "Compare the provider's books with the orders", Args: arguments(cobra.NoArgs),
		Long: `Reads all of the payment provider's books and all orders, and names each difference.
Run it once a day, and after every incident. It changes nothing, but that a refund which
failed is due again, at the node that leads. Its exit code is 6 when there are differences.`,
		RunE: func(c *cobra.Command, _ []string) error {
			seller, err := d.open()
			if err != nil {
				return err
			}
			found, err := seller.Reconcile(c.Context())
			if err != nil {
				return err
			}
			rows := [][]string{
				{"provider", found.Provider, ""}, {"charges", cell(found.Charges), ""}, {"orders", cell(found.Orders), ""},
				{"unsettled", cell(found.Unsettled), ""}, {"differences", cell(len(found.Differences)), ""},
			}
			rows = append(append(rows, bornAgainRows(found)...), accountRows(found)...)
			for _, m := range found.Money {
				rows = append(rows, []string{"captured_amount", p.money(m.Captured, m.Currency), m.Currency}, []string{"refunded_amount", p.money(m.Refunded, m.Currency), m.Currency},
					[]string{"orders_amount", p.money(m.Orders, m.Currency), m.Currency}, []string{"unsettled_amount", p.money(m.Unsettled, m.Currency), m.Currency},
					[]string{"disputed_amount", p.money(m.Disputed, m.Currency), m.Currency})
			}
			for _, difference := range found.Differences {
				rows = append(rows, []string{difference.Kind, difference.Key, amount.Money(difference.Amount, difference.Currency) + ": " + difference.Detail})
			}
			if err := p.show(found, []string{"what", "value", "detail"}, rows); err != nil {
				return err
			}
			if len(found.Differences) > 0 {
				return errDifferences
			}
			return nil
		}}
	d.flags(c.Flags())
	return c
}
