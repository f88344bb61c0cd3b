// Package follow reads the decided blocks of a journal in order, from a position on: what
// exports are made from. The chain is checked as it is read, so nothing is exported that does
// not follow what was exported before.
package follow

import (
	"context"
	"fmt"
	"time"

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

// PollInterval is how often a folder is looked at for new blocks.
const PollInterval = 200 * time.Millisecond

// Folder is a journal in a directory, of a node that runs or of none. It belongs to one goroutine.
type Folder struct {
	dir   string
	head  journal.Head
	block Block
}

// NewFolder begins in front of the first block.
func NewFolder(dir string) *Folder { return &Folder{dir: dir} }

// Head returns the last block that was read; zero before the first.
func (f *Folder) Head() journal.Head { return f.head }

// Read calls fn for each block that is there and was not read yet. It returns fn's error, ctx's,
// journal.ErrCorrupt when the next block does not follow, and the log's own.
func (f *Folder) Read(ctx context.Context, fn func(*Block) error) error {
	one := func(b *journal.Block) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := f.block.Decode(b); err != nil {
			return err
		}
		if err := fn(&f.block); err != nil {
			return err
		}
		f.head = b.Head()
		return nil
	}
	var err error
	if f.head.Height == 0 {
		_, err = journal.Scan(f.dir, one)
	} else {
		_, err = journal.ScanAfter(f.dir, f.head, one)
	}
	return err
}

// Wait waits until it is worth to Read again, or ctx ends.
func (f *Folder) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(PollInterval):
		return nil
	}
}
