package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"onsale/api/client"
	"onsale/api/contract"
	"onsale/api/strict"
)

func newSale(p *program) *cobra.Command {
	return group("sale", "Create, change and report sales",
		newSaleCreate(p), newSaleUpdate(p), newSaleList(p), newSaleShow(p), newSaleReport(p), newSaleHistory(p),
		p.salePause("pause", "Stop the buys, not the holds", (*client.Seller).PauseSaleAsSeen),
		p.salePause("resume", "Go on after a pause", (*client.Seller).ResumeSaleAsSeen),
		p.saleVerb("close", "End the buying for good; what is reserved may still be paid", (*client.Seller).CloseSale),
		newSaleCancel(p), newSaleQuantity(p), newSaleOpen(p), newSaleExtend(p), newSaleRelease(p),
	)
}

func newSaleCreate(p *program) *cobra.Command {
	var d desk
	var form saleForm
	test := false
	c := &cobra.Command{Use: "create ID", Short: "Create a sale", Args: arguments(cobra.ExactArgs(1)),
		Example: "  onsale sale create arena --item 'Arena, 1 May' --quantity 100000 --price 4900 --starts-at 10m --waitlist 5000",
		RunE: func(c *cobra.Command, args []string) error {
			seller, err := d.open()
			if err != nil {
				return err
			}
			at, err := form.start(form.zone)
			if err != nil {
				return err
			}
			hold, grace, coolDown := contract.Duration(form.hold), contract.Duration(form.grace), contract.Duration(form.coolDown)
			promotedHold := contract.Duration(form.promotedHold)
			if form.item == "" {
				form.item = args[0]
			}
			made, err := seller.CreateSale(c.Context(), contract.NewSale{
				ID: args[0], Item: form.item, Quantity: form.quantity, Cap: &form.capacity, Waitlist: form.waitlist, Price: form.givenPrice(c.Flags()),
				Currency: form.currency, StartsAt: at, Hold: &hold, PromotedHold: &promotedHold, Grace: &grace, SkipUnfit: form.skipUnfit,
				ExpiredHoldsMax: form.expiredHoldsMax, CoolDown: &coolDown, Zone: form.zone, Test: test, BuysPerSecond: form.buysPerSecond,
			})
			if err != nil {
				return err
			}
			return p.showFields(made)
		}}
	d.flags(c.Flags())
	form.flags(c.Flags())
	c.Flags().BoolVar(&test, "test", false, "a rehearsal: bench load may load it, and no money moves; it stays one")
	return c
}

func newSaleUpdate(p *program) *cobra.Command {
	var d desk
	var form saleForm
	c := &cobra.Command{Use: "update ID", Short: "Change a sale: anything before its start; later quantity, waitlist, hold, promoted-hold, skip-unfit, cool-down, zone and buys-per-second", Args: arguments(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			seller, err := d.open()
			if err != nil {
				return err
			}
			zone, err := form.zoneOf(c, seller, args[0])
			if err != nil {
				return err
			}
			change, err := form.change(c.Flags(), zone)
			if err != nil {
				return err
			}
			changed, err := seller.ChangeSale(c.Context(), args[0], change)
			if err != nil {
				return err
			}
			return p.showFields(changed)
		}}
	d.flags(c.Flags())
	form.flags(c.Flags())
	return c
}

func newSaleList(p *program) *cobra.Command {
	var d desk
	c := &cobra.Command{Use: "list", Short: "List the sales", Args: arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			seller, err := d.open()
			if err != nil {
				return err
			}
			list, err := allSales(c.Context(), seller)
			if err != nil {
				return err
			}
			var rows [][]string
			for _, s := range list.Sales {
				rows = append(rows, []string{s.ID, s.Status, cell(s.Quantity), cell(s.Sold), cell(s.Held), cell(s.Available), cell(s.Waiting), cell(s.StartsAt)})
			}
			return p.show(list, []string{"id", "status", "quantity", "sold", "held", "available", "waiting", "starts_at"}, rows)
		}}
	d.flags(c.Flags())
	return c
}

// allSales gathers all pages of the sales.
func allSales(ctx context.Context, seller *client.Seller) (*contract.SaleList, error) {
	all := &contract.SaleList{Sales: []contract.SaleDetail{}}
	for cursor := ""; ; {
		page, err := seller.Sales(ctx, strict.LimitMax, cursor)
		if err != nil {
			return nil, err
		}
		all.Sales = append(all.Sales, page.Sales...)
		if !page.HasMore {
			return all, nil
		}
		cursor = page.Cursor
	}
}

// saleVerb is a command that does one thing to a sale and shows it.
func (p *program) saleVerb(verb, short string, do func(*client.Seller, context.Context, string) (*contract.SaleDetail, error)) *cobra.Command {
	var d desk
	c := &cobra.Command{Use: verb + " ID", Short: short, Args: arguments(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			seller, err := d.open()
			if err != nil {
				return err
			}
			changed, err := do(seller, c.Context(), args[0])
			if err != nil {
				return err
			}
			return p.showFields(changed)
		}}
	d.flags(c.Flags())
	return c
}

// salePause is pause or resume: for the sale as it is now, or as it was seen.
func (p *program) salePause(verb, short string, do func(*client.Seller, context.Context, string, uint64) (*contract.SaleDetail, error)) *cobra.Command {
	var d desk
	var seen once
	c := &cobra.Command{Use: verb + " ID", Short: short, Args: arguments(cobra.ExactArgs(1)),
		Long: short + `. It is for the sale as it is now: when somebody changes it at the same
moment it is refused as sale-changed; look, and repeat it. Repeated with the --changed-seq that is
named when an answer was lost, it undoes nothing that was done since.`,
		Example: "  onsale sale " + verb + " arena",
		RunE: func(c *cobra.Command, args []string) error {
			seller, err := d.open()
			if err != nil {
				return err
			}
			changed, err := seen.do(c, seller, args[0], func(seen uint64) (*contract.SaleDetail, error) {
				return do(seller, c.Context(), args[0], seen)
			})
			if err != nil {
				return err
			}
			return p.showFields(changed)
		}}
	d.flags(c.Flags())
	seen.flags(c)
	return c
}

func newSaleShow(p *program) *cobra.Command {
	return p.saleVerb("show", "Show a sale with its counters", (*client.Seller).Sale)
}

// newSaleCancel asks for --yes: a cancelled sale cannot be taken back.
func newSaleCancel(p *program) *cobra.Command {
	var d desk
	var yes bool
	c := &cobra.Command{Use: "cancel ID", Short: "End the sale and its reservations for good; paid orders are refunded", Args: arguments(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			if !yes {
				return fmt.Errorf("%w: a cancelled sale cannot be opened again; add --yes", errUsage)
			}
			seller, err := d.open()
			if err != nil {
				return err
			}
			sale, err := seller.CancelSale(c.Context(), args[0])
			if err != nil {
				return err
			}
			sale, err = d.patience.settled(c.Context(), p, seller, sale)
			return errors.Join(err, p.showFields(sale))
		}}
	d.flags(c.Flags())
	d.patience.flags(c.Flags())
	c.Flags().BoolVar(&yes, "yes", false, "really")
	return c
}
