package main

import (
	"context"

	"github.com/spf13/cobra"

	"onsale/api/contract"
)

// orderExport is what `order export` was told to do.
type orderExport struct {
	desk
	search
	export
}

func newOrderExport(p *program) *cobra.Command {
	e := orderExport{export: export{what: "orders"}}
	c := &cobra.Command{Use: "export", Short: "As the seller: write all orders of a sale as CSV or JSON lines", Args: arguments(cobra.NoArgs),
		Long: `Writes a sale's orders by seq, page by page as they are read, so that a million need no
memory, and the nodes go on deciding meanwhile. Each order is as of when its page was read; what
is bought meanwhile comes at the end. A fail-over is waited for, up to a minute.

With --out the file is there, for its owner alone, when it is whole. CSV is spelled for
spreadsheets; --output csv --raw writes it as it is.`,
		Example: "  onsale order export --sale arena --state paid --out arena.csv\n  onsale order export --sale arena --lines | jq .user_id",
		RunE:    func(c *cobra.Command, _ []string) error { return e.run(c.Context(), p) }}
	e.desk.flags(c.Flags())
	e.search.flags(c, c.Flags())
	e.export.flags(c.Flags(), "an order")
	return c
}

func (e *orderExport) run(ctx context.Context, p *program) error {
	seller, err := e.openToExport()
	if err != nil {
		return err
	}
	orders := sheet[contract.Order]{columns: orderColumns(), row: orderRow, all: seller.AllOrders(ctx, e.sale, e.filter)}
	return orders.export(p, &e.export)
}
