package main

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"

	"onsale/api/contract"
)

// The revenue of a sale in a database is that of its report, while the node runs and after a part
// of it went back; a database of another cluster is left alone.
func TestExportSQL(t *testing.T) {
	t.Parallel()
	o := openOffice(t, func(s *settings) { s.Payment.Provider = providerSandbox })
	file := filepath.Join(t.TempDir(), "finance.db")
	export := func(code int, verb string, more ...string) string {
		args := append([]string{"export", verb, "--journal", filepath.Join(o.dir, "journal"), "--to", "sqlite:" + file}, more...)
		return command(t, code, args...)
	}
	o.sell(0, "sale", "create", "gig", "--price", "4900", "--quantity", "10")
	order := into[contract.Decision](t, o.buy(0, "alice", "buy", "-q", "2", "-o", "json")).Order
	o.buy(0, "alice", "pay", order, "--method", "tok_accept")
	for _, refunded := range []bool{false, true} {
		if refunded {
			o.sell(0, "order", "refund", order, "--quantity", "1", "--key", "k", "--wait")
		}
		mustSettle(t, o)
		has(t, export(0, "sql", "--once"), "up to block")
		report := into[contract.Report](t, o.sell(0, "sale", "report", "gig", "-o", "json"))
		want := fmt.Sprint(report.Money.Gross, report.Money.Refunded, report.Money.Net, report.Tickets.Sold)
		if got := revenue(t, file); got != want {
			t.Errorf("rows say %s, the report %s", got, want)
		}
		has(t, export(0, "verify"), "0 differ")
	}
	has(t, export(3, "sql", "--once", "--users", "clear"), "other --users")
	has(t, export(2, "sql", "--users", "some"), "--users")
	o.close()

	o = openOffice(t)
	defer o.close()
	has(t, export(3, "sql", "--once"), "another history")
	has(t, export(3, "verify"), "another history")
	has(t, command(t, 2, "export", "sql", "--journal", t.TempDir(), "--to", "mysql://x"), "--to")
	has(t, command(t, 2, "export", "sql", "--journal", "nowhere", "--to", "sqlite:"+file), "--journal")
}

// revenue is what the view says of all sales, with nothing to reconcile.
func revenue(t *testing.T, file string) string {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	var captured, returned, net, tickets, wrong int64
	err = db.QueryRowContext(t.Context(), "SELECT captured, returned, net, tickets_sold, (SELECT count(*) FROM reconciliation) FROM revenue_by_sale").
		Scan(&captured, &returned, &net, &tickets, &wrong)
	if err != nil || wrong != 0 {
		t.Fatalf("%v, %d to reconcile", err, wrong)
	}
	return fmt.Sprint(captured, returned, net, tickets)
}
