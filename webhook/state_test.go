package webhook

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"
)

func openState(t *testing.T, path string) *State {
	t.Helper()
	s, err := OpenState(path, "process 7 on box")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// A second process is refused, and told who the first is.
func TestSecondProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	openState(t, path)
	_, err := OpenState(path, "process 8 on box")
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), "process 7 on box") {
		t.Errorf("a second process: %v", err)
	}
}

func TestStrangeState(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	if err := os.WriteFile(path, []byte(strings.Repeat("no database\n", 4096)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenState(path, ""); !errors.Is(err, ErrDamaged) {
		t.Errorf("a file of something else: %v", err)
	}

	path = filepath.Join(t.TempDir(), "state")
	s := openState(t, path)
	err := s.db.Update(func(tx *bbolt.Tx) error { return put(tx.Bucket(metaBucket), versionKey, stateVersion+1) })
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenState(path, ""); !errors.Is(err, ErrVersion) {
		t.Errorf("a later release's file: %v", err)
	}
}

// What a change wrote is there in the next process, and nothing else.
func TestStateIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	s, now := openState(t, path), time.Now()
	items := []*item{{number: 1, event: Event{ID: "a"}}, {number: 2, event: Event{ID: "b"}}, {number: 300, event: Event{ID: "c"}}}
	if err := s.commit("shop", &change{put: items, now: progress{Position: "p", Begun: true, Number: 300}}); err != nil {
		t.Fatal(err)
	}
	bury := &change{now: progress{Position: "q", Begun: true, Number: 300}}
	bury.buryItem(items[1], now)
	if err := errors.Join(s.commit("shop", bury), s.commit("other", &change{put: items[:1]}), s.Close()); err != nil {
		t.Fatal(err)
	}

	s = openState(t, path)
	p, kept, dead, err := s.load("shop", now)
	if err != nil || p.Position != "q" || !p.Begun || p.Number != 300 || dead != 1 || len(kept) != 2 || kept[0].event.ID != "a" || kept[1].event.ID != "c" {
		t.Errorf("kept are %+v, %d dead, %+v, %v", kept, dead, p, err)
	}
	letters, numbers, err := s.letters("shop", 0, 10)
	if err != nil || len(letters) != 1 || letters[0].Event.ID != "b" || numbers[0] != 2 || letters[0].DeadAt.IsZero() {
		t.Errorf("dead letters are %+v, %v, %v", letters, numbers, err)
	}
	if letters, _, err := s.letters("shop", 2, 10); err != nil || len(letters) != 0 {
		t.Errorf("behind the last one are %+v, %v", letters, err)
	}
	if letters, _, err := s.letters("nobody", 0, 10); err != nil || len(letters) != 0 {
		t.Errorf("an endpoint that is not there has %+v, %v", letters, err)
	}
}
