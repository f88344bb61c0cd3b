package main

import (
	"context"

	"github.com/spf13/cobra"

	"onsale/api/contract"
)

// ticketExport is what `ticket export` was told to do.
type ticketExport struct {
	desk
	export
	sale string
}

func newTicketExport(p *program) *cobra.Command {
	e := ticketExport{export: export{what: "tickets"}}
	c := &cobra.Command{Use: "export", Short: "Write the list for the entrance: all tickets of a sale, whose they are, and their codes", Args: arguments(cobra.NoArgs),
		Long: `Writes all tickets of a sale by number, page by page as they are read, as CSV or JSON lines: the
number, valid or revoked, the order with its buyer and the buyer's reference, and the code of
what is valid. Each ticket is as of when its page was read; what is paid meanwhile comes at the
end. A fail-over is waited for, up to a minute.

Who has the codes has the tickets. With --out the file is there, for its owner alone, when it is
whole. Where the nodes have no --ticket-key-file there are numbers and no codes.`,
		Example: "  onsale ticket export --sale arena --out entrance.csv\n" +
			"  onsale ticket export --sale arena --lines | jq -r '.code // empty' | onsale ticket verify - --keys keys.json --revoked revoked.json",
		RunE: func(c *cobra.Command, _ []string) error { return e.run(c.Context(), p) }}
	e.desk.flags(c.Flags())
	e.export.flags(c.Flags(), "a ticket")
	c.Flags().StringVar(&e.sale, "sale", "", "the sale")
	_ = c.MarkFlagRequired("sale") // the flag is declared above
	return c
}

func (e *ticketExport) run(ctx context.Context, p *program) error {
	seller, err := e.openToExport()
	if err != nil {
		return err
	}
	tickets := sheet[contract.SaleTicket]{columns: []string{"number", "status", "order", "user_id", "reference", "code"}, row: ticketRow, all: seller.AllTickets(ctx, e.sale)}
	return tickets.export(p, &e.export)
}

func ticketRow(t *contract.SaleTicket) []string {
	status := "valid"
	if t.Revoked {
		status = "revoked"
	}
	return []string{cell(t.Number), status, t.Order, t.UserID, t.Reference, t.Code}
}
