package archive

import (
	"context"
	"errors"
	"fmt"
	"time"

	"onsale/audit/follow"
	"onsale/wal/journal"
)

// PollInterval is how often an archive is looked at for new segments.
const PollInterval = 5 * time.Second

// Reader reads the blocks of an archive's line in order, checked as a journal is: each object against
// the manifest, each block against the one before. It belongs to one goroutine.
type Reader struct {
	catalog *Catalog
	head    journal.Head
	block   follow.Block
}

var _ follow.Source = (*Reader)(nil)

// NewReader begins in front of the first block.
func (c *Catalog) NewReader() *Reader { return &Reader{catalog: c} }

// NewReaderAfter begins behind a block, which must be in the archive's line.
func (c *Catalog) NewReaderAfter(head journal.Head) *Reader { return &Reader{catalog: c, head: head} }

// Head returns the last block that was read; zero before the first.
func (r *Reader) Head() journal.Head { return r.head }

// Read calls fn for each block that is archived and was not read yet. It returns fn's error, ctx's,
// ErrDamaged, ErrOtherHistory when a birth has cut the line behind which it was, and the
// store's error.
func (r *Reader) Read(ctx context.Context, fn func(*follow.Block) error) error {
	return r.ReadBlocks(ctx, func(b *journal.Block) error {
		if err := r.block.Decode(b); err != nil {
			return err
		}
		return fn(&r.block)
	})
}

// ReadBlocks is Read for who decodes blocks on their own.
func (r *Reader) ReadBlocks(ctx context.Context, fn func(*journal.Block) error) error {
	l, err := r.catalog.line()
	if err != nil {
		return err
	}
	for i := range l {
		if l[i].last < r.head.Height || l[i].last == r.head.Height && l[i].head == r.head.Hash {
			continue
		}
		if err := r.leg(ctx, &l[i], fn); err != nil {
			return err
		}
	}
	return nil
}

// errLegEnds ends the reading of a segment at the place where it is cut.
var errLegEnds = errors.New("the line leaves the segment")

func (r *Reader) leg(ctx context.Context, l *leg, fn func(*journal.Block) error) error {
	err := r.catalog.segment(ctx, l.row, func(b *journal.Block) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case b.Height > l.last:
			return errLegEnds
		case b.Height < r.head.Height:
			return nil
		case b.Height == r.head.Height:
			return r.stands(b)
		}
		return r.next(b, fn)
	})
	if errors.Is(err, errLegEnds) {
		return nil
	}
	return err
}

// stands checks that the block of the reader's height is the one that it stands behind.
func (r *Reader) stands(b *journal.Block) error {
	if b.Hash != r.head.Hash {
		return fmt.Errorf("%w: block %d is %x… in the archive, and it was %x…", ErrOtherHistory, b.Height, b.Hash[:8], r.head.Hash[:8])
	}
	return nil
}

func (r *Reader) next(b *journal.Block, fn func(*journal.Block) error) error {
	if b.Height != r.head.Height+1 {
		return fmt.Errorf("%w: block %d comes behind block %d", ErrDamaged, b.Height, r.head.Height)
	}
	if err := b.Follows(r.head.Hash); err != nil {
		return err
	}
	if err := fn(b); err != nil {
		return err
	}
	r.head = b.Head()
	return nil
}

// Wait waits until it is worth to Read again, or ctx ends, and reads which segments are new.
func (r *Reader) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(PollInterval):
		return r.catalog.Refresh(ctx)
	}
}

// CutOff is what was archived and is not on the line, because history was cut in front of it.
type CutOff struct {
	Birth ID `json:"birth"`
	journal.Span
	// Since is the birth with which history goes on from in front of them.
	Since ID `json:"since"`
}

// CutOff returns what is not on the line.
func (c *Catalog) CutOff() (off []CutOff, err error) {
	l, err := c.line()
	if err != nil {
		return nil, err
	}
	on := map[uint64]uint64{} // by row, the last height that is on the line
	for i := range l {
		on[l[i].row.Number] = l[i].last
	}
	for i := range c.rows {
		row := &c.rows[i]
		first := max(row.First, on[row.Number]+1)
		if on[row.Number] == row.Last {
			continue
		}
		if n := len(off); n > 0 && off[n-1].Birth == row.Birth && off[n-1].Last+1 == first {
			off[n-1].Last = row.Last
			continue
		}
		off = append(off, CutOff{row.Birth, journal.Span{First: first, Last: row.Last}, l.sinceOf(first)})
	}
	return off, nil
}

// sinceOf returns the birth of the line at a height.
func (l line) sinceOf(height uint64) ID {
	if at := l.at(height); at != nil {
		return at.row.Birth
	}
	return l.tip().row.Birth
}
