package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"onsale/audit/export/exporttest"
	"onsale/internal/failpoint"
	"onsale/proof/testenv"
	"onsale/sequencer"
)

// dyingExport runs an exporter that dies at the n-th hit of a place, and reports whether it has.
func dyingExport(t *testing.T, program string, name failpoint.Name, hit int, args ...string) bool {
	t.Helper()
	file := filepath.Join(t.TempDir(), "failpoints")
	if err := os.WriteFile(file, []byte(failpoint.Crash(name, hit)), 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(program, append([]string{"export"}, args...)...)
	c.Env = append(os.Environ(), failpoint.Variable+"="+file)
	output, err := c.CombinedOutput()
	if died := strings.Contains(string(output), "failpoint "+string(name)+": crash"); died || err == nil {
		return died
	}
	t.Fatalf("%v: %v\n%s", args, err, output)
	return false
}

// An exporter that is killed at any statement of a transaction, before or behind its commit, also of one
// that accepts a cut, leaves what it found or what it was to write, and the next one goes on; files of
// CSV are whole where their position is.
func TestExportKilled(t *testing.T) {
	testenv.TakesLong(t, "builds the program and kills it again and again")
	t.Parallel()
	program, dir := buildProgram(t, "-tags", "failpoints"), t.TempDir()
	teller, restored := exporttest.NewTeller(61), exporttest.NewTeller(61)
	before, after := filepath.Join(dir, "before"), filepath.Join(dir, "after")
	teller.Grow(t, exporttest.Journal(t, before), 150)
	cut := exporttest.Journal(t, after)
	restored.Grow(t, cut, 100)
	birth := restored.Restore(sequencer.BirthRestore, 2, teller.Now())
	if err := cut.Put(&birth); err != nil {
		t.Fatal(err)
	}
	restored.Grow(t, cut, 30)

	to := "sqlite:" + filepath.Join(dir, "finance.db")
	for _, journal := range []string{before, after} {
		deaths := 0
		for _, name := range failpoint.ExporterNames() {
			if name == failpoint.ExportFile {
				continue // of the files, below
			}
			for hit := 1; dyingExport(t, program, name, hit, "sql", "--journal", journal, "--to", to, "--once", "--accept-cut"); hit++ {
				deaths++
				if code, text := attempt("export", "verify", "--journal", journal, "--to", to); code == 6 {
					t.Fatalf("after a death at %s %d: %s", name, hit, text)
				}
			}
			if name != failpoint.ExportCommitted { // it was written: another journal's growth is not needed to see the rest
				continue
			}
			has(t, command(t, 0, "export", "verify", "--journal", journal, "--to", to), ", 0 differ")
		}
		if deaths < 5 {
			t.Errorf("%s: died %d times", journal, deaths)
		}
	}
	out := filepath.Join(dir, "sheets")
	command(t, 0, "export", "csv", "--journal", before, "--out", out)
	for hit := 1; dyingExport(t, program, failpoint.ExportFile, hit, "csv", "--journal", after, "--out", out); hit++ {
		if _, err := os.Stat(filepath.Join(out, "position.csv")); !os.IsNotExist(err) {
			t.Errorf("killed before file %d, the position is there: %v", hit, err)
		}
	}
	has(t, command(t, 0, "export", "csv", "--journal", after, "--out", out), "up to block 131")
}
