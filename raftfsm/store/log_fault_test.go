package store

import (
	"errors"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"onsale/internal/metric"
	"onsale/proof/testenv"
	"onsale/wal"
	"onsale/wal/waltest"
)

func smallSegments() wal.Options {
	o := wal.DefaultOptions()
	o.SegmentBytes = 1 << 12
	return o
}

// entries are some, with the indices from first on.
func entries(first uint64, count int) (logs []*raft.Log) {
	for i := range uint64(count) {
		logs = append(logs, &raft.Log{Index: first + i, Term: 1, Data: []byte("data")})
	}
	return logs
}

// What could not be made durable is an end: it is told to who asked and to the process,
// and nobody takes it for stored.
func TestStoreThatFails(t *testing.T) {
	for _, told := range []bool{true, false} {
		dir := testenv.MemoryDir(t)
		disk, err := waltest.New(dir)
		if err != nil {
			t.Fatal(err)
		}
		o := smallSegments()
		o.Files = disk
		var fatal error
		stored := 0
		tell := func(err error) { fatal = errors.Join(fatal, err) }
		if !told {
			tell = nil
		}
		s, err := OpenLog(filepath.Join(dir, "log"), o, func(logs []*raft.Log) { stored += len(logs) }, tell)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(s.StoreLogs(nil), s.StoreLogs(entries(1, 2))); err != nil || stored != 2 {
			t.Fatalf("%d are told as stored, %v", stored, err)
		}
		disk.FailAt = disk.Calls() + 1
		err = s.StoreLogs(entries(3, 1))
		if !errors.Is(err, waltest.ErrInjected) || told != errors.Is(fatal, waltest.ErrInjected) || told && !strings.Contains(fatal.Error(), "raft log: ") {
			t.Errorf("told: %v, and the process %v", err, fatal)
		}
		if err := s.GetLog(3, new(raft.Log)); err == nil || stored != 2 || storing(s) != 0 {
			t.Errorf("the entry is there (%v), %d are told as stored, storing for %v", err, stored, storing(s))
		}
		if _, err := s.LastIndex(); err == nil {
			t.Error("a log that failed has a last index")
		}
		if _, err := s.FirstIndex(); err == nil {
			t.Error("a log that failed has a first index")
		}
		if err := s.Close(); !errors.Is(err, waltest.ErrInjected) {
			t.Errorf("closed: %v", err)
		}
	}
}

// A log of which an end could not be deleted takes no more entries: the process is told, since
// raft goes on.
func TestDeleteThatFails(t *testing.T) {
	for what, to := range map[string][2]uint64{"the end": {301, 600}, "the front": {1, 500}, "all": {1, 600}} {
		dir := testenv.MemoryDir(t)
		disk, err := waltest.New(dir)
		if err != nil {
			t.Fatal(err)
		}
		o := smallSegments()
		o.Files = disk
		var fatal error
		s, err := OpenLog(filepath.Join(dir, "log"), o, nil, func(err error) { fatal = err })
		if err != nil {
			t.Fatal(err)
		}
		for first := uint64(1); first < 600; first += 10 { // over several segments
			if err := s.StoreLogs(entries(first, 10)); err != nil {
				t.Fatal(err)
			}
		}
		disk.FailAt = disk.Calls() + 1
		if err := s.DeleteRange(to[0], to[1]); !errors.Is(err, waltest.ErrInjected) || !errors.Is(fatal, waltest.ErrInjected) {
			t.Errorf("%s: told is %v, and the process %v", what, err, fatal)
		}
		_ = s.Close() // it says again that it failed
	}
}

// Entries with a gap between them are no log.
func TestStoreOutOfOrder(t *testing.T) {
	var fatal error
	s, err := OpenLog(t.TempDir(), smallSegments(), nil, func(err error) { fatal = err })
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	gap := []*raft.Log{{Index: 1}, {Index: 2}, {Index: 4}}
	if err := s.StoreLogs(gap); !errors.Is(err, wal.ErrOutOfOrder) || !strings.Contains(err.Error(), "4 follows 2") || fatal == nil {
		t.Errorf("%v, the process was told %v", err, fatal)
	}
	if last, err := s.LastIndex(); last != 0 || err != nil {
		t.Errorf("the log has entries up to %d, %v", last, err)
	}
	if !s.IsMonotonic() {
		t.Error("indices may have gaps")
	}
	if _, err := OpenLog(filepath.Join("/dev/null", "log"), smallSegments(), nil, nil); err == nil || !strings.HasPrefix(err.Error(), "raft log: ") {
		t.Errorf("a log below a device: %v", err)
	}
}

