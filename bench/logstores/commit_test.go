package logstores

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"

	raftstore "onsale/raftfsm/store"
	"onsale/wal"
)

// discard is a state machine that does nothing: what is measured is the way there.
type discard struct{}

func (discard) Apply(*raft.Log) any                 { return nil }
func (discard) Snapshot() (raft.FSMSnapshot, error) { return nil, fmt.Errorf("no snapshots here") }
func (discard) Restore(in io.ReadCloser) error      { return in.Close() }

// lead starts a cluster of one on a log store and waits until it leads.
func lead(b *testing.B, logs raft.LogStore) *raft.Raft {
	votes, err := raftboltdb.New(raftboltdb.Options{Path: filepath.Join(b.TempDir(), "votes")})
	if err != nil {
		b.Fatal(err)
	}
	c := raft.DefaultConfig()
	c.LocalID, c.Logger = "n1", hclog.NewNullLogger()
	c.HeartbeatTimeout, c.ElectionTimeout, c.LeaderLeaseTimeout = 50*time.Millisecond, 50*time.Millisecond, 50*time.Millisecond
	c.SnapshotThreshold = 1 << 40
	address, trans := raft.NewInmemTransport("n1")
	snapshots := raft.NewInmemSnapshotStore()
	if err := raft.BootstrapCluster(c, logs, votes, snapshots, trans, raft.Configuration{Servers: []raft.Server{{ID: "n1", Address: address}}}); err != nil {
		b.Fatal(err)
	}
	r, err := raft.NewRaft(c, discard{}, logs, votes, snapshots, trans)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { r.Shutdown().Error(); votes.Close() })
	for r.State() != raft.Leader {
		time.Sleep(time.Millisecond)
	}
	return r
}

// BenchmarkCommit is T2's other comparison: one raft entry at a time through the
// library with our log and with raft-boltdb, in turn, for a lone request and for
// batches of 1,000 and 8,000.
func BenchmarkCommit(b *testing.B) {
	for _, size := range [...]int{80, 24_000, 192_000} {
		b.Run(fmt.Sprintf("bytes=%d", size), func(b *testing.B) {
			ours, err := raftstore.OpenLog(filepath.Join(b.TempDir(), "ours"), wal.DefaultOptions(), nil, nil)
			if err != nil {
				b.Fatal(err)
			}
			bolt, err := raftboltdb.New(raftboltdb.Options{Path: filepath.Join(b.TempDir(), "bolt")})
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { ours.Close(); bolt.Close() })
			rafts := [...]*raft.Raft{lead(b, ours), lead(b, bolt)}
			var times [2][]time.Duration
			b.ResetTimer()
			for round := range b.N {
				for turn := range rafts {
					i := (round + turn) % len(rafts)
					started := time.Now()
					if err := rafts[i].Apply(make([]byte, size), 0).Error(); err != nil {
						b.Fatal(err)
					}
					times[i] = append(times[i], time.Since(started))
				}
			}
			for i := range times {
				slices.Sort(times[i])
			}
			half := len(times[0]) / 2
			b.ReportMetric(float64(times[0][half].Microseconds()), "ours-µs")
			b.ReportMetric(float64(times[1][half].Microseconds()), "raft-boltdb-µs")
			b.ReportMetric(float64(times[1][half])/float64(times[0][half]), "times-faster")
		})
	}
}
