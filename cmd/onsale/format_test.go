package main

import (
	"encoding/csv"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"onsale/api/contract"
	"onsale/audit"
)

// Every command that prints data does so in each format, with nothing else on
// its output: JSON that decodes, CSV whose rows have the header's columns, and
// a table.
func TestFormats(t *testing.T) {
	o := openOffice(t)
	o.sell(0, "sale", "create", "gig", "--price", "0", "--item", `Gig, "live"`, "--quantity", "1", "--waitlist", "1")
	uid := into[contract.Decision](t, o.buy(0, "ann", "buy", "--key", "k", "-o", "json")).Order
	secret, journal := filepath.Join(o.dir, "token-secret"), filepath.Join(o.dir, "journal")
	seller := []string{"--private", o.server.privateListener.Addr().String(), "--secret-file", secret}
	buyer := []string{"--http", o.server.publicListener.Addr().String(), "--secret-file", secret, "--user", "ann"}
	repeatable := [][]string{
		append([]string{"sale", "list"}, seller...),
		append([]string{"sale", "show", "gig"}, seller...),
		append([]string{"sale", "update", "gig", "--quantity", "1"}, seller...),
		append([]string{"sale", "report", "gig"}, seller...),
		append([]string{"buy", "--key", "k"}, buyer...),
		append([]string{"order", "list"}, buyer...),
		append([]string{"order", "get", uid}, buyer...),
		{"cluster", "status", "--private", o.server.privateListener.Addr().String(), "--secret-file", secret},
		{"inspect", "wal", filepath.Join(o.dir, "raft-log")},
		{"inspect", "journal", journal},
	}
	for _, args := range repeatable {
		mustBeJSON(t, command(t, 0, append(args, "-o", "json")...))
		mustBeCSV(t, command(t, 0, append(args, "-o", "csv")...))
		mustBeTable(t, command(t, 0, append(args, "-o", "table")...))
	}
	mustBeJSON(t, command(t, 0, "config", "print", "-o", "json")) // its table is TOML, which --config takes
	mustBeCSV(t, command(t, 0, "config", "print", "-o", "csv"))
	mustBeCSV(t, o.sell(0, "sale", "pause", "gig", "-o", "csv"))
	mustBeJSON(t, o.sell(0, "sale", "resume", "gig", "-o", "json"))
	mustBeCSV(t, o.buy(0, "ann", "order", "cancel", uid, "-o", "csv"))
	mustBeTable(t, o.sell(0, "sale", "close", "gig"))
	mustBeJSON(t, o.sell(0, "sale", "cancel", "gig", "--yes", "-o", "json"))
	o.close()
	mustBeJSON(t, command(t, 0, "inspect", "journal", journal, "--seq", "2", "-o", "json"))
	if r := into[audit.Report](t, command(t, 0, "audit", journal, "-o", "json")); r.Verdict != audit.VerdictClean || len(r.Sales) != 1 || r.Sales[0].Status != "cancelled" {
		t.Errorf("%+v", r)
	}
}

func mustBeJSON(t testing.TB, text string) {
	t.Helper()
	var value any
	decoder := json.NewDecoder(strings.NewReader(text))
	if err := decoder.Decode(&value); err != nil || value == nil || decoder.More() {
		t.Errorf("no single JSON value, %v:\n%s", err, text)
	}
}

func mustBeCSV(t testing.TB, text string) {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll() // as many columns in each row
	if err != nil || len(rows) < 2 {
		t.Errorf("%d rows, %v:\n%s", len(rows), err, text)
	}
}

func mustBeTable(t testing.TB, text string) {
	t.Helper()
	if !strings.HasPrefix(text, "┌") || !strings.HasSuffix(text, "┘\n") {
		t.Errorf("no table:\n%s", text)
	}
}

// A list of nothing is an empty list, not null.
func TestEmptyLists(t *testing.T) {
	o := openOffice(t)
	defer o.close()
	if text := o.buy(0, "ann", "order", "list", "-o", "json"); strings.TrimSpace(text) != "[]" {
		t.Errorf("no orders: %s", text)
	}
	has(t, o.sell(0, "sale", "list", "-o", "json"), `"sales": []`)
	nobody := freeAddress(t)
	has(t, command(t, 4, "cluster", "status", "--private", nobody, "--secret-file", filepath.Join(o.dir, "token-secret"), "-o", "json"), nobody)
}
