package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestNotice(t *testing.T) {
	// The go command reads these where the test's cache does not see it.
	for _, name := range []string{"../../go.mod", "../../go.sum"} {
		if _, err := os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}

	want, err := generate("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"the Go standard library\n", "\ngithub.com/hashicorp/raft v", "\naudit/report/page/assets/uPlot.iife.min.js\n"} {
		if !bytes.Contains(want, []byte(name)) {
			t.Errorf("%q is not named", name)
		}
	}
	if got, err := os.ReadFile("../../NOTICE"); err != nil || !bytes.Equal(got, want) {
		t.Errorf("NOTICE is not what the program is built of (%v); run `make notice`, and read the licence of what is new", err)
	}
}

func TestWhatHasNoLicence(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "chart.min.js"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readLicences(dir); !errors.Is(err, errNoLicence) {
		t.Errorf("a module: %v", err)
	}
	if _, err := embeddedWorks(dir); !errors.Is(err, errNoLicence) {
		t.Errorf("an embedded file: %v", err)
	}
}
