package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"onsale/wal"
)

// History reads the blocks of an open journal and of the parts beside it. It is safe
// for concurrent use; one reads at a time. Its memory is one segment's places and one
// block that is longer than a page.
type History struct {
	journal *Journal

	mu   sync.Mutex
	part Part      // whose view is open
	view *wal.View // nil when none is
	long []byte    // the block that travels in pieces, and its height
	at   uint64
}

// Gap is a run of heights that this node does not have, between blocks that it has.
type Gap struct {
	Span
	// Before is the hash of the block in front, zero at the chain's beginning.
	Before Hash
	// End is the hash of the gap's last block, which the block behind it follows.
	End Hash
}

// NewHistory returns the history of a journal. Close gives its handle back.
func NewHistory(j *Journal) *History { return &History{journal: j} }

// Dir returns the journal's folder.
func (h *History) Dir() string { return h.journal.dir }

// Position returns the head of what was applied.
func (h *History) Position() Head { return h.journal.Position() }

// Missing returns the heights below the journal's end that are not here.
func (h *History) Missing() ([]Span, error) {
	// The first height comes first: a journal that is put aside meanwhile is a part
	// behind it, not a gap.
	first, _, err := h.journal.beginning()
	if err != nil {
		return nil, err
	}
	parts, err := Parts(h.journal.dir)
	return missing(parts, first), err
}

// First returns the first height of the chain that leads to the journal's end without
// a gap; 0 while there is no block, and when the folder cannot be read.
func (h *History) First() uint64 {
	gaps, err := h.Missing()
	switch {
	case err != nil || h.journal.Position().Height == 0:
		return 0
	case len(gaps) == 0:
		return 1
	}
	return gaps[len(gaps)-1].Last + 1
}

// Around returns what the blocks around a span say of it. ErrNotKept when they are not
// here any more.
func (h *History) Around(s Span) (g Gap, err error) {
	g.Span = s
	if s.First > 1 {
		b, err := h.Block(s.First - 1)
		if err != nil {
			return Gap{}, err
		}
		g.Before = b.Hash
	}
	first, follows, err := h.journal.beginning()
	if err == nil && first == s.Last+1 {
		g.End = follows
		return g, nil
	}
	b, err := h.Block(s.Last + 1)
	g.End = b.Previous
	return g, err
}

// Block returns a block that was applied here, its hash checked. ErrNotKept.
func (h *History) Block(height uint64) (Block, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	data, err := h.read(height)
	if err != nil {
		return Block{}, err
	}
	return DecodeBlock(data)
}

// AppendPage appends the blocks that are asked for, one at least. ErrNotKept when
// the first of them is not here, ErrPage when the question makes no sense.
func (h *History) AppendPage(dst []byte, q PageQuestion) ([]byte, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	first, err := h.first(q)
	if err != nil {
		return dst, err
	}
	if int(q.Offset) >= len(first) {
		return dst, fmt.Errorf("%w: offset %d, block %d has %d bytes", ErrPage, q.Offset, q.Height, len(first))
	}
	start, most, le := len(dst), int(min(q.Bytes, PageBytesMax)), binary.LittleEndian
	dst = le.AppendUint32(dst, uint32(len(first)))
	rest := first[q.Offset:]
	dst = append(dst, rest[:min(len(rest), most)]...)
	for next := q.Height + 1; next < q.Height+uint64(min(q.Blocks, PageBlocksMax)) && len(rest) <= most; next++ {
		block, err := h.read(next)
		if errors.Is(err, ErrNotKept) || err == nil && len(dst)-start+len(block) > most {
			break
		}
		if err != nil {
			return dst[:start], err
		}
		dst = append(le.AppendUint32(dst, uint32(len(block))), block...)
	}
	return dst, nil
}

// first returns the question's first block. One that travels in pieces is kept until
// another one is asked for.
func (h *History) first(q PageQuestion) ([]byte, error) {
	if h.at == q.Height && h.long != nil {
		return h.long, nil
	}
	h.long = nil
	block, err := h.read(q.Height)
	if err == nil && len(block) > int(min(q.Bytes, PageBytesMax)) {
		h.long, h.at = block, q.Height
	}
	return block, err
}

// read returns the encoding of a block that was applied here.
func (h *History) read(height uint64) ([]byte, error) {
	if first, last := h.journal.Range(); first > 0 && height >= first && height <= last {
		data, err := h.journal.current().Read(height)
		if !errors.Is(err, wal.ErrNotFound) { // it was put aside meanwhile
			return data, err
		}
	}
	if h.view == nil || height < h.part.First || height > h.part.Last {
		if err := h.enter(height); err != nil {
			return nil, err
		}
	}
	data, err := h.view.Read(height)
	if err != nil {
		h.leave()
	}
	return data, err
}

// enter opens the part that has a height.
func (h *History) enter(height uint64) error {
	parts, err := Parts(h.journal.dir)
	if err != nil {
		return err
	}
	for _, p := range parts {
		if height < p.First || height > p.Last {
			continue
		}
		view, err := wal.OpenView(p.Dir)
		if err != nil {
			return fmt.Errorf("journal: %w", err)
		}
		h.leave()
		h.part, h.view = p, view
		return nil
	}
	return fmt.Errorf("%w: %d", ErrNotKept, height)
}

func (h *History) leave() {
	if h.view != nil {
		h.view.Close()
		h.view = nil
	}
}

// Close gives the handle back.
func (h *History) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.leave()
}
