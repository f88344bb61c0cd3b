// Package testenv says what tests may ask of the machine and of the time that they have:
// which programs and namespaces are there, whether the run is a short one, and where a
// folder is quick.
//
// At a desk a test whose program is missing is skipped, with the reason; where CI=true is
// set, as the gate sets it, the test fails: what is skipped there is checked nowhere. A
// short run (go test -short, make quick) does less of the same, and leaves out only what
// starts clusters of processes or cannot be made smaller; each says so.
//
// What this trades off: that a namespace can be made is only known by making one, which
// costs some milliseconds for each test that asks.
package testenv

import (
	"os"
	"os/exec"
	"testing"
)

// NeedsProgram returns where a program is. Without it the test ends here; debianPackage is
// what to install.
func NeedsProgram(t testing.TB, program, debianPackage string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		isMissing(t, "no program %q (apt install %s): %v", program, debianPackage, err)
	}
	return path
}

// NeedsNamespaces ends the test here when `unshare` cannot make namespaces of its own with
// these flags.
func NeedsNamespaces(t testing.TB, flags ...string) {
	t.Helper()
	unshare := NeedsProgram(t, "unshare", "util-linux")
	if output, err := exec.Command(unshare, append(flags, "true")...).CombinedOutput(); err != nil {
		isMissing(t, "no namespaces of its own: unshare %v: %v: %s", flags, err, output)
	}
}

// isMissing skips a test at a desk and fails it in the gate.
func isMissing(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("in CI nothing may be missing: "+format, args...)
	}
	t.Skipf(format, args...)
}

// TakesLong skips a test in a short run. Where fewer rounds of it still mean something,
// Pick is the better choice.
func TakesLong(t testing.TB, why string) {
	t.Helper()
	if testing.Short() {
		t.Skip("left out of a short run: " + why)
	}
}

// Pick returns how much of something a test does: full, or short in a short run.
func Pick[T any](full, short T) T {
	if testing.Short() {
		return short
	}
	return full
}

// MemoryDir returns a new folder in memory, where the system has one: there a sync costs
// next to nothing, and what is durable is the test's to say, not the disk's.
func MemoryDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "onsale-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) }) // what is left of it goes with the machine's memory
	return dir
}
