package main

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"onsale/api/contract"
	"onsale/audit/export/sqldb"
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
	has(t, export(3, "sql", "--once", "--users", "clear"), "the rows that are there say none")
	has(t, export(2, "sql", "--once", "--users", "pseudonym"), "needs --pseudonyms-file")
	over := []string{"--to", "sqlite:" + filepath.Join(t.TempDir(), "over.db"), "--cluster", o.server.node.Address(), "--peer-secret-file", filepath.Join(o.dir, "peer-secret")}
	has(t, command(t, 0, append([]string{"export", "sql", "--once"}, over...)...), "up to block")
	has(t, command(t, 0, append([]string{"export", "verify"}, over...)...), "0 differ")
	has(t, command(t, 2, "export", "sql", "--to", "sqlite:x", "--cluster", "127.0.0.1:1"), "--peer-secret-file")
	has(t, command(t, 2, "export", "sql", "--to", "sqlite:x"), "--journal and --cluster")
	status := into[exportStatus](t, command(t, 0, "export", "status", "--to", "sqlite:"+file, "-o", "json"))
	if status.Height == 0 || status.Rows["orders"] != 1 || status.Users != "none" || status.Pending != 0 || status.Age > 3600 {
		t.Errorf("%+v", status)
	}
	sheets := filepath.Join(t.TempDir(), "sheets")
	has(t, command(t, 0, "export", "csv", "--journal", filepath.Join(o.dir, "journal"), "--out", sheets), fmt.Sprintf("up to block %d ", status.Height))
	if data, err := os.ReadFile(filepath.Join(sheets, "orders.csv")); err != nil || !strings.Contains(string(data), order+",gig,") {
		t.Errorf("%s, %v", data, err)
	}
	has(t, command(t, 2, "export", "csv", "--journal", "nowhere", "--out", sheets), "--journal")
	has(t, export(2, "sql", "--users", "some"), "--users")
	o.close()

	o = openOffice(t)
	defer o.close()
	has(t, export(3, "sql", "--once"), "another history")
	has(t, export(3, "verify"), "another history")
	has(t, command(t, 2, "export", "sql", "--journal", t.TempDir(), "--to", "mysql://x"), "--to")
	has(t, command(t, 2, "export", "sql", "--journal", "nowhere", "--to", "sqlite:"+file), "--journal")
}

// What is to be done to a database's tables is told before it is done, and a secret in an address by
// nothing.
func TestExportMigrate(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "finance.db")
	migrate := func(more ...string) []sqldb.Migration {
		return into[[]sqldb.Migration](t, command(t, 0, append([]string{"export", "migrate", "--to", "sqlite:" + file, "-o", "json"}, more...)...))
	}
	has(t, command(t, 1, "export", "status", "--to", "sqlite:"+file), "no such file")
	would := migrate("--dry-run")
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("a dry run made a file: %v", err)
	}
	if did := migrate(); len(did) == 0 || !slices.Equal(did, would) {
		t.Errorf("did %v, said %v", did, would)
	}
	if left := migrate("--dry-run"); len(left) != 0 {
		t.Errorf("left %v", left)
	}
	for _, address := range []string{"postgresql:/me:swordfish@db/x", "postgres://me:swordfish@db:x/y", "postgres://me:swordfish@127.0.0.1:1/shop?sslmode=disable"} {
		for _, verb := range []string{"status", "migrate"} {
			if code, text := attempt("export", verb, "--to", address); code == 0 || strings.Contains(text, "swordfish") {
				t.Errorf("%s: exit code %d, %s", verb, code, text)
			}
		}
	}
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
