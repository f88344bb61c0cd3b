package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"onsale/api/client"
	"onsale/api/contract"
)

// search is which orders a seller looks for.
type search struct {
	sale   string
	filter client.OrderFilter
}

func (s *search) flags(c *cobra.Command, f *pflag.FlagSet) {
	f.StringVar(&s.sale, "sale", "", "the sale")
	f.StringVar(&s.filter.State, "state", "", "orders in this state: waitlisted, reserved, paying, paid, expired, cancelled, refunded")
	f.StringVar(&s.filter.User, "of", "", "orders of this buyer, the whole user id")
	f.StringVar(&s.filter.Reference, "reference", "", "orders that the buyer's side calls so")
	_ = c.MarkFlagRequired("sale") // the flag is declared above
}

// orderColumns are an order's columns in tables and CSV, and orderRow its cells.
func orderColumns() []string {
	return []string{"uid", "user_id", "state", "quantity", "reference", "creation_ts", "payment_ref", "attempts", "money_back", "seq"}
}

func orderRow(o *contract.Order) []string {
	return []string{o.UID, o.UserID, o.State, cell(o.Quantity), o.Reference, cell(o.CreationTS), o.PaymentRef, cell(o.Attempts), o.MoneyBack, cell(o.Seq)}
}

// ordersFoundMax bounds what order find shows; all there are is an export's.
const ordersFoundMax = 10_000

func newOrderFind(p *program) *cobra.Command {
	var d desk
	var s search
	var limit int
	c := &cobra.Command{Use: "find", Short: "As the seller: find orders of a sale", Args: arguments(cobra.NoArgs),
		Long: `Lists orders of a sale by seq: those in a state, of a buyer, or with a reference. A token
with a claim of sales finds those of its sales only.`,
		Example: "  onsale order find --sale arena --of alice\n  onsale order find --sale arena --reference cart-7\n  onsale order find --sale arena --state paying",
		RunE: func(c *cobra.Command, _ []string) error {
			if limit < 1 || limit > ordersFoundMax {
				return fmt.Errorf("%w: --limit is %d, allowed is 1 to %d", errUsage, limit, ordersFoundMax)
			}
			seller, err := d.open()
			if err != nil {
				return err
			}
			found, rows, more := []contract.Order{}, [][]string(nil), false
			for order, err := range seller.AllOrders(c.Context(), s.sale, s.filter) {
				if err != nil {
					return err
				}
				if more = len(found) == limit; more {
					break
				}
				found, rows = append(found, *order), append(rows, orderRow(order))
			}
			if err := p.show(found, orderColumns(), rows); err != nil {
				return err
			}
			if more {
				fmt.Fprintf(p.err, "there are more; raise --limit, or onsale order export --sale %s\n", s.sale)
			}
			return nil
		}}
	d.flags(c.Flags())
	s.flags(c, c.Flags())
	c.Flags().IntVar(&limit, "limit", 100, "orders to show at most")
	return c
}

func newOrderShow(p *program) *cobra.Command {
	var d desk
	c := &cobra.Command{Use: "show UID", Short: "As the seller: show an order of any buyer", Args: arguments(cobra.ExactArgs(1)),
		Long:    "Shows an order of any buyer, with its attempts to pay and their keys at the provider.",
		Example: "  onsale order show 000G000000000002",
		RunE: func(c *cobra.Command, args []string) error {
			seller, err := d.open()
			if err != nil {
				return err
			}
			order, err := seller.Order(c.Context(), args[0])
			if err != nil {
				return err
			}
			return p.showOrder(order)
		}}
	d.flags(c.Flags())
	return c
}

// showOrder prints an order's fields, and each of its payments as a row.
func (p *program) showOrder(order *contract.OrderDetail) error {
	if p.format == "json" {
		return p.show(order, nil, nil)
	}
	rows := fieldRows(p, &order.Order)
	for i := range order.Payments {
		is := &order.Payments[i]
		text := is.Outcome
		for _, more := range []string{is.Reason, is.PaymentRef} {
			if more != "" {
				text += " " + more
			}
		}
		if is.Captured {
			text += " captured"
		}
		if is.MoneyBack != "" {
			text += " money_back=" + is.MoneyBack
		}
		rows = append(rows, []string{fmt.Sprintf("payments.%d", is.Attempt), text})
	}
	return p.show(order, []string{"field", "value"}, rows)
}
