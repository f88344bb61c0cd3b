package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"onsale/proof/golden"
)

const (
	diffBefore = "../../bench/result/testdata/before.json"
	diffAfter  = "../../bench/result/testdata/after.json"
)

// diff runs the command and returns its exit code and what it wrote.
func diff(t *testing.T, args ...string) (code int, out, err string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(t.Context(), append([]string{"bench", "diff"}, args...), &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

func TestBenchDiffGolden(t *testing.T) {
	for _, format := range []string{"table", "json", "csv"} {
		code, out, stderr := diff(t, diffBefore, diffAfter, "-o", format)
		if code != 1 || !strings.Contains(stderr, "T1.selling, T3.raftwal, T4.node.selling") {
			t.Errorf("%s: exit code %d, %s", format, code, stderr)
		}
		golden.Compare(t, "bench_diff."+format, []byte(out))
	}
}

func TestBenchDiffExitCodes(t *testing.T) {
	other := filepath.Join(t.TempDir(), "other.json")
	if err := os.WriteFile(other, []byte(`{"version": 2}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"the same", []string{diffBefore, diffBefore}, 0, ""},
		{"the other way round: all better but one", []string{diffAfter, diffBefore, "--fail-over", "100%"}, 1, "T9.failover"},
		{"one file", []string{diffBefore}, 2, "accepts 2"},
		{"no percentage", []string{diffBefore, diffAfter, "--fail-over", "many"}, 2, "percentage"},
		{"a negative one", []string{diffBefore, diffAfter, "--fail-over=-1%"}, 2, "percentage"},
		{"no file", []string{diffBefore, "nowhere.json"}, 1, "no such file"},
		{"another version", []string{diffBefore, other}, 1, "version 2"},
	} {
		if code, _, stderr := diff(t, c.args...); code != c.code || !strings.Contains(stderr, c.says) {
			t.Errorf("%s: exit code %d, want %d; %s", c.name, code, c.code, stderr)
		}
	}
}
