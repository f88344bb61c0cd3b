package raftfsm

import (
	"fmt"
	"testing"
	"testing/synctest"

	"onsale/proof/testenv"
)

// A node that stops under load answers everybody, and stops: raft leaves what it had
// queued without an answer. In a bubble a hang is found at once.
func TestCloseUnderLoad(t *testing.T) {
	for round := range 60 {
		c := testConfig(t, "n1")
		c.DataDir, c.LogSegmentBytes = testenv.MemoryDir(t), 1<<14
		synctest.Test(t, func(t *testing.T) {
			net := newNetwork(uint64(round))
			c.RaftAddress, c.Bootstrap, c.Transport = "n1", []Member{{ID: "n1", Address: "n1"}}, net.open("n1")
			n := mustOpen(t, c)
			eventually(t, "leadership", leads(n))
			sale := createSale(t, n, concert(1<<20))
			enough := make(chan struct{}, 1)
			for i := range 16 {
				go func() {
					for k := 0; ; k++ {
						r, err := buyAs(n, fmt.Sprint("u", i, "-", k), sale)
						if err != nil {
							return
						}
						if r.Seq > uint64(100+round) {
							signal(enough)
						}
					}
				}()
			}
			<-enough
			mustClose(t, n)
		})
	}
}
