package raftfsm

import (
	"errors"
	"fmt"
	"sort"

	"onsale/sequencer"
	"onsale/wal/journal"
)

// Decide gives a command its place in the order and returns its decision once it
// is committed and applied here. Its errors are ErrOverloaded, *NotLeaderError,
// ErrStopping, why HoldBuys holds buys (not taken, all four) and ErrOutcomeUnknown. The
// command is not kept.
func (n *Node) Decide(c *sequencer.Command) (sequencer.Result, error) {
	if err := n.hold.refuse(c.Kind); err != nil {
		return sequencer.Result{}, err
	}
	w, err := n.inbox.Put(c)
	if err != nil {
		return sequencer.Result{}, n.leadership.refusal(err)
	}
	return n.inbox.Wait(w)
}

// DecideMany does the same for commands that are encoded already, one frame after
// the other: they keep their order and nothing comes between them. It fills
// results[:count]. inbox.ErrFrames when they are no whole commands or more than a
// batch holds.
func (n *Node) DecideMany(frames []byte, count int, results []sequencer.Result) error {
	if count == 0 {
		return nil
	}
	if err := n.hold.refuseMany(frames, n.machine); err != nil {
		return err
	}
	w, err := n.inbox.PutMany(frames, count, results)
	if err != nil {
		return n.leadership.refusal(err)
	}
	_, err = n.inbox.Wait(w)
	return err
}

// Past fills results with the decisions from a seq on, as they were made then. They
// must lie in one batch.
func (n *Node) Past(first uint64, results []sequencer.Result) error {
	return past(n.data.Journal, first, results)
}

// Load says how full the inbox is, 0 to 1.
func (n *Node) Load() float64 { return n.inbox.Fill() }

// Leader returns nil when Decide would take a command now, else its error.
func (n *Node) Leader() error {
	if err := n.inbox.Closed(); err != nil {
		return n.leadership.refusal(err)
	}
	return nil
}

// Leads reports whether this node takes requests. Where the log is, it knows by
// ReadIndex alone: others may have led meanwhile.
func (n *Node) Leads() bool { return n.leadership.leads() }

// FollowLeader calls changed whenever this node hears who leads, "" when nobody
// does, until the node is closed.
func (n *Node) FollowLeader(changed func(id, address string)) { n.leadership.tell(changed) }

// HandOver lets another node lead, when there is one that can. A node that stops
// does it first: its cluster goes on at once instead of after an election timeout.
func (n *Node) HandOver() { n.membership.handOver() }

// errNotKept is returned when the journal here does not have a decision.
var errNotKept = errors.New("not in this node's journal")

// past fills results with the decisions from a seq on, as they were made then. They
// must lie in one batch.
func past(j *journal.Journal, first uint64, results []sequencer.Result) error {
	low, high := j.Range()
	if low == 0 {
		return errNotKept
	}
	var failure error
	at := sort.Search(int(high-low)+1, func(i int) bool {
		found, err := pastBatch(j, low+uint64(i))
		if err != nil {
			failure = err
			return true
		}
		return found.FirstSeq > first
	})
	if failure != nil || at == 0 {
		return errors.Join(errNotKept, failure)
	}
	return copyPast(j, low+uint64(at)-1, first, results)
}

// copyPast takes results out of a block. Blocks of ticks have no decisions and the
// FirstSeq of the block behind them, so the search ends at the last block that may
// hold first; the one that does is at or before it.
func copyPast(j *journal.Journal, height, first uint64, results []sequencer.Result) error {
	for low, _ := j.Range(); height >= low; height-- {
		found, err := pastBatch(j, height)
		if err != nil {
			return errors.Join(errNotKept, err)
		}
		if len(found.Results) == 0 {
			continue
		}
		from := first - found.FirstSeq
		if from+uint64(len(results)) > uint64(len(found.Results)) {
			return fmt.Errorf("%w: seq %d to %d, block %d ends at %d", errNotKept, first, first+uint64(len(results))-1,
				height, found.FirstSeq+uint64(len(found.Results))-1)
		}
		copy(results, found.Results[from:])
		return nil
	}
	return errNotKept
}

func pastBatch(j *journal.Journal, height uint64) (*sequencer.Decisions, error) {
	var block journal.Block
	block, err := j.Read(height)
	if err != nil {
		return nil, err
	}
	var batch sequencer.Batch
	past := new(sequencer.Decisions)
	if err := sequencer.DecodeBatch(block.Batch, &batch); err != nil {
		return nil, err
	}
	return past, sequencer.DecodeDecisions(block.Decisions, batch.Commands, past)
}
