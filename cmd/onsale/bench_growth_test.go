package main

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"onsale/bench/growth"
	"onsale/bench/result"
)

// Clusters and restarts of a small size are measured with real nodes, and the file is what
// the suite reads.
func TestBenchGrowth(t *testing.T) {
	t.Setenv(runAsOnsale, "1")
	file := filepath.Join(t.TempDir(), "growth.json")
	text := command(t, 0, "bench", "growth", "--largest", "10000", "--part", "cluster,journal", "--json", file, "-o", "csv")
	table, _, _ := strings.Cut(text, "rush:") // what is being done is told on the other output
	rows, err := csv.NewReader(strings.NewReader(table)).ReadAll()
	if err != nil || len(rows) < 10 || len(rows[0]) != len(growth.Header) {
		t.Fatalf("%v\n%s", err, text)
	}
	in, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	curves, err := result.ReadCurves(in)
	if err != nil || len(curves) != 6 {
		t.Fatalf("%d curves, %v", len(curves), err)
	}
	for _, c := range curves {
		if !strings.Contains(c.Note, "Slope") {
			t.Errorf("%s: %s", c.Name, c.Note)
		}
	}
	has(t, command(t, 2, "bench", "growth", "--part", "disk"), `part "disk"`)
	has(t, command(t, 2, "bench", "growth", "--quick", "--largest", "5"), "largest size is 5")
}
