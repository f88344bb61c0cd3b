package raftfsm

import (
	"sync"
	"testing"
	"time"

	"onsale/sequencer"
)

// BenchmarkRestart is T9's restart: a node that decided b.N buys of distinct users is
// stopped where it stands, as a crash does, and opened again until it leads and takes
// buys; "ready-s" is how long that took. Give -benchtime 10000000x.
func BenchmarkRestart(b *testing.B) {
	spec := concert(100_000)
	b.Run("soldout", func(b *testing.B) { benchRestart(b, spec) })
	spec.Waitlist = sequencer.WaitlistMax
	b.Run("waitlisted", func(b *testing.B) { benchRestart(b, spec) })
}

func benchRestart(b *testing.B, spec sequencer.SaleSpec) {
	const doors, batch = 8, 4000
	node := tcpCluster(b, 1)[0]
	sale := createSale(b, leaderOf(b, []*Node{node}), spec)
	var group sync.WaitGroup
	for d := range uint64(doors) {
		group.Go(func() {
			results, encoded := make([]sequencer.Result, batch), []byte(nil)
			for done := uint64(0); done < uint64(b.N)/doors; done += batch {
				encoded = frames(encoded[:0], d<<40+done, batch, sale)
				if err := node.DecideMany(encoded, batch, results); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	seq, _, hash := node.machine.stateHash()
	node.closed.Do(func() {
		if err := node.halt(); err != nil {
			b.Error(err)
		}
	})
	b.ResetTimer()
	began := time.Now()
	again := mustOpen(b, node.config)
	eventually(b, "office", func() bool { return again.Leader() == nil })
	b.ReportMetric(time.Since(began).Seconds(), "ready-s")
	b.StopTimer()
	if s, _, h := again.machine.stateHash(); s != seq || h != hash {
		b.Fatalf("state %016x at %d, it was %016x at %d", h, s, hash, seq)
	}
	b.ReportMetric(float64(again.data.Log.Wal().LastIndex()-again.data.Log.Wal().FirstIndex()), "entries")
	if err := again.Close(); err != nil {
		b.Fatal(err)
	}
}
