package transport

import "github.com/hashicorp/raft"

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
		if c, is := rpc.Command.(*raft.AppendEntriesRequest); is && g.follows != nil && g.follows(c.Term) {
			handle(rpc)
			return
		}
		select {
		case g.requests <- rpc:
		case <-g.closed:
			rpc.Respond(nil, raft.ErrTransportShutdown)
		}
	})
}
