package raftfsm

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"onsale/sequencer"
	"onsale/wal/journal"
)

// BenchmarkInstall is the memory of taking over a leader's snapshot: a replica that has a
// state of so many orders gets another one as large, which is built aside and verified, while
// the old one is still read. "state-MB" is that state's memory, "file-MB" the snapshot's length,
// "peak-x" how many times the state's memory the heap was at most while it was installed, what
// the collector had not taken yet included, and "after-x" what it is when the old one is gone.
func BenchmarkInstall(b *testing.B) {
	for _, gc := range []int{100, 5} {
		b.Run(fmt.Sprintf("gogc=%d", gc), func(b *testing.B) {
			defer debug.SetGCPercent(debug.SetGCPercent(gc))
			benchInstall(b, 1_000_000)
		})
	}
}

func benchInstall(b *testing.B, orders int) {
	m := machineOf(b, orders)
	path := saved(b, m)
	for b.Loop() {
		b.StopTimer()
		runtime.GC()
		state := heapObjects()
		file, err := os.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		peak := watchHeap()
		b.StartTimer()
		if err := m.Restore(file); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		most := peak()
		runtime.GC()
		b.ReportMetric(float64(state)/1e6, "state-MB")
		b.ReportMetric(float64(most)/float64(state), "peak-x")
		b.ReportMetric(float64(heapObjects())/float64(state), "after-x")
		b.StartTimer()
	}
	if size, err := os.Stat(path); err == nil {
		b.ReportMetric(float64(size.Size())/1e6, "file-MB")
	}
}

// machineOf returns a replica without raft that has decided so many buys.
func machineOf(b *testing.B, orders int) *machine {
	const batch = 4000
	j, err := journal.Open(filepath.Join(b.TempDir(), "journal"), journal.DefaultOptions())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = j.Close() }) // the folder goes with it
	m := newMachine(j, 1<<30, func(err error) { b.Error(err) }, slog.New(slog.DiscardHandler))
	spec := concert(uint32(orders))
	commands := []sequencer.Command{{Kind: sequencer.KindSaleCreate, Body: sequencer.AppendSaleSpec(nil, &spec)}}
	for index := uint64(1); len(commands) > 0 && !b.Failed(); index++ {
		data := sequencer.AppendBatch(nil, &sequencer.Batch{Time: 1 + int64(index), Commands: commands})
		m.Apply(&raft.Log{Index: index, Data: data})
		commands = commands[:0]
		for ; len(commands) < batch && orders > 0; orders-- {
			commands = append(commands, sequencer.Command{Kind: sequencer.KindBuy, Sale: 1, Quantity: 1, User: fmt.Appendf(nil, "user-%d", orders)})
		}
	}
	return m
}

// saved writes a replica's snapshot to a file.
func saved(b *testing.B, m *machine) (path string) {
	snapshot, err := m.Snapshot()
	if err != nil {
		b.Fatal(err)
	}
	file, err := os.Create(filepath.Join(b.TempDir(), "snapshot"))
	if err != nil {
		b.Fatal(err)
	}
	if err := snapshot.Persist(fileSink{file}); err != nil {
		b.Fatal(err)
	}
	return file.Name()
}

// fileSink is a file as raft's sink.
type fileSink struct{ *os.File }

func (f fileSink) ID() string    { return f.Name() }
func (f fileSink) Cancel() error { return f.Close() }

// heapObjects is the memory of what is reachable, and of what the collector has not taken yet.
func heapObjects() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// watchHeap looks at it every millisecond, and returns what ends that and tells the most.
func watchHeap() (most func() uint64) {
	stop, told := make(chan struct{}), make(chan uint64)
	go func() {
		most, ticker := uint64(0), time.NewTicker(time.Millisecond)
		defer ticker.Stop()
		for {
			most = max(most, heapObjects())
			select {
			case <-ticker.C:
			case <-stop:
				told <- most
				return
			}
		}
	}()
	return func() uint64 { close(stop); return <-told }
}
