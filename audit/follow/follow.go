// Package follow reads the decided blocks of a journal in order, from a position on: what
// exports are made from. The chain is checked as it is read, so nothing is exported that does
// not follow what was exported before.
package follow

import (
	"context"
	"fmt"

	"onsale/sequencer"
	"onsale/wal/journal"
)

// Block is a block with what was decided in it. It is valid until the next one is read.
type Block struct {
	*journal.Block
	Batch     sequencer.Batch
	Decisions sequencer.Decisions
}

// Decode reads what a block decides. It returns the codecs' errors.
func (b *Block) Decode(from *journal.Block) error {
	b.Block = from
	err := sequencer.DecodeBatch(from.Batch, &b.Batch)
	if err == nil {
		err = sequencer.DecodeDecisions(from.Decisions, b.Batch.Commands, &b.Decisions)
	}
	if err != nil {
		return fmt.Errorf("block %d: %w", from.Height, err)
	}
	return nil
}

// LastSeq returns the seq of the block's last decision, or of the last one before it when it
// has none.
func (b *Block) LastSeq() uint64 { return b.Decisions.FirstSeq + uint64(len(b.Decisions.Results)) - 1 }

// Source is a history of blocks that is read on and on. It belongs to one goroutine.
type Source interface {
	// Head returns the last block that was read; zero before the first.
	Head() journal.Head
	// Read calls fn for each block that is there and was not read yet, lowest height first, each
	// checked to follow the one before. A block that fn failed on is read again by the next Read.
	// It returns fn's error, ctx's, journal.ErrCorrupt when the next block does not follow, and
	// the source's own.
	Read(ctx context.Context, fn func(*Block) error) error
	// Wait waits until it is worth to Read again. It returns ctx's error when ctx ends before.
	Wait(ctx context.Context) error
}
