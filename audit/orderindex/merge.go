package orderindex

import (
	"iter"

	"onsale/wal/journal"
)

// FanIn is how many neighbouring runs of a size are merged into one.
const FanIn = 8

// sizeOf returns the size class of a run: how often twice the smallest is multiplied by FanIn
// before it is not below the run's pairs. Twice, because a block that fills the memory is taken in
// whole.
func sizeOf(pairs, smallest uint64) (class int) {
	for most := 2 * smallest; pairs > most; most *= FanIn {
		class++
	}
	return class
}

// mergeable returns where FanIn neighbours of a size begin that follow each other without a gap;
// -1 for nowhere.
func mergeable(runs []*run, smallest uint64) int {
	first := 0
	for i := range runs {
		if i > first && (sizeOf(runs[i].pairs, smallest) != sizeOf(runs[i-1].pairs, smallest) || runs[i].span.First != runs[i-1].span.Last+1) {
			first = i
		}
		if i-first+1 == FanIn {
			return first
		}
	}
	return -1
}

// mergeRuns writes one run of several neighbours. They stay as they are.
func mergeRuns(dir string, from []*run) (*run, error) {
	newest := from[len(from)-1]
	count := uint64(0)
	for _, r := range from {
		count += r.pairs
	}
	return writeRun(dir, journal.Span{First: from[0].span.First, Last: newest.span.Last}, newest.head, count, merged(from))
}

// cursor goes through a run's pairs, with a chunk in memory.
type cursor struct {
	run   *run
	next  int // chunk
	pairs []pair
}

// fill makes pairs not empty, unless the run is at its end.
func (c *cursor) fill() (err error) {
	if len(c.pairs) == 0 && c.next < len(c.run.fences) {
		c.pairs, err = c.run.chunk(c.next)
		c.next++
	}
	return err
}

// merged goes through the pairs of several runs in order.
func merged(from []*run) iter.Seq2[pair, error] {
	return func(yield func(pair, error) bool) {
		cursors := make([]cursor, len(from))
		for i, r := range from {
			cursors[i].run = r
		}
		for {
			var least *cursor
			for i := range cursors {
				c := &cursors[i]
				if err := c.fill(); err != nil {
					yield(pair{}, err)
					return
				}
				if len(c.pairs) > 0 && (least == nil || c.pairs[0].before(least.pairs[0])) {
					least = c
				}
			}
			if least == nil || !yield(least.pairs[0], nil) {
				return
			}
			least.pairs = least.pairs[1:]
		}
	}
}
