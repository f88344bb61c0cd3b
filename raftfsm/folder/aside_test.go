package folder

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A node that is repaired again within the same second keeps what was set aside before.
func TestSetAsideTwice(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "n1")
	seen := map[string]string{}
	for _, content := range []string{"first", "second", "third"} {
		if err := errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(filepath.Join(dir, "file"), []byte(content), 0o600)); err != nil {
			t.Fatal(err)
		}
		aside, err := SetAside(dir)
		if err != nil {
			t.Fatal(err)
		}
		if _, again := seen[aside]; again {
			t.Errorf("%s twice", aside)
		}
		seen[aside] = content
	}
	for aside, content := range seen {
		if text, err := os.ReadFile(filepath.Join(aside, "file")); err != nil || string(text) != content {
			t.Errorf("%s has %q (%v), not %q", aside, text, err, content)
		}
	}
}

// The name that is taken by nobody is found, as long as there is one.
func TestAsideOf(t *testing.T) {
	parent, now := t.TempDir(), time.Date(2026, 11, 25, 20, 0, 0, 0, time.UTC)
	dir := filepath.Join(parent, "n1")
	for n := range asidesMax {
		aside, err := asideOf(dir, now)
		if err != nil {
			t.Fatal(err)
		}
		if want := "n1-damaged-20261125T200000Z"; n == 0 && filepath.Base(aside) != want || n > 0 && filepath.Base(aside) != fmt.Sprintf("%s-%d", want, n+1) {
			t.Errorf("the name number %d is %s", n+1, aside)
		}
		if err := os.Mkdir(aside, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if aside, err := asideOf(dir, now); err == nil {
		t.Errorf("one more is %s", aside)
	}
}