// An empty log may begin anywhere; one that was emptied goes on where it is told to.
func TestStoreBehindASnapshot(t *testing.T) {
	s := openLog(t, t.TempDir())
	defer s.Close()
	for _, first := range []uint64{100, 102, 500} {
		if first == 500 {
			if err := s.DeleteRange(0, 1000); err != nil {
				t.Fatal(err)
			}
			next := s.Wal().NextIndex()
			if err := s.DeleteRange(0, 9); err != nil {
				t.Fatal(err)
			}
			if first, _ := s.FirstIndex(); first != 0 || next != 104 || s.Wal().NextIndex() != next {
				t.Errorf("an empty log begins at %d and goes on at %d, then %d", first, next, s.Wal().NextIndex())
			}
		}
		if err := s.StoreLogs(entries(first, 2)); err != nil {
			t.Fatal(first, err)
		}
	}
	first, err := s.FirstIndex()
	last, err2 := s.LastIndex()
	if err := errors.Join(err, err2); err != nil || first != 500 || last != 501 {
		t.Errorf("%d to %d, %v", first, last, err)
	}
	if err := s.GetLog(101, new(raft.Log)); !errors.Is(err, raft.ErrLogNotFound) {
		t.Errorf("an entry that was deleted: %v", err)
	}
}

// Only an end of a log can be deleted; what is not there is deleted already.
func TestDeleteRange(t *testing.T) {
	for _, c := range []struct {
		from, to    uint64
		first, last uint64
		refused     bool
	}{
		{5, 7, 0, 0, false}, {0, 9, 0, 0, false},
		{0, 4, 5, 7, false}, {8, 9, 5, 7, false}, {7, 6, 5, 7, false},
		{5, 5, 6, 7, false}, {1, 6, 7, 7, false},
		{7, 7, 5, 6, false}, {6, 9, 5, 5, false},
		{6, 6, 5, 7, true},
	} {
		s := openLog(t, t.TempDir())
		if err := s.DeleteRange(1, 9); err != nil {
			t.Errorf("an empty log: %v", err)
		}
		if err := s.StoreLogs(entries(5, 3)); err != nil {
			t.Fatal(err)
		}
		err := s.DeleteRange(c.from, c.to)
		first, _ := s.FirstIndex()
		last, _ := s.LastIndex()
		if c.refused != (err != nil) || first != c.first || last != c.last {
			t.Errorf("%d to %d: the log has %d to %d, %v", c.from, c.to, first, last, err)
		}
		for index := uint64(4); index <= 8; index++ {
			if err := s.GetLog(index, new(raft.Log)); (err == nil) != (index >= first && index <= last && last > 0) {
				t.Errorf("%d to %d: entry %d: %v", c.from, c.to, index, err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// What stands on disk and cannot be read is told as it is.
func TestGetLogThatCannotBeRead(t *testing.T) {
	s := openLog(t, t.TempDir())
	if err := s.Wal().Append(1, [][]byte{{recordVersion}}); err != nil {
		t.Fatal(err)
	}
	if err := s.GetLog(1, new(raft.Log)); !errors.Is(err, ErrRecord) {
		t.Errorf("a record that is none: %v", err)
	}
	if err := s.GetLog(2, new(raft.Log)); !errors.Is(err, raft.ErrLogNotFound) {
		t.Errorf("no record: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.GetLog(1, new(raft.Log)); !errors.Is(err, wal.ErrClosed) {
		t.Errorf("a closed log: %v", err)
	}
}

// storing returns for how long the store in progress runs; 0 when none does.
func storing(s *Log) time.Duration {
	began, any := s.Calls().Oldest()
	if !any {
		return 0
	}
	return time.Since(began)
}

// The store in progress is seen from outside, for as long as it runs.
func TestStoring(t *testing.T) {
	dir := testenv.MemoryDir(t)
	synctest.Test(t, func(t *testing.T) {
		var s *Log
		var within time.Duration
		stored := func([]*raft.Log) { time.Sleep(5 * time.Second); within = storing(s) }
		s, err := OpenLog(dir, smallSegments(), stored, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if storing(s) != 0 {
			t.Errorf("storing nothing for %v", storing(s))
		}
		if err := s.StoreLog(entries(1, 1)[0]); err != nil || within != 5*time.Second || storing(s) != 0 {
			t.Errorf("storing for %v, then %v, %v", within, storing(s), err)
		}
	})
}

// Each store is one that was timed.
func TestStoreTimes(t *testing.T) {
	s, set := openLog(t, t.TempDir()), new(metric.Set)
	defer s.Close()
	if err := errors.Join(s.StoreLogs(entries(1, 3)), s.StoreLogs(entries(4, 1))); err != nil {
		t.Fatal(err)
	}
	set.Times("stores", "Stores.", s.StoreTimes())
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(set)
	answer := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	if page := answer.Body.String(); !strings.Contains(page, "stores_count 2\n") {
		t.Error(page)
	}
}
