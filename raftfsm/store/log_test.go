package store

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"onsale/wal"
)

var seedFlag = flag.Uint64("seed", 0, "seed of the random tests; 0 takes one from the clock")

func newRandom(t testing.TB) *rand.Rand {
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("-seed %d", seed)
	return rand.New(rand.NewPCG(seed, 7))
}

func openLog(t testing.TB, dir string) *Log {
	t.Helper()
	o := wal.DefaultOptions()
	o.SegmentBytes = 1 << 12
	s, err := OpenLog(dir, o, nil, func(err error) { t.Errorf("fatal: %v", err) })
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func randomLogs(random *rand.Rand, first uint64) []*raft.Log {
	logs := make([]*raft.Log, 1+random.IntN(8))
	for i := range logs {
		logs[i] = &raft.Log{Index: first + uint64(i), Term: random.Uint64N(9), Type: raft.LogType(random.IntN(3))}
		if random.IntN(8) > 0 {
			logs[i].Data = bytes.Repeat([]byte{byte(random.Uint32())}, 1+random.IntN(200))
		}
		if random.IntN(4) == 0 {
			logs[i].Extensions = []byte("extension")
		}
		if random.IntN(2) == 0 {
			logs[i].AppendedAt = time.Unix(0, random.Int64N(1<<60))
		}
	}
	return logs
}

// TestLogAgainstTheLibrarys compares with raft's in-memory store through
// random stores, deletions at both ends and reopenings.
func TestLogAgainstTheLibrarys(t *testing.T) {
	random, dir := newRandom(t), t.TempDir()
	ours, theirs := openLog(t, dir), raft.NewInmemStore()
	next := uint64(1)
	for range 400 {
		first, _ := theirs.FirstIndex()
		last, _ := theirs.LastIndex()
		switch draw := random.IntN(10); {
		case draw < 6:
			logs := randomLogs(random, next)
			if err := errors.Join(ours.StoreLogs(logs), theirs.StoreLogs(logs)); err != nil {
				t.Fatal(err)
			}
			next += uint64(len(logs))
		case draw == 6 && last > first: // what a snapshot does
			to := first + random.Uint64N(last-first)
			deleteBoth(t, ours, theirs, first, to)
		case draw == 7 && last > first: // what a conflict does
			from := first + 1 + random.Uint64N(last-first)
			deleteBoth(t, ours, theirs, from, last)
			next = from
		case draw == 8 && random.IntN(5) == 0 && last > 0: // what an installed snapshot does
			deleteBoth(t, ours, theirs, first, last)
			theirs = raft.NewInmemStore()
			next = last + 1 + random.Uint64N(1000)
		case draw == 9:
			if first, _ := theirs.FirstIndex(); first > 0 { // whole segments stay on disk
				if err := ours.Close(); err != nil {
					t.Fatal(err)
				}
				ours = openLog(t, dir)
				if err := ours.DeleteRange(0, first-1); err != nil {
					t.Fatal(err)
				}
			}
		}
		sameLogs(t, ours, theirs)
	}
	if err := ours.Close(); err != nil {
		t.Fatal(err)
	}
}

func deleteBoth(t *testing.T, ours, theirs raft.LogStore, from, to uint64) {
	t.Helper()
	if err := errors.Join(ours.DeleteRange(from, to), theirs.DeleteRange(from, to)); err != nil {
		t.Fatal(err)
	}
}

func sameLogs(t *testing.T, ours, theirs raft.LogStore) {
	t.Helper()
	first, _ := theirs.FirstIndex()
	last, _ := theirs.LastIndex()
	if last < first { // the library's store keeps its last index when it is emptied
		first, last = 0, 0
	}
	gotFirst, _ := ours.FirstIndex()
	gotLast, _ := ours.LastIndex()
	if gotFirst != first || gotLast != last {
		t.Fatalf("log holds %d..%d, the library's %d..%d", gotFirst, gotLast, first, last)
	}
	for i := first; i <= last && i > 0; i++ {
		var a, b raft.Log
		if err := errors.Join(ours.GetLog(i, &a), theirs.GetLog(i, &b)); err != nil {
			t.Fatal(err)
		}
		if a.Index != b.Index || a.Term != b.Term || a.Type != b.Type || !bytes.Equal(a.Data, b.Data) || !bytes.Equal(a.Extensions, b.Extensions) || !a.AppendedAt.Equal(b.AppendedAt) {
			t.Fatalf("entry %d: %+v, the library's %+v", i, a, b)
		}
	}
	if err := ours.GetLog(last+1, new(raft.Log)); !errors.Is(err, raft.ErrLogNotFound) {
		t.Fatalf("entry behind the last: %v", err)
	}
}

// The cache stays within its bounds, and what it dropped is read from disk.
func TestLogCacheBounds(t *testing.T) {
	s := openLog(t, t.TempDir())
	for i := uint64(1); i <= CachedEntriesMax+100; i++ {
		if err := s.StoreLog(&raft.Log{Index: i, Data: fmt.Append(nil, i)}); err != nil {
			t.Fatal(err)
		}
	}
	if held := s.cache.next - s.cache.first; held != CachedEntriesMax {
		t.Fatalf("cache holds %d entries", held)
	}
	var l raft.Log
	for _, i := range [...]uint64{1, 50, CachedEntriesMax + 100} {
		if err := s.GetLog(i, &l); err != nil || string(l.Data) != fmt.Sprint(i) {
			t.Fatalf("entry %d: %q, %v", i, l.Data, err)
		}
	}
	big := make([]byte, CachedBytesMax/2+1)
	for i := range uint64(3) {
		if err := s.StoreLog(&raft.Log{Index: CachedEntriesMax + 101 + i, Data: big[:1<<20*4]}); err != nil {
			t.Fatal(err)
		}
	}
	if s.cache.bytes > CachedBytesMax {
		t.Fatalf("cache holds %d bytes", s.cache.bytes)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
