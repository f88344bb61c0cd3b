package raftfsm

import (
	"github.com/hashicorp/raft"
)

// seams are where this package's tests stand between the parts of a node: to see
// what each replica applies, to hang a disk, and to plant the bugs that the tests
// must catch. Nothing outside this package's tests can set them.
type seams struct {
	// logNoSync leaves out the raft log's fsync.
	logNoSync bool
	// stored is called after entries were stored, before anybody hears of it.
	stored func(*Node, []*raft.Log)
	// machine stands in for the node's machine under raft.
	machine func(*Node, raft.FSM) raft.FSM
	// statfs stands in for the file systems' word on how much is free.
	statfs func(dir string) (free, size int64, err error)
	// apply stands in for raft's Apply under the batcher.
	apply func(*Node, raft.Log) raft.ApplyFuture
}

// seamed returns the machine that raft gets, and how the batcher proposes.
func (n *Node) seamed() (raft.FSM, func(raft.Log) raft.ApplyFuture) {
	var fsm raft.FSM = n.machine
	if n.config.seams.machine != nil {
		fsm = n.config.seams.machine(n, fsm)
	}
	apply := func(entry raft.Log) raft.ApplyFuture { return n.raft.ApplyLog(entry, 0) }
	if n.config.seams.apply != nil {
		apply = func(entry raft.Log) raft.ApplyFuture { return n.config.seams.apply(n, entry) }
	}
	return fsm, apply
}
