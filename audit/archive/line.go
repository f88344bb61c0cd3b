package archive

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"

	"onsale/audit/follow"
	"onsale/sequencer"
	"onsale/wal/journal"
)

var (
	// ErrOtherHistory is returned when a journal is not the one that was archived, nor goes on
	// from it by a birth.
	ErrOtherHistory = errors.New("the journal is of another history than the archive")
	// ErrSuperseded is returned when the archive goes on under a birth that the journal does not
	// have: its nodes are of a cluster that another one has succeeded.
	ErrSuperseded = errors.New("the archive goes on under a later birth")
	// ErrGap is returned when blocks are neither in the archive nor in the journal.
	ErrGap = errors.New("blocks are missing between the archive and the journal")
)

// leg is what the line has of a row: the blocks from the row's first to last.
type leg struct {
	row  *Row
	last uint64
	head journal.Hash // of the last block
}

// line is the chain of blocks that leads to a row, by height.
type line []leg

// lineTo returns the line to a row. ErrDamaged when the rows do not lead back to block 1.
func (c *Catalog) lineTo(number uint64) (line, error) {
	var l line
	if number == 0 {
		return nil, nil
	}
	r := &c.rows[number-1]
	l = append(l, leg{r, r.Last, journal.Hash(r.Head)})
	for r.After > 0 {
		next := &c.rows[r.After-1]
		if r.First <= next.First || r.First > next.Last+1 || r.First <= next.Last && r.Cause == "" {
			return nil, fmt.Errorf("%w: blocks %d to %d cannot follow row %d, which has blocks %d to %d", ErrDamaged, r.First, r.Last, next.Number, next.First, next.Last)
		}
		if r.First == next.Last+1 && r.Follows != next.Head {
			return nil, fmt.Errorf("%w: block %d does not follow block %d", ErrDamaged, r.First, next.Last)
		}
		l = append(l, leg{next, r.First - 1, journal.Hash(r.Follows)})
		r = next
	}
	slices.Reverse(l)
	return l, nil
}

// line returns the line to the newest row.
func (c *Catalog) line() (line, error) { return c.lineTo(uint64(len(c.rows))) }

// tip returns the newest leg; nil when there is none.
func (l line) tip() *leg {
	if len(l) == 0 {
		return nil
	}
	return &l[len(l)-1]
}

// at returns the leg with a block; nil when the line does not have it.
func (l line) at(height uint64) *leg {
	i := sort.Search(len(l), func(i int) bool { return l[i].last >= height })
	if i == len(l) || l[i].row.First > height {
		return nil
	}
	return &l[i]
}

// birthIn returns the birth that a block makes; nil for none.
func birthIn(b *follow.Block) *sequencer.Birth {
	if len(b.Batch.Commands) != 1 || b.Batch.Commands[0].Kind != sequencer.KindBirth || b.Decisions.Results[0].Code != sequencer.CodeOK {
		return nil
	}
	c := &b.Batch.Commands[0]
	return &sequencer.Birth{FirstSeq: b.Decisions.FirstSeq, Cluster: sequencer.ClusterID(c.Key), Time: c.Amount, Cause: sequencer.BirthCause(c.Count)}
}

// held holds a block of a journal against the line, which has a block of its height. It returns the
// row from which the journal goes on when the block is a birth that cuts the line; 0 when
// it is the line's.
//
// Hashes are compared where the manifest has them, at the end of each row; a birth that cuts the line is
// compared where it begins (cut). The chain makes that enough.
func (l line) held(b *follow.Block) (after uint64, err error) {
	at, birth := l.at(b.Height), birthIn(b)
	begins, other := at.row.First == b.Height && at.row.Cause != "", birth != nil && ID(birth.Cluster) != at.row.Birth
	switch {
	case begins && birth == nil:
		return 0, fmt.Errorf("%w: birth %s (%s) from block %d on, archived up to block %d", ErrSuperseded, at.row.Birth, at.row.Cause, b.Height, l.tip().last)
	case other && (begins || l.tip().row.Birth != at.row.Birth):
		return 0, fmt.Errorf("%w: block %d makes birth %s, and the archive has gone on with %s; give it an archive of its own",
			ErrOtherHistory, b.Height, birth.Cluster, l.tip().row.Birth)
	case other:
		return l.cutAt(b.Height), nil
	}
	if b.Height == at.last && b.Hash != at.head {
		return 0, fmt.Errorf("%w: block %d is %x… in the archive and %x… in the journal", ErrOtherHistory, b.Height, at.head[:8], b.Hash[:8])
	}
	return 0, nil
}

// cutAt returns the row with the block in front of a height.
func (l line) cutAt(height uint64) uint64 {
	if before := l.at(height - 1); before != nil {
		return before.row.Number
	}
	return 0
}

// cut checks that the block in front of a birth which cuts a row is the row's.
func (c *Catalog) cut(ctx context.Context, after uint64, b *follow.Block) error {
	if after == 0 {
		return fmt.Errorf("%w: its block 1 is another one", ErrOtherHistory)
	}
	row, found := &c.rows[after-1], journal.Hash{}
	err := c.segment(ctx, row, func(kept *journal.Block) error {
		if kept.Height == b.Height-1 {
			found = kept.Hash
		}
		return nil
	})
	if err == nil && found != b.Previous {
		err = fmt.Errorf("%w: the birth at block %d follows block %x…, the archive's is %x…", ErrOtherHistory, b.Height, b.Previous[:8], found[:8])
	}
	return err
}

// Begin is where the line has a birth.
type Begin struct {
	Birth ID     `json:"birth"`
	Cause string `json:"cause"`
	First uint64 `json:"first"` // height
}

// Births returns the births of the line, oldest first.
func (c *Catalog) Births() (births []Begin, err error) {
	l, err := c.line()
	for i := range l {
		if r := l[i].row; r.Cause != "" {
			births = append(births, Begin{r.Birth, r.Cause, r.First})
		}
	}
	return births, err
}
