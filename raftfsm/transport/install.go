package transport

import (
	"errors"
	"io"

	"github.com/hashicorp/raft"

	"onsale/raftfsm/store"
)

// Installer decides about snapshots that a leader sends, where raft v1.8.0 breaks
// rules 6 and 7 of the paper's figure 13 (hashicorp/raft issue 697): with a log that
// may have no gaps it drops the whole log whatever is in it, and goes on as if it had
// it still.
//
// Rule 6: when the log has the snapshot's last entry, the snapshot brings nothing,
// and what follows in the log must stay: this node has told the leader that it is
// there, and it may be committed. Such a snapshot is one that came late, or twice.
//
// Rule 7: when the log reaches beyond the snapshot with other entries, it goes. raft
// drops it but not its memory of the last index, refuses every entry from then on, or
// panics. A start reads the truth, so the node ends its process.
type Installer struct {
	Logs      *store.Log
	Snapshots *store.Snapshots
	Fatal     func(error)
	// LastIndex returns the last index that raft believes to have.
	LastIndex func() uint64
	// Follows reports whether raft follows in a term, or in a newer one: a heartbeat of that
	// term changes nothing then. nil when it never does.
	Follows func(term uint64) bool
	// Asked is told who asks whether it would be voted for, and reports whether raft may say
	// so; nil when it always may. It may take some milliseconds: no leader is heard then.
	Asked func(by *raft.RequestPreVoteRequest) bool
}

// asked reports whether raft is to get a request for a promise; when not, it was refused.
func (i Installer) asked(rpc *raft.RPC) bool {
	c, is := rpc.Command.(*raft.RequestPreVoteRequest)
	if !is || i.Asked == nil || i.Asked(c) {
		return true
	}
	rpc.Respond(&raft.RequestPreVoteResponse{RPCHeader: raft.RPCHeader{ProtocolVersion: c.ProtocolVersion}}, nil)
	return false
}

// ErrStaleTail ends a process whose raft remembers entries that it dropped.
var ErrStaleTail = errors.New("a snapshot replaced log entries that were never committed, and raft goes on only after a restart: start this node again")

// receive reports whether raft is to get a request; when not, it was answered.
func (i Installer) receive(rpc *raft.RPC) bool {
	c, ok := rpc.Command.(*raft.InstallSnapshotRequest)
	if !ok {
		return true
	}
	if i.has(c.LastLogIndex, c.LastLogTerm) {
		go func() {
			_, err := io.Copy(io.Discard, rpc.Reader) // the connection goes on behind it
			rpc.Respond(&raft.InstallSnapshotResponse{RPCHeader: c.RPCHeader, Term: c.Term, Success: err == nil}, err)
		}()
		return false
	}
	rpc.RespChan = i.endAfter(c.LastLogIndex, rpc.RespChan)
	return true
}

// has reports whether everything up to an entry of a snapshot is here: in the log, or
// in a snapshot.
func (i Installer) has(index, term uint64) bool {
	var l raft.Log
	if i.Logs.GetLog(index, &l) == nil {
		return l.Term == term
	}
	list, err := i.Snapshots.List()
	return err == nil && len(list) > 0 && list[0].Index >= index
}

// endAfter ends the process when raft has installed a snapshot and believes to have
// entries behind it, of which it has dropped all.
func (i Installer) endAfter(index uint64, answer chan<- raft.RPCResponse) chan<- raft.RPCResponse {
	installed := make(chan raft.RPCResponse, 1)
	go func() {
		response := <-installed
		r, ok := response.Response.(*raft.InstallSnapshotResponse)
		if last, err := i.Logs.LastIndex(); ok && r.Success && err == nil && last == 0 && i.LastIndex() > index {
			i.Fatal(ErrStaleTail)
		}
		answer <- response
	}()
	return installed
}
