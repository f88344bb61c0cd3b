package testenv

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// recorder is a test that notes how it ends.
type recorder struct {
	testing.TB
	ended string
}

func (r *recorder) Helper() {}

func (r *recorder) Skip(args ...any) {
	r.ended = "skipped: " + fmt.Sprint(args...)
	runtime.Goexit()
}

func (r *recorder) Skipf(format string, args ...any) { r.Skip(fmt.Sprintf(format, args...)) }

func (r *recorder) Fatalf(format string, args ...any) {
	r.ended = "failed: " + fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// endOf returns how a test that runs ask ends; "" when it goes on.
func endOf(t *testing.T, ask func(t testing.TB)) string {
	r, done := &recorder{TB: t}, make(chan struct{})
	go func() {
		defer close(done)
		ask(r)
	}()
	<-done
	return r.ended
}

// What is missing skips a test at a desk and fails it in the gate, with the reason.
func TestMissing(t *testing.T) {
	asks := map[string]func(t testing.TB){
		"no-such-program": func(t testing.TB) { NeedsProgram(t, "no-such-program", "its-package") },
		"--no-such-flag":  func(t testing.TB) { NeedsNamespaces(t, "--no-such-flag") },
	}
	for ci, want := range map[string]string{"": "skipped: ", "true": "failed: "} {
		t.Setenv("CI", ci)
		for words, ask := range asks {
			got := endOf(t, ask)
			if !strings.HasPrefix(got, want) || !strings.Contains(got, words) && !strings.Contains(got, "unshare") {
				t.Errorf("CI=%q: %q", ci, got)
			}
		}
	}
}

func TestWhatIsThere(t *testing.T) {
	var path string
	if end := endOf(t, func(t testing.TB) { path = NeedsProgram(t, "go", "golang") }); end != "" || filepath.Base(path) != "go" {
		t.Errorf("%q, %q", end, path)
	}
}

func TestShortRun(t *testing.T) {
	end := endOf(t, func(t testing.TB) { TakesLong(t, "hours") })
	if left := strings.Contains(end, "hours"); left != testing.Short() {
		t.Errorf("short: %t, %q", testing.Short(), end)
	}
	if got := Pick("all", "few"); (got == "few") != testing.Short() {
		t.Errorf("short: %t, %s", testing.Short(), got)
	}
}

func TestMemoryDir(t *testing.T) {
	var dir string
	t.Run("uses", func(t *testing.T) {
		dir = MemoryDir(t)
		if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	})
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("%s is left: %v", dir, err)
	}
}
