package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every bug still has its place: a change that moved it is told by the tests of that
// change, not only by the run that plants all of them.
func TestEveryBugHasItsPlace(t *testing.T) {
	for i := range bugs {
		for _, e := range bugs[i].edits {
			data, err := os.ReadFile(filepath.Join("../..", filepath.FromSlash(e.file)))
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(data), e.from); n != 1 {
				t.Errorf("%s: %s holds its place %d times, want 1: %q", bugs[i].name, e.file, n, e.from)
			}
		}
	}
}
