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
	run  *run
	next int   // chunk
	at   int   // pair
	in   chunk // that chunk's
	room *chunkRoom
}

// first is the pair at which the cursor is; any is false at the run's end.
func (c *cursor) first() (p pair, any bool) {
	if c.at == c.in.count() {
		return p, false
	}
	return c.in.at(c.at), true
}

// fill makes the cursor be at a pair, unless the run is at its end.
func (c *cursor) fill() (err error) {
	if c.at == c.in.count() && c.next < len(c.run.fences) {
		c.in, err = c.run.chunk(c.next, c.room)
		c.next++
		c.at = 0
	}
	return err
}

// merged goes through the pairs of several runs in order.
func merged(from []*run) iter.Seq2[pair, error] {
	return func(yield func(pair, error) bool) {
		cursors := make([]cursor, len(from))
		for i, r := range from {
			cursors[i] = cursor{run: r, room: new(chunkRoom)}
		}
		for {
			var least *cursor
			var lowest pair
			for i := range cursors {
				c := &cursors[i]
				if err := c.fill(); err != nil {
					yield(pair{}, err)
					return
				}
				if p, any := c.first(); any && (least == nil || p.before(lowest)) {
					least, lowest = c, p
				}
			}
			if least == nil || !yield(lowest, nil) {
				return
			}
			least.at++
		}
	}
}
