package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"onsale/api/client"
	"onsale/api/contract"
	"onsale/internal/plain"
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
	return []string{"uid", "user_id", "state", "quantity", "reference", "creation_ts", "payment_ref", "attempts", "money_back", "tickets", "seq"}
}

func orderRow(o *contract.Order) []string {
	return []string{o.UID, o.UserID, o.State, cell(o.Quantity), o.Reference, cell(o.CreationTS), o.PaymentRef, cell(o.Attempts), o.MoneyBack, ticketNumbers(o), cell(o.Seq)}
}

// ticketNumbers are the numbers of an order's tickets that are not revoked.
func ticketNumbers(o *contract.Order) string {
	numbers := make([]string, len(o.Tickets))
	for i := range o.Tickets {
		numbers[i] = cell(o.Tickets[i].Number)
	}
	return strings.Join(numbers, " ")
}

// ordersFoundMax bounds what order find shows; all there are is an export's.
const ordersFoundMax = 10_000

func newOrderFind(p *program) *cobra.Command {
	var d desk
	var s search
	var limit int
	var uids bool
	c := &cobra.Command{Use: "find", Short: "As the seller: find orders of a sale", Args: arguments(cobra.NoArgs),
		Long: `Lists orders of a sale by seq: those in a state, of a buyer, or with a reference. A token
with a claim of sales finds those of its sales only.`,
		Example: "  onsale order find --sale arena --of alice\n  onsale order find --sale arena --reference cart-7\n  onsale order find --sale arena --state paying\n" +
			"  ORDER=$(onsale order find --sale arena --reference cart-7 --uids)",
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
			if uids {
				err = p.showUIDs(found)
			} else {
				err = p.show(found, orderColumns(), rows)
			}
			if err != nil {
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
	c.Flags().BoolVar(&uids, "uids", false, "print the orders' uids alone, a line each, for other commands")
	return c
}

// showUIDs prints the uids alone.
func (p *program) showUIDs(orders []contract.Order) error {
	for i := range orders {
		if _, err := fmt.Fprintln(p.out, plain.Line(orders[i].UID)); err != nil {
			return err
		}
	}
	return nil
}

func newOrderShow(p *program) *cobra.Command {
	var d desk
	var history bool
	c := &cobra.Command{Use: "show UID", Short: "As the seller: show an order of any buyer", Args: arguments(cobra.ExactArgs(1)),
		Long: `Shows an order of any buyer, with its attempts to pay and their keys at the provider. With
--history everything that happened to it: each decision and event, with its place in the one
order, its time, and who gave it when that was no buyer.`,
		Example: "  onsale order show 000G000000000002\n  onsale order show 000G000000000002 --history",
		RunE: func(c *cobra.Command, args []string) error {
			seller, err := d.open()
			if err != nil {
				return err
			}
			if history {
				return p.showHistory(c.Context(), seller, args[0])
			}
			order, err := seller.Order(c.Context(), args[0])
			if err != nil {
				return err
			}
			return p.showOrder(order)
		}}
	d.flags(c.Flags())
	c.Flags().BoolVar(&history, "history", false, "show what happened to it")
	return c
}

// showHistory prints all that happened to an order, a row each.
func (p *program) showHistory(ctx context.Context, seller *client.Seller, uid string) error {
	events, rows := []contract.OrderEvent{}, [][]string(nil)
	for after := ""; ; {
		page, err := seller.OrderHistory(ctx, uid, after)
		if err != nil {
			return err
		}
		for _, e := range page.Events {
			events = append(events, e)
			rows = append(rows, []string{cell(e.Seq), cell(e.Time), e.Event, e.Code, e.State, cell(e.Quantity), ofEvent(&e)})
		}
		if after = page.Cursor; !page.HasMore {
			return p.show(events, []string{"seq", "time", "event", "code", "state", "quantity", "more"}, rows)
		}
	}
}

// ofEvent spells what few events have.
func ofEvent(e *contract.OrderEvent) string {
	var words []string
	add := func(name string, is bool, value any) {
		if is {
			words = append(words, name+"="+cell(value))
		}
	}
	add("by", e.Actor != "", e.Actor)
	add("attempt", e.Attempt > 0, e.Attempt)
	add("outcome", e.Outcome != "", e.Outcome)
	add("reason", e.Reason != "", e.Reason)
	add("amount", e.Amount != 0, e.Amount)
	add("part", e.Part > 0, e.Part)
	add("position", e.Position > 0, e.Position)
	add("dispute", e.Dispute != "", e.Dispute)
	add("expires_at", e.ExpiresAt != nil, e.ExpiresAt)
	add("note", e.Note != "", e.Note)
	return strings.Join(words, " ")
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
