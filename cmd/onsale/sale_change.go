package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"onsale/api/client"
	"onsale/api/contract"
)

// newSaleQuantity sets the quantity, or changes it by some tickets.
func newSaleQuantity(p *program) *cobra.Command {
	var d desk
	c := &cobra.Command{Use: "quantity ID N|+N|-N", Short: "Set how many tickets there are, or add or take some", Args: arguments(cobra.ExactArgs(2)),
		Example: "  onsale sale quantity arena 120000\n  onsale sale quantity arena +500\n  onsale sale quantity arena -- -500",
		RunE: func(c *cobra.Command, args []string) error {
			seller, err := d.open()
			if err != nil {
				return err
			}
			n, err := strconv.ParseInt(args[1], 10, 64)
			if err != nil {
				return fmt.Errorf("%w: the quantity is %q, expected is N, +N or -N", errUsage, args[1])
			}
			if strings.HasPrefix(args[1], "+") || n < 0 {
				sale, err := seller.Sale(c.Context(), args[0])
				if err != nil {
					return err
				}
				n += int64(sale.Quantity)
			}
			if n < 1 || n > 1<<32-1 {
				return fmt.Errorf("%w: a sale cannot have %d tickets", errUsage, n)
			}
			quantity := uint32(n)
			changed, err := seller.ChangeSale(c.Context(), args[0], contract.SaleChange{Quantity: &quantity})
			if err != nil {
				return err
			}
			return p.showFields(changed)
		}}
	d.flags(c.Flags())
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		return fmt.Errorf("%w: %w; a quantity that begins with - goes behind --, as in `sale quantity arena -- -500`", errUsage, err)
	})
	return c
}

// newSaleOpen opens a scheduled sale now.
func newSaleOpen(p *program) *cobra.Command {
	var d desk
	c := &cobra.Command{Use: "open ID", Short: "Open a scheduled sale now", Args: arguments(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			seller, err := d.open()
			if err != nil {
				return err
			}
			atOnce := contract.AtOnce()
			changed, err := seller.ChangeSale(c.Context(), args[0], contract.SaleChange{StartsAt: &atOnce})
			if err != nil {
				return err
			}
			return p.showFields(changed)
		}}
	d.flags(c.Flags())
	return c
}

// once lets a change be made once, for a sale as its seller saw it.
type once struct{ changedSeq uint64 }

func (o *once) flags(c *cobra.Command) {
	c.Flags().Uint64Var(&o.changedSeq, "changed-seq", 0, "the sale's changed_seq as you saw it; by default that of now")
}

// do makes the change, and names the flag to repeat it with when its outcome is not known.
func (o *once) do(c *cobra.Command, seller *client.Seller, id string, add func(seen uint64) (*contract.SaleDetail, error)) (*contract.SaleDetail, error) {
	if o.changedSeq == 0 {
		sale, err := seller.Sale(c.Context(), id)
		if err != nil {
			return nil, err
		}
		o.changedSeq = sale.ChangedSeq
	}
	changed, err := add(o.changedSeq)
	if err != nil {
		return nil, fmt.Errorf("%w (--changed-seq %d)", err, o.changedSeq)
	}
	return changed, nil
}

// newSaleExtend gives live holds more time.
func newSaleExtend(p *program) *cobra.Command {
	var d desk
	var adds once
	c := &cobra.Command{Use: "extend ID DURATION", Short: "Give everybody who holds tickets of a sale more time to pay; each call adds", Args: arguments(cobra.ExactArgs(2)),
		Long: `Gives everybody who holds tickets of a sale, or is paying for them, more time to pay. Each call
adds. Repeated with the --changed-seq that is named when an answer was lost, it adds once: it
is refused as sale-changed when the first one was done.`,
		Example: "  onsale sale extend arena 30m",
		RunE: func(c *cobra.Command, args []string) error {
			seller, err := d.open()
			if err != nil {
				return err
			}
			by, err := time.ParseDuration(args[1])
			if err != nil || by <= 0 {
				return fmt.Errorf("%w: the time is %q, expected is 30m or 1h", errUsage, args[1])
			}
			changed, err := adds.do(c, seller, args[0], func(seen uint64) (*contract.SaleDetail, error) {
				return seller.ExtendHolds(c.Context(), args[0], by, seen)
			})
			if err != nil {
				return err
			}
			return p.showFields(changed)
		}}
	d.flags(c.Flags())
	adds.flags(c)
	return c
}

// newSaleRelease sells refunded tickets again.
func newSaleRelease(p *program) *cobra.Command {
	var d desk
	var adds once
	c := &cobra.Command{Use: "release ID N", Short: "Sell withheld (refunded) tickets again", Args: arguments(cobra.ExactArgs(2)),
		Long: `Sells withheld (refunded) tickets again; who waits comes first. Each call releases N more.
Repeated with the --changed-seq that is named when an answer was lost, it releases once: it is
refused as sale-changed when the first one was done.`,
		Example: "  onsale sale release arena 12",
		RunE: func(c *cobra.Command, args []string) error {
			seller, err := d.open()
			if err != nil {
				return err
			}
			tickets, err := strconv.ParseUint(args[1], 10, 32)
			if err != nil {
				return fmt.Errorf("%w: the tickets are %q, expected is a number", errUsage, args[1])
			}
			changed, err := adds.do(c, seller, args[0], func(seen uint64) (*contract.SaleDetail, error) {
				return seller.ReleaseTickets(c.Context(), args[0], int64(tickets), seen)
			})
			if err != nil {
				return err
			}
			return p.showFields(changed)
		}}
	d.flags(c.Flags())
	adds.flags(c)
	return c
}
