package orderindex

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"onsale/sequencer"
)

// heights returns the heights of the blocks in which something of a key is, above after, lowest
// first, once every block up to a height is in the index that is in the journal. ErrBehind when
// ctx ends before.
func (x *Index) heights(ctx context.Context, after, upTo uint64, keys ...uint64) ([]uint64, error) {
	for {
		found, ready, moved, err := x.look(upTo, keys)
		switch {
		case err != nil:
			return nil, err
		case ready:
			slices.Sort(found)
			return above(slices.Compact(found), after), nil
		}
		select {
		case x.asked <- struct{}{}:
		default:
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: the index of orders is being made", sequencer.ErrBehind)
		}
	}
}

// above returns the sorted heights that are above one.
func above(heights []uint64, after uint64) []uint64 {
	from, _ := slices.BinarySearch(heights, after+1)
	return heights[from:]
}

// look searches what is in the index, when that is ready up to a height. A damaged run is
// named to Run, which reads its blocks again; until then the index is not ready.
func (x *Index) look(upTo uint64, keys []uint64) (found []uint64, ready bool, moved chan struct{}, err error) {
	missing, err := x.journal.Missing()
	if err != nil {
		return nil, false, nil, err
	}
	x.mu.RLock()
	moved = x.moved
	if x.next(missing, nil) <= upTo {
		x.mu.RUnlock()
		return nil, false, moved, nil
	}
	found, damaged, err := x.search(keys)
	x.mu.RUnlock()
	if errors.Is(err, ErrCorrupt) {
		x.logger.Warn("a part of the index of orders is damaged and is made again", "error", err)
		x.mu.Lock()
		x.damaged = append(x.damaged, damaged)
		x.mu.Unlock()
		return nil, false, moved, nil
	}
	return found, true, moved, err
}

// rooms are for reading chunks, 64 KiB each.
var rooms = sync.Pool{New: func() any { return new(chunkRoom) }}

// search looks through the runs and what is in memory; x is locked. damaged is the run of an error.
func (x *Index) search(keys []uint64) (found []uint64, damaged *run, err error) {
	room := rooms.Get().(*chunkRoom)
	defer rooms.Put(room)
	for _, key := range keys {
		for _, r := range x.runs {
			if found, err = r.appendHeights(found, key, room); err != nil {
				return nil, r, err
			}
		}
		for _, p := range x.pending {
			if p.key == key {
				found = append(found, p.height)
			}
		}
	}
	return found, nil, nil
}
