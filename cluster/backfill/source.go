package backfill

import (
	"context"
	"errors"
	"fmt"
	"time"

	"onsale/sequencer"
	"onsale/wal/journal"
)

// from fills as much of a gap as a peer has; nil when that is all.
func (f *Filler) from(ctx context.Context, peer string, w *filling, gap journal.Gap) error {
	if err := f.probe(ctx, peer, w, gap); err != nil {
		return err
	}
	for w.head.Height < gap.Last {
		if err := f.room(); err != nil {
			return err
		}
		blocks, err := f.page(ctx, peer, w.head.Height+1, gap.Last-w.head.Height)
		if err != nil {
			return err
		}
		head, err := w.check(peer, blocks)
		if err == nil {
			err = w.ends(peer, head, gap)
		}
		if err != nil {
			return err
		}
		if err := w.add(peer, blocks, head); err != nil {
			return fmt.Errorf("%w: %w", errStorage, err)
		}
		f.count(peer, blocks)
	}
	return w.ends(peer, w.head, gap)
}

// count counts blocks that were fetched from a peer.
func (f *Filler) count(peer string, blocks [][]byte) {
	if peer == ownPart {
		return
	}
	for _, block := range blocks {
		f.counters.bytes.Add(uint64(len(block)))
	}
	f.counters.blocks.Add(uint64(len(blocks)))
}

// ends returns an error when the gap's last block is not the one that the block behind
// it follows.
func (w *filling) ends(peer string, head journal.Head, gap journal.Gap) error {
	if head.Height != gap.Last || head.Hash == gap.End {
		return nil
	}
	return w.misfit(peer, fmt.Errorf("block %d has hash %x, the block behind it follows %x", head.Height, head.Hash[:8], gap.End[:8]))
}

// room returns errDiskFull while the node needs what is free.
func (f *Filler) room() error {
	free, err := f.config.Free()
	if err == nil && free < f.config.FreeBytesMin {
		err = fmt.Errorf("%w: %d MiB are free, at least %d must be", errDiskFull, free>>20, f.config.FreeBytesMin>>20)
	}
	return err
}

// probe asks a peer for the gap's last block, whose hash is known: one whose journal
// is another is found before it is asked for more. One that does not have that block
// may have others.
func (f *Filler) probe(ctx context.Context, peer string, w *filling, gap journal.Gap) error {
	if w.head.Height+1 >= gap.Last {
		return nil // it is the next one that is asked for, or nothing is
	}
	blocks, err := f.page(ctx, peer, gap.Last, 1)
	if errors.Is(err, journal.ErrNotKept) {
		return nil
	}
	if err != nil {
		return err
	}
	b, err := journal.DecodeBlock(blocks[0])
	if err == nil && (b.Height != gap.Last || b.Hash != gap.End) {
		err = fmt.Errorf("block %d has hash %x, and block %d must have %x", b.Height, b.Hash[:8], gap.Last, gap.End[:8])
	}
	if err != nil {
		err = fmt.Errorf("%w: %w", errWrong, err)
	}
	return err
}

// check returns the head after a peer's blocks.
func (w *filling) check(peer string, blocks [][]byte) (journal.Head, error) {
	head := w.head
	for _, data := range blocks {
		b, err := journal.DecodeBlock(data)
		if err == nil && (b.Height != head.Height+1 || b.RaftIndex <= head.RaftIndex) {
			err = fmt.Errorf("block %d of raft index %d came behind block %d of raft index %d", b.Height, b.RaftIndex, head.Height, head.RaftIndex)
		}
		if err != nil {
			return head, fmt.Errorf("%w: %w", errWrong, err)
		}
		if err := b.Follows(head.Hash); err != nil {
			return head, w.misfit(peer, err)
		}
		head = b.Head()
	}
	return head, nil
}

// misfit tells whose fault it is that blocks do not fit: the peer's when all of them
// are its.
func (w *filling) misfit(peer string, err error) error {
	for _, other := range w.from {
		if other != peer {
			return fmt.Errorf("%w (%q): %w", errMixed, append(w.from, peer), err)
		}
	}
	return fmt.Errorf("%w: %w", errWrong, err)
}

// busyPause is how long a peer is left alone that serves another node, busyMax how
// often in a row.
const (
	busyPause = 100 * time.Millisecond
	busyMax   = 100
)

// page returns the encodings of blocks from a height on, one at least, at the pace
// that the configuration allows.
func (f *Filler) page(ctx context.Context, peer string, height, wanted uint64) ([][]byte, error) {
	q := journal.PageQuestion{Height: height, Blocks: uint32(min(wanted, journal.PageBlocksMax)), Bytes: f.config.pageBytes()}
	var first []byte
	for {
		p, err := f.ask(ctx, peer, q)
		if err != nil {
			return nil, err
		}
		if p.Whole(q.Offset) {
			return append([][]byte{append(first, p.Piece...)}, p.Others...), nil
		}
		first = append(first, p.Piece...)
		q.Offset = uint32(len(first))
	}
}

// ask asks one question, again while the peer is busy, and waits until the answer was
// worth its time.
func (f *Filler) ask(ctx context.Context, peer string, q journal.PageQuestion) (journal.Page, error) {
	for busy := 0; ; busy++ {
		asking, cancel := context.WithTimeout(ctx, f.config.AskTimeout)
		p, err := f.blocks(asking, peer, q)
		cancel()
		if errors.Is(err, sequencer.ErrOverloaded) && busy < busyMax {
			select {
			case <-ctx.Done():
				return p, ctx.Err()
			case <-time.After(busyPause):
				continue
			}
		}
		if errors.Is(err, journal.ErrPage) {
			err = fmt.Errorf("%w: %w", errWrong, err)
		}
		if err != nil {
			return p, err
		}
		bytes := len(p.Piece)
		for _, block := range p.Others {
			bytes += len(block)
		}
		return p, f.wait(ctx, bytes)
	}
}

// blocks asks a peer, or reads the node's own parts.
func (f *Filler) blocks(ctx context.Context, peer string, q journal.PageQuestion) (journal.Page, error) {
	if peer != ownPart {
		return f.peers.Blocks(ctx, peer, q)
	}
	data, err := f.history.AppendPage(nil, q)
	if err != nil {
		return journal.Page{}, err
	}
	return journal.ParsePage(q, data)
}

// wait returns when some bytes were worth their time.
func (f *Filler) wait(ctx context.Context, bytes int) (err error) {
	for ; bytes > 0 && err == nil; bytes -= f.pace.Burst() {
		err = f.pace.WaitN(ctx, min(bytes, f.pace.Burst()))
	}
	return err
}
