package wal

import (
	"flag"
	"math/rand/v2"
	"testing"
	"time"
)

var seedFlag = flag.Uint64("seed", 0, "seed of the random test; 0 takes one from the clock")

// TestRandomOperations compares the log with two numbers (the records follow
// from the index) through random appends, truncations, resets and reopenings.
func TestRandomOperations(t *testing.T) {
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("-seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	dir := t.TempDir()
	l := mustOpen(t, dir, smallSegments())
	first, next := uint64(1), uint64(1)
	for range 600 {
		switch draw := random.IntN(20); {
		case draw < 12:
			count := 1 + random.Uint64N(20)
			appendRange(t, l, next, next+count-1)
			next += count
		case draw < 14 && next > first:
			first += random.Uint64N(next - first)
			if err := l.TruncateFront(first); err != nil {
				t.Fatal(err)
			}
		case draw < 16 && next > first:
			next = first + random.Uint64N(next-first) + 1
			if err := l.TruncateBack(next - 1); err != nil {
				t.Fatal(err)
			}
		case draw == 16:
			first = next + random.Uint64N(1000)
			next = first
			if err := l.Reset(next); err != nil {
				t.Fatal(err)
			}
		default:
			mustClose(t, l)
			l = mustOpen(t, dir, smallSegments())
			if reopened := l.FirstIndex(); reopened != 0 && reopened <= first {
				first = reopened // a whole segment stays: doc.go, TruncateFront
			}
		}
		if next == first {
			if l.LastIndex() != 0 || l.NextIndex() != next {
				t.Fatalf("log holds %d..%d, next %d; want none, next %d", l.FirstIndex(), l.LastIndex(), l.NextIndex(), next)
			}
		} else if random.IntN(4) == 0 {
			expectRange(t, l, first, next-1)
		}
	}
	mustClose(t, l)
}

func FuzzFrame(f *testing.F) {
	f.Add(appendFrame(nil, 7, 3, []byte("record")))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		index, record, ok := parseFrame(data)
		if !ok {
			return
		}
		if again := appendFrame(nil, index, int(framePosition(data)), record); string(again) != string(data) {
			t.Fatalf("%x is read as record %d, which is written as %x", data, index, again)
		}
	})
}

func FuzzOpen(f *testing.F) {
	im, tail := makeImage(f, 5, oneSegment())
	f.Add(im[tail])
	f.Add(im[tail][:40])
	f.Fuzz(func(t *testing.T, data []byte) {
		offsets, rest := scanSegment(data, 1)
		dir := im.lay(t, tail, data)
		l, err := Open(dir, oneSegment())
		if err != nil {
			return
		}
		if got, want := l.NextIndex(), uint64(len(offsets)); got != want {
			t.Fatalf("%d records, %d are whole, %d bytes follow", got-1, want-1, len(rest))
		}
		mustClose(t, l)
	})
}
