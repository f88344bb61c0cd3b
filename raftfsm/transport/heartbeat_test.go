package transport

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
)

// beats is a transport that takes only raft's handler of heartbeats.
type beats struct {
	raft.Transport
	handle func(raft.RPC)
}

func (b *beats) SetHeartbeatHandler(handle func(raft.RPC)) { b.handle = handle }

func (b *beats) Close() error { return nil }

func guard(b *beats, follows func(uint64) bool) Guarded {
	return Guarded{Transport: b, follows: follows, requests: make(chan raft.RPC, 1), closed: make(chan struct{}), once: new(sync.Once), beside: new(besides)}
}

// A transport that is closed has no heartbeat with raft any more, whose stores are closed next: one that
// is under way is waited for, and one that comes is refused.
func TestCloseWaitsForHeartbeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := new(beats)
		g := guard(b, func(uint64) bool { return true })
		var handled atomic.Int32
		g.SetHeartbeatHandler(func(raft.RPC) {
			time.Sleep(time.Second)
			handled.Add(1)
		})
		beat := func() <-chan raft.RPCResponse {
			answer := make(chan raft.RPCResponse, 1)
			go b.handle(raft.RPC{Command: &raft.AppendEntriesRequest{Term: 6}, RespChan: answer})
			return answer
		}
		beat()
		synctest.Wait()
		if err := g.Close(); err != nil || handled.Load() != 1 {
			t.Errorf("closed with %v while %d of 1 heartbeats were handled", err, handled.Load())
		}
		g.requests <- raft.RPC{} // raft takes nothing any more
		if r := <-beat(); !errors.Is(r.Error, raft.ErrTransportShutdown) || handled.Load() != 1 {
			t.Errorf("a heartbeat after the end was answered with %v, %d were handled", r.Error, handled.Load())
		}
	})
}

// A heartbeat that would change raft's term or state waits in its queue; others are answered
// beside it.
func TestHeartbeatsThatChangeATerm(t *testing.T) {
	b := new(beats)
	g := guard(b, func(term uint64) bool { return term <= 6 })
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
