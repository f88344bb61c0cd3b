// Package golden compares what tests write with files that are kept beside them, so that
// whoever changes it sees the change, and means it. With -rewrite a test writes the
// files anew; look at the difference before you commit it.
package golden

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew instead of comparing")

// Compare fails the test unless testdata/name of its package is what it got.
func Compare(t testing.TB, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *rewrite {
		if err := os.WriteFile(path, got, 0o644); err != nil { // sources are for everybody
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (go test -rewrite writes it anew):\n%s", path, got)
	}
}
