package transport

import (
	"sync"

	"github.com/hashicorp/raft"
)

// SetHeartbeatHandler lets raft answer heartbeats beside its queue, but those that change its
// term or its state: they wait in the queue like everything else.
//
// raft v1.8.0 gives heartbeats to appendEntries in the transport's goroutine
// (processHeartbeat in raft.go). One of a newer term sets term and state there, while the loop
// of a leader that was paused goes on: an entry that it takes from its queue next gets the
// newer term (dispatchLogs reads the term when it stores), at an index at which the new leader
// has another entry of that term. Both logs then agree at that index and differ before it,
// which no later append finds, and the replicas part.
func (g Guarded) SetHeartbeatHandler(handle func(raft.RPC)) {
	g.Transport.SetHeartbeatHandler(func(rpc raft.RPC) {
		if c, is := rpc.Command.(*raft.AppendEntriesRequest); is && g.answersBeside(c.Term, func() { handle(rpc) }) {
			return
		}
		select {
		case g.requests <- rpc:
		case <-g.closed:
			rpc.Respond(nil, raft.ErrTransportShutdown)
		}
	})
}

// answersBeside answers a heartbeat of a term beside raft's queue, if it changes nothing there, and not
// once the transport is closed.
func (g Guarded) answersBeside(term uint64, answer func()) bool {
	if !g.beside.begin() {
		return false
	}
	defer g.beside.underWay.Done()
	if g.follows == nil || !g.follows(term) {
		return false
	}
	answer()
	return true
}

// besides are the heartbeats that are answered beside raft's queue.
type besides struct {
	mu       sync.Mutex // covers that one begins, or that there are to be no more
	ended    bool
	underWay sync.WaitGroup
}

// begin returns false when there are to be no more.
func (b *besides) begin() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.ended {
		b.underWay.Add(1)
	}
	return !b.ended
}

// end returns when none is under way, and no more will be.
func (b *besides) end() {
	b.mu.Lock()
	b.ended = true
	b.mu.Unlock()
	b.underWay.Wait()
}
