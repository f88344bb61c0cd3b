package journal

import (
	"fmt"

	"onsale/wal"
)

// Scan calls fn for every block of the chain that ends with the journal in a
// directory, in order, after checking its hash, its height and that it follows the
// block before. The chain begins in the parts beside the journal (Parts) when they
// reach up to it without a gap; Gaps says where one is. The block is valid only
// during the call. It changes nothing and may be used beside a running node. torn
// is not nil when the end is an append under way, or what the next start will
// cut. It returns ErrCorrupt, ErrVersion, the log's error or fn's.
func Scan(dir string, fn func(b *Block) error) (torn *wal.Torn, err error) {
	parts, err := chain(dir)
	if err != nil {
		return nil, err
	}
	c := checker{fn: fn}
	for _, p := range parts {
		if err := c.part(p); err != nil {
			return nil, err
		}
	}
	return wal.ScanDir(dir, c.block)
}

// ScanAfter calls fn for every block of a journal behind a head, in order and checked as Scan
// does, also against the head. It returns ErrCorrupt too when the block behind the head is
// missing and later ones are there; no block at all is no error.
func ScanAfter(dir string, head Head, fn func(b *Block) error) (torn *wal.Torn, err error) {
	c := checker{fn: fn, before: head, begun: head.Height > 0}
	return wal.ScanFrom(dir, head.Height+1, func(index uint64, record []byte) error {
		if index == head.Height {
			b, err := DecodeBlock(record)
			if err == nil && b.Hash != head.Hash {
				err = fmt.Errorf("%w: block %d is not the one that was expected", ErrCorrupt, index)
			}
			return err
		}
		return c.block(index, record)
	})
}

// checker checks blocks one after the other.
type checker struct {
	fn     func(b *Block) error
	before Head
	begun  bool
}

// part checks a part, which holds what its name says or is damaged.
func (c *checker) part(p Part) error {
	torn, err := wal.ScanDir(p.Dir, c.block)
	switch {
	case err != nil:
		return err
	case torn != nil:
		return fmt.Errorf("%w: %s ends in %d bytes that are no block", ErrCorrupt, torn.File, torn.Bytes)
	case c.before.Height < p.Last:
		return fmt.Errorf("%w: %s ends at block %d", ErrCorrupt, p.Dir, c.before.Height)
	}
	return nil
}

func (c *checker) block(index uint64, record []byte) error {
	if c.begun && index <= c.before.Height {
		return nil // an older part has it too; the link behind it proves that they are the same
	}
	b, err := DecodeBlock(record)
	switch {
	case err != nil:
		return err
	case b.Height != index:
		return fmt.Errorf("%w: record %d holds block %d", ErrCorrupt, index, b.Height)
	case c.begun && b.Height != c.before.Height+1:
		return fmt.Errorf("%w: block %d comes after block %d", ErrCorrupt, b.Height, c.before.Height)
	case c.begun && b.RaftIndex <= c.before.RaftIndex:
		return fmt.Errorf("%w: block %d has raft index %d, the block before it %d", ErrCorrupt, b.Height, b.RaftIndex, c.before.RaftIndex)
	case c.begun || b.Height == 1:
		if err := b.Follows(c.before.Hash); err != nil {
			return err
		}
	}
	c.before, c.begun = b.Head(), true
	return c.fn(&b)
}

// Follows returns ErrCorrupt unless the block follows the one with a hash, which is
// zero for the first block.
func (b *Block) Follows(before Hash) error {
	if b.Previous == before {
		return nil
	}
	if before == (Hash{}) {
		return fmt.Errorf("%w: block %d follows %x, not nothing", ErrCorrupt, b.Height, b.Previous[:8])
	}
	return fmt.Errorf("%w: block %d follows %x, the block before it is %x", ErrCorrupt, b.Height, b.Previous[:8], before[:8])
}
