package auditlog

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// opened returns a log of a file, at a clock that a test moves, and what it tells the process.
func opened(t *testing.T, path string) (l *Log, now *time.Time, told *bytes.Buffer) {
	t.Helper()
	told = new(bytes.Buffer)
	at := time.Unix(1_800_000_000, 0)
	l, err := Open(Config{Path: path, Node: "n1", Clock: func() time.Time { return at }, Logger: slog.New(slog.NewTextHandler(told, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l, &at, told
}

// lines reads what a file has.
func lines(t *testing.T, path string) (all []Entry) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		var e Entry
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Log != "audit" {
			continue // by half
		}
		all = append(all, e)
	}
	return all
}

// A line is whole, in a file for its owner alone, and is there when Write returns.
func TestWrites(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l, now, _ := opened(t, path)
	want := Entry{Actor: "otto", Roles: []string{"operator"}, From: "10.0.0.7", RequestID: "r1", Verb: "POST /v1/cluster/remove", Target: "n3",
		Before: map[string]any{"member n3": "voter"}, Outcome: Begun}
	if err := l.Write(want); err != nil {
		t.Fatal(err)
	}
	got := lines(t, path)
	if len(got) != 1 || got[0].Actor != "otto" || got[0].Node != "n1" || !got[0].Time.Equal(*now) || got[0].Before["member n3"] != "voter" || got[0].Target != "n3" {
		t.Fatalf("%+v", got)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// What is long is cut, so that a line has its bound whatever a caller sends.
func TestLineIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l, _, _ := opened(t, path)
	long := strings.Repeat("\x01", 1<<20)
	if err := l.Write(Entry{Actor: long, From: long, RequestID: long, Verb: long, Target: long, Outcome: long, After: map[string]any{"a": long}}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if got := lines(t, path); err != nil || len(got) != 1 || info.Size() > LineBytesMax {
		t.Errorf("%d lines in %d bytes, %v", len(got), info.Size(), err)
	}
}

// A file that another program moved away is left, and a new one made, when it is told.
func TestReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l, _, _ := opened(t, path)
	write := func(verb string) {
		t.Helper()
		if err := l.Write(Entry{Verb: verb}); err != nil {
			t.Fatal(err)
		}
	}
	write("one")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	write("two")
	if err := l.Reopen(); err != nil {
		t.Fatal(err)
	}
	write("three")
	old, fresh := lines(t, path+".1"), lines(t, path)
	if len(old) != 2 || len(fresh) != 1 || fresh[0].Verb != "three" {
		t.Errorf("moved: %+v, new: %+v", old, fresh)
	}
}

// A full disk is an error and trouble since when it began, told with the line to the process'
// log; the trouble ends with the first line that is written.
func TestFullDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	if err := os.Symlink("/dev/full", path); err != nil {
		t.Fatal(err)
	}
	l, now, told := opened(t, path)
	began := *now
	for range 2 {
		if err := l.Write(Entry{Verb: "remove", Target: "n3"}); !errors.Is(err, ErrNotWritten) || !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("%v", err)
		}
		*now = now.Add(time.Second)
	}
	since, why := l.Trouble()
	if since == nil || !since.Equal(began) || !strings.Contains(why, "no space") || !strings.Contains(told.String(), `\"target\":\"n3\"`) {
		t.Fatalf("since %v: %s; told %s", since, why, told)
	}
	if err := errors.Join(os.Remove(path), l.Reopen(), l.Write(Entry{Verb: "after"})); err != nil {
		t.Fatal(err)
	}
	if since, why := l.Trouble(); since != nil || why != "" || len(lines(t, path)) != 1 {
		t.Errorf("still since %v: %s", since, why)
	}
}

// What is there by half, of this process or of one that died, is ended before the next line.
func TestTornLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	if err := os.WriteFile(path, []byte(`{"log":"audit","ver`), 0o600); err != nil {
		t.Fatal(err)
	}
	l, _, _ := opened(t, path)
	if err := errors.Join(l.Write(Entry{Verb: "one"}), l.Write(Entry{Verb: "two"})); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if got := lines(t, path); err != nil || len(got) != 2 || bytes.Count(data, []byte("\n")) != 3 {
		t.Errorf("%v: %s", err, data)
	}
}

// hung is a writer that returns when it is let.
type hung struct {
	release chan struct{}
	written bytes.Buffer
}

func (h *hung) Write(p []byte) (int, error) {
	<-h.release
	return h.written.Write(p)
}

// A disk that hangs holds a verb up for WriteMax and no longer, and one goroutine in all; when
// it goes on, so does the log.
func TestHungDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &hung{release: make(chan struct{})}
		l, err := Open(Config{Out: out, Node: "n1", Clock: time.Now, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			began := time.Now()
			if err := l.Write(Entry{Verb: "pause"}); !errors.Is(err, ErrNotWritten) || time.Since(began) != WriteMax {
				t.Fatalf("after %v: %v", time.Since(began), err)
			}
		}
		if since, _ := l.Trouble(); since == nil {
			t.Error("no trouble is told")
		}
		close(out.release)
		synctest.Wait()
		if since, why := l.Trouble(); since != nil {
			t.Errorf("still since %v: %s", since, why)
		}
		if err := l.Write(Entry{Verb: "resume"}); err != nil || strings.Count(out.written.String(), "\n") != 2 {
			t.Errorf("%v: %s", err, out.written.String())
		}
	})
}

// Of a flood of refused attempts as many have a line as the bound says, and the next says how
// many had none.
func TestRefusalsAreBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l, now, _ := opened(t, path)
	for range 1000 {
		l.Refused(Entry{Outcome: "unauthorized"})
	}
	*now = now.Add(time.Second)
	l.Refused(Entry{Outcome: "unauthorized"})
	got := lines(t, path)
	if last := got[len(got)-1]; len(got) != RefusalsBurst+1 || last.LeftOut != 1000-RefusalsBurst || l.refusalsLeftOut.Load() != 1000-RefusalsBurst {
		t.Errorf("%d lines, the last one says %d", len(got), last.LeftOut)
	}
}
