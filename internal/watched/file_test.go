package watched

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A changed file counts once, a bad one changes nothing and is told once, whatever is wrong with
// it, and one that is as it was before is well again.
func TestLook(t *testing.T) {
	path, log, told := filepath.Join(t.TempDir(), "file"), new(bytes.Buffer), 0
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	inForce := ""
	config := Config{Name: "some-file", Path: path, Clock: time.Now, Logger: slog.New(slog.NewTextHandler(log, nil)),
		Take: func(content []byte) (map[string]any, error) {
			if bytes.HasPrefix(content, []byte("bad")) {
				return nil, errors.New("line 1: it is bad")
			}
			inForce = string(content)
			return map[string]any{"bytes": len(content)}, nil
		},
		Told: func(name string, _ map[string]any, _ error) { told++ }}
	if _, err := Open(config); err == nil {
		t.Error("a file that is not there was opened")
	}
	write("one")
	f, err := Open(config)
	if err != nil {
		t.Fatal(err)
	}
	check := func(step, want string, tells int, well bool) {
		t.Helper()
		err := f.Look()
		since, why := f.Trouble()
		if inForce != want || told != tells || (err == nil) != well || (since == nil) != well || (why == "") != well {
			t.Errorf("%s: %q in force, told %d times, %v, trouble since %v: %q", step, inForce, told, err, since, why)
		}
	}
	check("as it was", "one", 0, true)
	write("two")
	check("changed", "two", 1, true)
	write("bad")
	check("bad", "two", 2, false)
	check("bad still", "two", 2, false)
	write("bad too")
	check("bad in another way with the same words", "two", 2, false)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	check("gone", "two", 3, false)
	write(strings.Repeat("x", BytesMax+1))
	check("too long", "two", 4, false)
	write("two")
	check("as it was before", "two", 5, true)
	if taken, refused := f.Stats(); taken != 3 || refused != 2 || strings.Count(log.String(), "does not load") != 3 {
		t.Errorf("taken %d times, refused %d\n%s", taken, refused, log)
	}

	other := filepath.Join(t.TempDir(), "other")
	if err := f.Move(other); err == nil || f.Look() != nil || inForce != "two" {
		t.Errorf("moved to nothing: %v, %q in force", err, inForce)
	}
	path = other
	write("bad")
	if err := f.Move(other); err == nil || inForce != "two" {
		t.Errorf("moved to what is bad: %v, %q in force", err, inForce)
	}
	write("three")
	if err := f.Move(other); err != nil || f.Look() != nil || inForce != "three" {
		t.Errorf("moved: %v, %q in force", err, inForce)
	}
}
