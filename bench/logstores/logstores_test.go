package logstores

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	raftwal "github.com/hashicorp/raft-wal"

	raftstore "onsale/raftfsm/store"
	"onsale/wal"
)

// bare is the least that durability costs: one write and one fsync of the bytes.
type bare struct {
	file   *os.File
	buffer []byte
}

func (b *bare) StoreLogs(logs []*raft.Log) error {
	b.buffer = b.buffer[:0]
	for _, l := range logs {
		b.buffer = append(b.buffer, l.Data...)
		b.buffer = append(b.buffer, make([]byte, 42)...) // our frame and record headers
	}
	if _, err := b.file.Write(b.buffer); err != nil {
		return err
	}
	return b.file.Sync()
}

type store interface{ StoreLogs([]*raft.Log) error }

// stores opens all of them; each has fsync on.
func stores(b *testing.B) (names []string, all []store) {
	must := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	file, err := os.Create(filepath.Join(b.TempDir(), "bare"))
	must(err)
	ours, err := raftstore.OpenLog(filepath.Join(b.TempDir(), "ours"), wal.DefaultOptions(), nil, nil)
	must(err)
	bolt, err := raftboltdb.New(raftboltdb.Options{Path: filepath.Join(b.TempDir(), "bolt")})
	must(err)
	walDir := filepath.Join(b.TempDir(), "raft-wal")
	must(os.MkdirAll(walDir, 0o750))
	other, err := raftwal.Open(walDir)
	must(err)
	b.Cleanup(func() { file.Close(); ours.Close(); bolt.Close(); other.Close() })
	return []string{"bare", "ours", "raft-boltdb", "raft-wal"}, []store{&bare{file: file}, ours, bolt, other}
}

// BenchmarkStoreLogs is T3: the stores in turn, the same entries to each; figures
// are medians, and the ratio of each store's entries a second to ours.
func BenchmarkStoreLogs(b *testing.B) {
	for _, batch := range [...]int{1, 10, 100} {
		for _, size := range [...]int{24, 1024} {
			b.Run(fmt.Sprintf("batch=%d/bytes=%d", batch, size), func(b *testing.B) { compare(b, batch, size) })
		}
	}
}

func compare(b *testing.B, batch, size int) {
	names, all := stores(b)
	times := make([][]time.Duration, len(all))
	index := uint64(0)
	b.ResetTimer()
	for round := range b.N {
		logs := make([]*raft.Log, batch)
		for i := range logs {
			index++
			logs[i] = &raft.Log{Index: index, Term: 1, Data: make([]byte, size)}
		}
		for turn := range all { // who comes first changes from round to round
			i := (round + turn) % len(all)
			started := time.Now()
			if err := all[i].StoreLogs(logs); err != nil {
				b.Fatal(err)
			}
			times[i] = append(times[i], time.Since(started))
		}
	}
	for i := range times {
		slices.Sort(times[i])
	}
	ours := times[1][len(times[1])/2]
	for i, name := range names {
		median := times[i][len(times[i])/2]
		b.ReportMetric(float64(batch)/median.Seconds(), name+"-entries/s")
		if i != 1 {
			b.ReportMetric(float64(median)/float64(ours), "ours/"+name)
		}
	}
}
