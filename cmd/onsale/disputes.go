package main

import "github.com/spf13/cobra"

func newDisputes(p *program) *cobra.Command {
	var d desk
	c := &cobra.Command{Use: "disputes", Short: "List charges that buyers' banks were asked to take back", Args: arguments(cobra.NoArgs),
		Long: `Lists disputes (chargebacks), as webhooks and onsale payments reconcile told them. First come
those that need a response, by the time until which evidence may be given; it is given on the
payment provider's own page. An order that is disputed stays what it is.`,
		Example: `  onsale payments disputes
  onsale payments disputes -o json`,
		RunE: func(c *cobra.Command, _ []string) error {
			seller, err := d.open()
			if err != nil {
				return err
			}
			found, err := seller.Disputes(c.Context())
			if err != nil {
				return err
			}
			rows := make([][]string, 0, len(found.Disputes))
			for _, is := range found.Disputes {
				rows = append(rows, []string{is.Order, is.Status, cell(is.EvidenceBy), p.money(is.Amount, is.Currency), is.Currency, is.State, is.Key})
			}
			return p.show(found, []string{"order", "status", "evidence_by", "amount", "currency", "state", "payment"}, rows)
		}}
	d.flags(c.Flags())
	return c
}
