package raftfsm

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"sync"

	"github.com/hashicorp/raft"

	"onsale/audit"
	"onsale/sequencer"
	"onsale/wal/journal"
)

// chain is the one history of a world: what the first replica that applied a height
// made of it. Every other replica, and every replay, must make the same of it (P8).
type chain struct {
	mu      sync.Mutex
	blocks  []journal.Block // by height - 1
	results map[uint64]sequencer.Result
	keys    map[sequencer.KeyDigest]bool // of every buy in the log
	again   int                          // blocks that were compared
}

func newChain() *chain {
	return &chain{results: map[uint64]sequencer.Result{}, keys: map[sequencer.KeyDigest]bool{}}
}

// applied takes in what a replica made of an entry; an error when another one made
// something else of it.
func (c *chain) applied(head journal.Head, stateHash uint64, l *raft.Log, d *sequencer.Decisions) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	block := journal.Block{Height: head.Height, RaftIndex: l.Index, Term: l.Term, StateHash: stateHash, Hash: head.Hash}
	switch height := uint64(len(c.blocks)); {
	case head.Height == 0 || head.Height > height+1:
		return fmt.Errorf("P8: height %d follows height %d", head.Height, height)
	case head.Height <= height:
		c.again++
		if was := &c.blocks[head.Height-1]; was.Hash != block.Hash || was.StateHash != stateHash || was.RaftIndex != l.Index || was.Term != l.Term {
			return fmt.Errorf("P8: height %d was raft index %d of term %d, state %016x, block %x; now it is raft index %d of term %d, state %016x, block %x",
				head.Height, was.RaftIndex, was.Term, was.StateHash, was.Hash[:8], l.Index, l.Term, stateHash, head.Hash[:8])
		}
		return nil
	}
	block.Batch, block.Decisions = bytes.Clone(l.Data), sequencer.AppendDecisions(nil, d)
	c.blocks = append(c.blocks, block)
	var batch sequencer.Batch
	if err := sequencer.DecodeBatch(block.Batch, &batch); err != nil {
		return err
	}
	for i, r := range d.Results {
		if !r.Replayed {
			c.results[r.Seq] = r
		}
		c.keys[batch.Commands[i].Key] = true
	}
	return nil
}

func (c *chain) height() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return uint64(len(c.blocks))
}

// audit writes the history down as a node does and has it audited: P1, P2, P7, FIFO,
// and every decision decided again by the second implementation.
func (c *chain) audit(dir string) error {
	j, err := journal.Open(dir, journal.DefaultOptions())
	if err != nil {
		return err
	}
	for i := range c.blocks {
		block := c.blocks[i]
		if err := j.Put(&block); err != nil {
			return err
		}
		if block.Hash != c.blocks[i].Hash {
			return fmt.Errorf("block %d has hash %x, the replicas said %x", block.Height, block.Hash[:8], c.blocks[i].Hash[:8])
		}
	}
	if err := j.Close(); err != nil {
		return err
	}
	return auditDir(dir, audit.VerdictClean)
}

func auditDir(dir string, allowed ...audit.Verdict) error {
	report, err := audit.Run(dir, audit.Options{})
	if err != nil {
		return err
	}
	for _, verdict := range allowed {
		if report.Verdict == verdict {
			return nil
		}
	}
	text := fmt.Sprintf("audit of %s: %s", filepath.Base(filepath.Dir(dir)), report.Verdict)
	for i := range min(3, len(report.Findings)) {
		text += "; " + report.Findings[i].String()
	}
	return fmt.Errorf("%s", text)
}

// observer stands between raft and a replica's machine and tells the chain what the
// replica applied.
type observer struct {
	raft.FSM
	node  *Node
	world *world
}

func (o *observer) Apply(l *raft.Log) any {
	response := o.FSM.Apply(l)
	if d, ok := response.(*sequencer.Decisions); ok {
		_, _, hash := o.node.machine.stateHash()
		if err := o.world.chain.applied(o.node.data.Journal.Position(), hash, l, d); err != nil {
			o.world.violate("%s: %v", o.node.config.NodeID, err)
		}
	}
	return response
}

// Restore counts the snapshots that were installed, or read at a start.
func (o *observer) Restore(in io.ReadCloser) error {
	o.world.count("restored")
	return o.FSM.Restore(in)
}

// Snapshot notes up to where the journal is durable once the snapshot is written.
func (o *observer) Snapshot() (raft.FSMSnapshot, error) {
	head := o.node.data.Journal.Position()
	s, err := o.FSM.Snapshot()
	return &observedSnapshot{s, o, head.Height}, err
}

type observedSnapshot struct {
	raft.FSMSnapshot
	observer *observer
	height   uint64
}

func (s *observedSnapshot) Persist(sink raft.SnapshotSink) error {
	n := s.observer.node
	before := n.data.Journal.Stats().Syncs
	err := s.FSMSnapshot.Persist(sink)
	if n.data.Journal.Stats().Syncs > before {
		s.observer.world.disk(n.config.NodeID).journal.Store(s.height)
	}
	if err == nil {
		s.observer.world.disk(n.config.NodeID).snapshot.Store(s.height)
		s.observer.world.count("snapshot taken")
	}
	return err
}
