package main

import (
	"path/filepath"
	"strings"
	"testing"

	"onsale/api/contract"
)

// Who changed a sale, and how, is told by the sale, by its history from a node and from the
// journal alone, and by the decision in the journal.
func TestSaleHistoryByCommand(t *testing.T) {
	o := openOffice(t)
	ann := strings.TrimSpace(command(t, 0, "token", "--user", "ann", "--role", "seller", "--secret-file", filepath.Join(o.dir, "token-secret")))
	o.sell(0, "sale", "create", "gig", "--price", "0", "--quantity", "1000000")
	o.buy(0, "bob", "buy", "--sale", "gig")
	o.sell(0, "sale", "pause", "gig", "--token", ann)
	sale := into[contract.SaleDetail](t, o.sell(0, "sale", "show", "gig", "-o", "json"))
	if sale.ChangedBy != "ann" || sale.ChangedSeq == 0 || sale.ChangedAt.Before(sale.CreatedAt) {
		t.Errorf("%+v", sale)
	}
	o.sell(0, "sale", "quantity", "gig", "1200000")

	has(t, o.sell(0, "sale", "history", "gig", "-o", "csv"), "seq,at,verb,actor,change\n", ",sale_create,cli,", ",sale_pause,ann,status open -> paused\n",
		",sale_quantity,cli,quantity 1000000 -> 1200000\n")
	o.close()
	journal := filepath.Join(o.dir, "journal")
	has(t, command(t, 0, "sale", "history", "gig", "--journal", journal), "status open -> paused")
	has(t, command(t, 0, "inspect", "journal", journal, "--seq", cell(sale.ChangedSeq)), `"actor": "ann"`, `"kind": "sale_pause"`)
}
