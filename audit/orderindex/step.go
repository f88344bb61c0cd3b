package orderindex

import (
	"cmp"
	"errors"
	"iter"
	"slices"

	"onsale/wal/journal"
)

// step reads some blocks that are not in the index, writes a run when there is enough for one,
// and merges runs. It returns how many blocks it read; fewer than stepBlocks when there are none
// left for now.
func (x *Index) step() (blocks int, err error) {
	x.forgetDamaged()
	x.prove()
	missing, err := x.journal.Missing()
	if err != nil {
		return 0, err
	}
	end := x.journal.Position().Height
	for ; blocks < stepBlocks; blocks++ {
		height := x.next(missing, x.unproven)
		if height > end {
			break
		}
		if x.span.Last != 0 && height != x.span.Last+1 || uint64(len(x.pending)) >= x.pairsMax || x.span.Last != 0 && x.span.Blocks() >= blocksMax {
			if err := x.flush(); err != nil {
				return blocks, err
			}
		}
		if err := x.take(height); err != nil {
			if errors.Is(err, journal.ErrNotKept) { // it was put aside meanwhile
				err = nil
			}
			return blocks, err
		}
	}
	return blocks, x.merge()
}

// next returns the lowest height that is neither in the index, or runs beside it, nor missing.
func (x *Index) next(missing []journal.Span, beside []*run) uint64 {
	spans := slices.Clone(missing)
	for _, r := range slices.Concat(x.runs, beside) {
		spans = append(spans, r.span)
	}
	if x.span.Last != 0 {
		spans = append(spans, x.span)
	}
	slices.SortFunc(spans, func(a, b journal.Span) int { return cmp.Compare(a.First, b.First) })
	height := uint64(1)
	for _, s := range spans {
		if s.First > height {
			break
		}
		height = max(height, s.Last+1)
	}
	return height
}

// take adds a block to what is in memory.
func (x *Index) take(height uint64) error {
	b, err := x.journal.Block(height)
	if err != nil {
		return err
	}
	if err := x.decoded.Decode(&b); err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.pending = x.decoded.appendPairs(x.pending, height)
	if x.span.Last == 0 {
		x.span.First = height
	}
	x.span.Last, x.head = height, b.Hash
	x.counters.blocks.Add(1)
	x.wake()
	return nil
}

// wake tells who waits that there is more; x is locked.
func (x *Index) wake() {
	close(x.moved)
	x.moved = make(chan struct{})
}

// flush writes what is in memory as a run.
func (x *Index) flush() error {
	if x.span.Last == 0 {
		return nil
	}
	pairs := slices.Clone(x.pending)
	slices.SortFunc(pairs, comparePairs)
	pairs = slices.Compact(pairs)
	r, err := writeRun(x.dir, x.span, x.head, uint64(len(pairs)), each(pairs))
	if err != nil {
		return err
	}
	x.insert(r) // who searches meanwhile finds its pairs twice
	x.mu.Lock()
	defer x.mu.Unlock()
	x.pending, x.span = x.pending[:0], journal.Span{}
	return nil
}

func each(pairs []pair) iter.Seq2[pair, error] {
	return func(yield func(pair, error) bool) {
		for _, p := range pairs {
			if !yield(p, nil) {
				return
			}
		}
	}
}

// merge merges runs while there are enough neighbours of a size.
func (x *Index) merge() error {
	for first := mergeable(x.runs, x.pairsMax); first >= 0; first = mergeable(x.runs, x.pairsMax) {
		from := slices.Clone(x.runs[first : first+FanIn])
		r, err := mergeRuns(x.dir, from)
		if errors.Is(err, ErrCorrupt) {
			x.forget(from)
		}
		if err != nil {
			return err
		}
		x.mu.Lock()
		x.runs = slices.Replace(x.runs, first, first+FanIn, r)
		for _, old := range from {
			old.discard()
		}
		x.mu.Unlock()
		x.counters.merges.Add(1)
	}
	return nil
}

// forgetDamaged forgets what was found to be damaged.
func (x *Index) forgetDamaged() {
	x.mu.Lock()
	damaged := x.damaged
	x.damaged = nil
	x.mu.Unlock()
	x.forget(damaged)
}

// forget deletes runs, whose blocks are read again.
func (x *Index) forget(runs []*run) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.runs = slices.DeleteFunc(x.runs, func(r *run) bool {
		if !slices.Contains(runs, r) {
			return false
		}
		x.counters.remade.Add(1)
		r.discard()
		return true
	})
}
