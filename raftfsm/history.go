package raftfsm

import (
	"errors"
	"fmt"
	"sort"

	"onsale/sequencer"
	"onsale/wal/journal"
)

// errNotKept is returned when the journal here does not have a decision.
var errNotKept = errors.New("not in this node's journal")

// Past fills results with the decisions from a seq on, as they were made then. They
// must lie in one batch.
func (n *Node) Past(first uint64, results []sequencer.Result) error {
	low, high := n.data.Journal.Range()
	if low == 0 {
		return errNotKept
	}
	var failure error
	at := sort.Search(int(high-low)+1, func(i int) bool {
		past, err := n.pastBatch(low + uint64(i))
		if err != nil {
			failure = err
			return true
		}
		return past.FirstSeq > first
	})
	if failure != nil || at == 0 {
		return errors.Join(errNotKept, failure)
	}
	return n.copyPast(low+uint64(at)-1, first, results)
}

// copyPast takes results out of a block. Blocks of ticks have no decisions and the
// FirstSeq of the block behind them, so the search ends at the last block that may
// hold first; the one that does is at or before it.
func (n *Node) copyPast(height, first uint64, results []sequencer.Result) error {
	for low, _ := n.data.Journal.Range(); height >= low; height-- {
		past, err := n.pastBatch(height)
		if err != nil {
			return errors.Join(errNotKept, err)
		}
		if len(past.Results) == 0 {
			continue
		}
		from := first - past.FirstSeq
		if from+uint64(len(results)) > uint64(len(past.Results)) {
			return fmt.Errorf("%w: seq %d to %d, block %d ends at %d", errNotKept, first, first+uint64(len(results))-1,
				height, past.FirstSeq+uint64(len(past.Results))-1)
		}
		copy(results, past.Results[from:])
		return nil
	}
	return errNotKept
}

func (n *Node) pastBatch(height uint64) (*sequencer.Decisions, error) {
	var block journal.Block
	block, err := n.data.Journal.Read(height)
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
