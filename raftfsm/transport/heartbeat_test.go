package transport

import (
	"sync"
	"testing"

	"github.com/hashicorp/raft"
)

// beats is a transport that takes only raft's handler of heartbeats.
type beats struct {
	raft.Transport
	handle func(raft.RPC)
}

func (b *beats) SetHeartbeatHandler(handle func(raft.RPC)) { b.handle = handle }

// A heartbeat that would change raft's term or state waits in its queue; others are answered
// beside it.
func TestHeartbeatsThatChangeATerm(t *testing.T) {
	b := new(beats)
	g := Guarded{Transport: b, follows: func(term uint64) bool { return term <= 6 }, requests: make(chan raft.RPC, 1), closed: make(chan struct{}), once: new(sync.Once)}
	beside := 0
	g.SetHeartbeatHandler(func(raft.RPC) { beside++ })
	for term, queued := range map[uint64]bool{5: false, 6: false, 7: true} {
		before := beside
		b.handle(raft.RPC{Command: &raft.AppendEntriesRequest{Term: term}})
		if len(g.requests) == 1 != queued || beside == before != queued {
			t.Errorf("term %d: %d in the queue, %d beside it", term, len(g.requests), beside-before)
		}
		if queued {
			<-g.Consumer()
		}
	}
}
