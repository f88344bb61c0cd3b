//go:build failpoints

package failpoint

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

func TestParse(t *testing.T) {
	type meaning struct {
		name   Name
		action string
		hits   int64
		delay  time.Duration
		hang   time.Duration
	}
	for text, want := range map[string]meaning{
		"fsync-before=crash":           {SyncBefore, "crash", 1, 0, 0},
		"fsync-after=error:7":          {SyncAfter, "error", 7, 0, 0},
		"payment-begun=stall":          {PaymentBegun, "stall", 1, 0, 0},
		"log-append-before=delay:10ms": {LogAppendBefore, "delay", 1, 10 * time.Millisecond, 0},
		"vote-before=hang:7s":          {VoteBefore, "hang", 1, 0, 7 * time.Second},
	} {
		p, err := parse(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		} else if got := (meaning{p.name, p.action, p.left.Load(), p.delay, p.hang}); got != want || p.text != text {
			t.Errorf("%q is %+v", text, got)
		}
	}
	for _, bad := range []string{"", "=", "fsync-before", "fsync-before=", "fsync-before=explode", "nowhere=crash", "fsync-before=crash:0", "fsync-before=crash:-1",
		"fsync-before=crash:", "fsync-before=crash:x", "fsync-before=delay", "fsync-before=delay:", "fsync-before=delay:0s", "fsync-before=delay:-1s", "fsync-before=delay:11s", "fsync-before=delay:3",
		"fsync-before=hang", "fsync-before=hang:0s", "fsync-before=hang:61s"} {
		if p, err := parse(bad); err == nil {
			t.Errorf("%q is taken: %s at %s", bad, p.action, p.name)
		}
	}
}

// plant arms a plan as the file does, and takes it back when the test ends.
func plant(t *testing.T, text string) (path string) {
	path = filepath.Join(t.TempDir(), "plan")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(Variable, path)
	start.Do(func() {}) // nobody follows the file: it is read when this test says so
	read(path)
	t.Cleanup(func() { armed.Store(nil) })
	return path
}

// An error comes at the hit that was asked for, once, and the file goes with it.
func TestErrorOnce(t *testing.T) {
	path := plant(t, "fsync-before=error:3")
	for hit := range 6 {
		if err := Err(SyncBefore); errors.Is(err, ErrInjected) != (hit == 2) {
			t.Errorf("hit %d: %v", hit+1, err)
		}
		if err := Err(SyncAfter); err != nil {
			t.Errorf("another place: %v", err)
		}
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the file is there still: %v", err)
	}
}

// A delay comes at every hit of its place, until the file is gone.
func TestDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := plant(t, "fsync-before=delay:10ms")
		began := time.Now()
		for range 3 {
			Hit(SyncBefore)
			Hit(SyncAfter)
		}
		if took := time.Since(began); took != 30*time.Millisecond {
			t.Errorf("three hits took %v", took)
		}
		read(path)
		Hit(SyncBefore)
		if took := time.Since(began); took != 40*time.Millisecond {
			t.Errorf("after the file was read again, four took %v", took)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		read(path)
		Hit(SyncBefore)
		if took := time.Since(began); took != 40*time.Millisecond {
			t.Errorf("without the file, five took %v", took)
		}
	})
}

// A hang comes once, and what hung goes on.
func TestHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		plant(t, Hang(ApplyBefore, 7*time.Second))
		began := time.Now()
		for range 2 {
			if err := Err(ApplyBefore); err != nil {
				t.Error(err)
			}
		}
		if took := time.Since(began); took != 7*time.Second {
			t.Errorf("two hits took %v", took)
		}
	})
}
