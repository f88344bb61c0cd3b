package audit

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"testing"
)

// BenchmarkGrowth says how an audit grows with the journal, and the journal with the
// requests in it: each has a key. Give -benchtime 1x.
func BenchmarkGrowth(b *testing.B) {
	for _, requests := range []int{10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("requests=%d", requests), func(b *testing.B) {
			dir, _ := record(b, decided(rush(requests, 1000, true), honest))
			b.ResetTimer()
			for range b.N {
				if r := mustRun(b, dir, Options{}); r.Verdict != VerdictClean {
					b.Fatal(r)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*requests), "ns/request")
			b.ReportMetric(bytesBelow(b, dir)/float64(requests), "journal-B/request")
		})
	}
}

// bytesBelow is how much the files of a folder hold.
func bytesBelow(b *testing.B, dir string) (total float64) {
	err := filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			total += float64(info.Size())
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return total
}
