package raftfsm

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"onsale/raftfsm/peer"
	"onsale/sequencer"
)

// frames makes encoded buys of distinct users, as a front-end forwards them, each with an
// idempotency key.
func frames(dst []byte, from uint64, count int, sale uint16) []byte {
	var user [16]byte
	for i := range count {
		binary.LittleEndian.PutUint64(user[:], (from+uint64(i))*0x9e3779b97f4a7c15)
		for k := range user {
			user[k] = 'a' + user[k]%26
		}
		binary.BigEndian.PutUint32(user[12:], uint32(from)+uint32(i)|0x20202020&0x7f7f7f7f)
		for k := 12; k < 16; k++ {
			user[k] &= 0x7f
		}
		c := sequencer.Command{Kind: sequencer.KindBuy, Sale: sale, Quantity: 1, User: user[:]}
		binary.LittleEndian.PutUint64(c.Key[:], (from+uint64(i)+1)*0xd1b54a32d192ed03)
		binary.LittleEndian.PutUint64(c.Key[8:], from+uint64(i)+1)
		dst = sequencer.AppendCommand(dst, &c)
	}
	return dst
}

// tcpCluster opens nodes that talk over loopback. Their timeouts are long: a busy
// machine shall make figures worse and not call elections.
func tcpCluster(b *testing.B, count int) []*Node {
	var members []Member
	for i := range count {
		members = append(members, Member{ID: fmt.Sprintf("n%d", i+1), Address: fmt.Sprintf("127.0.0.1:%d", freePort(b))})
	}
	var nodes []*Node
	for _, m := range members {
		c := DefaultConfig()
		c.DataDir, c.NodeID, c.RaftAddress = filepath.Join(b.TempDir(), m.ID), m.ID, m.Address
		c.Bootstrap, c.Cluster = members, peer.ClusterID{1}
		c.HeartbeatTimeout, c.ElectionTimeout, c.LeaseTimeout = 3*time.Second, 3*time.Second, 3*time.Second
		n := mustOpen(b, c)
		b.Cleanup(func() { n.Close() })
		nodes = append(nodes, n)
	}
	return nodes
}

func freePort(t testing.TB) int {
	trans, err := raft.NewTCPTransport("127.0.0.1:0", nil, 1, time.Second, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer trans.Close()
	var port int
	if _, err := fmt.Sscanf(string(trans.LocalAddr()), "127.0.0.1:%d", &port); err != nil {
		t.Fatal(err)
	}
	return port
}

func leaderOf(b *testing.B, nodes []*Node) *Node {
	var leader *Node
	eventually(b, "a leader", func() bool {
		for _, n := range nodes {
			if n.Leads() {
				leader = n
			}
		}
		return leader != nil
	})
	return leader
}

// BenchmarkCommit is T2: inbox, raft, fsync, decision, journal and answer in one
// process; one operation is one decision. Front-ends hand over a batch at a time.
func BenchmarkCommit(b *testing.B) {
	for _, nodes := range [...]int{1, 3} {
		for _, batch := range [...]int{1000, 8000} {
			for _, phase := range [...]string{"selling", "soldout"} {
				b.Run(fmt.Sprintf("nodes=%d/batch=%d/%s", nodes, batch, phase), func(b *testing.B) { benchCommit(b, nodes, batch, phase) })
			}
		}
	}
}

// outstanding is how many requests are under way at a time: front-ends send their
// next batch when the last one was answered.
const outstanding = 64_000

func benchCommit(b *testing.B, count, batch int, phase string) {
	nodes := tcpCluster(b, count)
	leader := leaderOf(b, nodes)
	quantity := uint32(sequencer.TicketsMax)
	if phase == "soldout" {
		quantity = 1
	}
	sale := createSale(b, leader, concert(quantity))
	doors := outstanding / batch
	encoded, results, next := make([][]byte, doors), make([][]sequencer.Result, doors), make([]uint64, doors)
	for d := range doors {
		results[d], next[d] = make([]sequencer.Result, batch), uint64(d)<<40
	}
	b.ResetTimer()
	var group sync.WaitGroup
	for d := range doors {
		group.Go(func() {
			for done := 0; done < b.N/doors; done += batch {
				encoded[d] = frames(encoded[d][:0], next[d], batch, sale)
				next[d] += uint64(batch)
				if err := leader.DecideMany(encoded[d], batch, results[d]); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "decisions/s")
	stats := leader.data.Log.Wal().Stats()
	b.ReportMetric(float64(b.N)/float64(stats.Syncs), "decisions/fsync")
}

// BenchmarkLoneRequest is the second half of T2: one request at a time against a
// bare write and fsync of the same bytes, in turn; "ratio" is the median request
// over the median bare time.
func BenchmarkLoneRequest(b *testing.B) {
	for _, nodes := range [...]int{1, 3} {
		b.Run(fmt.Sprintf("nodes=%d", nodes), func(b *testing.B) {
			leader := leaderOf(b, tcpCluster(b, nodes))
			sale := createSale(b, leader, concert(1))
			bare, err := os.Create(filepath.Join(b.TempDir(), "bare"))
			if err != nil {
				b.Fatal(err)
			}
			defer bare.Close()
			same := make([]byte, 80)
			var ours, theirs []time.Duration
			b.ResetTimer()
			for i := range b.N {
				started := time.Now()
				if _, err := buyAs(leader, fmt.Sprint("user", i), sale); err != nil {
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
			slices.Sort(ours)
			slices.Sort(theirs)
			b.ReportMetric(float64(ours[len(ours)/2])/float64(theirs[len(theirs)/2]), "ratio")
			b.ReportMetric(ours[len(ours)/2].Seconds()*1e6, "median-µs")
			b.ReportMetric(theirs[len(theirs)/2].Seconds()*1e6, "bare-µs")
			b.ReportMetric(float64(ours[len(ours)*99/100].Microseconds()), "p99-µs")
		})
	}
}
