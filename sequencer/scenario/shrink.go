package scenario

import (
	"slices"
	"time"

	"onsale/sequencer"
)

// noOrder is what a command refers to when the command that made its order was
// dropped.
const noOrder = 1 << 40

// selection is which batches and which commands of a failure are kept.
type selection struct {
	batches  []sequencer.Batch
	keep     []bool // a batch
	keepSeqs []bool // a command, by its seq
}

// Shrink drops batches, then commands, as long as fails says that what is left
// still fails. Orders are renumbered, so that commands go on meaning the same.
func Shrink(batches []sequencer.Batch, until time.Time, fails func([]sequencer.Batch) bool) []sequencer.Batch {
	s := selection{batches: batches, keep: slices.Repeat([]bool{true}, len(batches)), keepSeqs: []bool{true}}
	for i := range batches {
		s.keepSeqs = append(s.keepSeqs, slices.Repeat([]bool{true}, len(batches[i].Commands))...)
	}
	for range 2 {
		Drop(s.keepSeqs, until, func() bool { return fails(s.build()) })
		Drop(s.keep, until, func() bool { return fails(s.build()) })
	}
	return s.build()
}

// Drop clears ever smaller runs of keep as long as fails says that what is kept
// still fails.
func Drop(keep []bool, until time.Time, fails func() bool) {
	for size := len(keep) / 2; size > 0; size /= 2 {
		for at := 0; at+size <= len(keep) && time.Now().Before(until); at += size {
			before := slices.Clone(keep[at : at+size])
			if !slices.Contains(before, true) {
				continue
			}
			clear(keep[at : at+size])
			if !fails() {
				copy(keep[at:], before)
			}
		}
	}
}

// build returns the kept batches with the kept commands. A batch that is not
// kept gives its commands to the one before.
func (s *selection) build() []sequencer.Batch {
	newSeqs, kept := make([]uint64, len(s.keepSeqs)), uint64(0)
	for seq := 1; seq < len(newSeqs); seq++ {
		newSeqs[seq] = noOrder
		if s.keepSeqs[seq] {
			kept++
			newSeqs[seq] = kept
		}
	}
	var built []sequencer.Batch
	seq := 0
	for i := range s.batches {
		if s.keep[i] || len(built) == 0 {
			built = append(built, sequencer.Batch{Time: s.batches[i].Time})
		}
		last := &built[len(built)-1]
		for _, c := range s.batches[i].Commands {
			if seq++; !s.keepSeqs[seq] {
				continue
			}
			if c.Order < uint64(len(newSeqs)) {
				c.Order = newSeqs[c.Order]
			}
			last.Commands = append(last.Commands, c)
		}
	}
	return built
}
