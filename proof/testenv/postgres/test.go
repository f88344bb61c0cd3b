package postgres

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// stopMax is how long a server may take to end before it is made to.
const stopMax = 20 * time.Second

// ForTest starts a server for the time of a test, and returns how to connect to it.
func ForTest(t testing.TB) (address string) {
	t.Helper()
	parent, err := os.MkdirTemp("", "onsale-postgres-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(parent); err != nil {
			t.Error(err)
		}
	})
	dir := filepath.Join(parent, "store")
	if err := os.Chmod(parent, 0o755); err != nil { // the server's user passes through it
		t.Fatal(err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	process, address, err := Start(t.Context(), dir)
	t.Cleanup(func() {
		if process == nil {
			return
		}
		if _, err := process.Stop(stopMax); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return address
}
