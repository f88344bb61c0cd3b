package wal

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// BenchmarkAppend measures an append with its fsync against a bare write and
// fsync of the same bytes, in turn (T3): "ratio" is the median bare time over the
// median append time, so 1 means that the log costs nothing.
func BenchmarkAppend(b *testing.B) {
	for _, count := range [...]int{1, 10, 100} {
		for _, size := range [...]int{24, 1024} {
			b.Run(fmt.Sprintf("records=%d/bytes=%d", count, size), func(b *testing.B) { benchAppend(b, count, size) })
		}
	}
}

func benchAppend(b *testing.B, count, size int) {
	l := mustOpen(b, b.TempDir(), DefaultOptions())
	defer mustClose(b, l)
	bare, err := os.Create(filepath.Join(b.TempDir(), "bare"))
	if err != nil {
		b.Fatal(err)
	}
	defer bare.Close()
	records := make([][]byte, count)
	for i := range records {
		records[i] = make([]byte, size)
	}
	same := make([]byte, count*(size+frameHeaderBytes+prefixBytes(uint64(size+frameHeaderBytes))))
	var ours, theirs []time.Duration
	b.ResetTimer()
	for range b.N {
		started := time.Now()
		if err := l.Append(l.NextIndex(), records); err != nil {
			b.Fatal(err)
		}
		middle := time.Now()
		if _, err := bare.Write(same); err != nil {
			b.Fatal(err)
		}
		if err := bare.Sync(); err != nil {
			b.Fatal(err)
		}
		ours, theirs = append(ours, middle.Sub(started)), append(theirs, time.Since(middle))
	}
	b.ReportMetric(float64(median(theirs))/float64(median(ours)), "ratio")
	b.ReportMetric(float64(count)*float64(time.Second)/float64(median(ours)), "records/s")
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}
