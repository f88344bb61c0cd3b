package main

import (
	"os"
	"path/filepath"
	"testing"

	"onsale/bench/growth"
	"onsale/bench/result"
)

// A plan is printed from a results file, and written into a page.
func TestBenchPlan(t *testing.T) {
	dir := t.TempDir()
	results, page := filepath.Join(dir, "latest.json"), filepath.Join(dir, "page.md")
	d := &result.Document{Version: result.Version, Profile: "quick", Steps: []result.Step{{ID: "commit", Status: result.StatusDone,
		Outcome: result.Outcome{Figures: []result.Figure{{ID: "T2.one.soldout", Measured: 8e6}}}}}}
	if err := d.WriteFile(results); err != nil {
		t.Fatal(err)
	}
	has(t, command(t, 0, "bench", "plan", "--results", results, "--requests-per-second", "800000"), "part of one leader's limit, sold out", "10 % (extrapolated)", "not measured")
	mustBeJSON(t, command(t, 0, "bench", "plan", "--results", results, "-o", "json"))
	mustBeCSV(t, command(t, 0, "bench", "plan", "--results", results, "-o", "csv"))
	curves := filepath.Join(dir, "growth.json")
	if err := growth.WriteFile(curves, []result.Curve{{Name: growth.MemoryByHolders, Series: []result.Series{{Name: "an order", Points: []result.Point{{X: 1, Y: 123}}}}}}); err != nil {
		t.Fatal(err)
	}
	has(t, command(t, 0, "bench", "plan", "--results", results, "--curves", curves), "100 k tickets x 123 B")
	if err := os.WriteFile(page, []byte("# Plan\n<!-- plan: begin -->\n<!-- plan: end -->\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	command(t, 0, "bench", "plan", "--results", results, "--write", page)
	fileHas(t, page, "# Plan", "### 1 G requests at 500 k a second", "| commit path of one process, sold out | 8 M/s | T2.one.soldout |")
	has(t, command(t, 2, "bench", "plan", "--results", results, "--requests-per-second", "0"), "no load to plan for")
	has(t, command(t, 1, "bench", "plan", "--results", page), "page.md")
}
