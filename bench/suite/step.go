package suite

import (
	"context"
	"fmt"
	"strings"
	"time"

	"onsale/bench/result"
)

// step is one part of the suite.
type step struct {
	id      string
	what    string
	targets []string
	fills   []string // figures that it measures; a prefix that ends in a dot stands for all that begin so
	builds  [][]string
	limit   time.Duration
	// run measures. What it measured before an error is kept.
	run func(ctx context.Context, x *executor) (result.Outcome, error)
}

// chosen reports whether a word of --only means the step: its id or one of its targets.
func (s *step) chosen(only []string) bool {
	if len(only) == 0 {
		return true
	}
	for _, word := range only {
		if strings.EqualFold(word, s.id) {
			return true
		}
		for _, target := range s.targets {
			if strings.EqualFold(word, target) {
				return true
			}
		}
	}
	return false
}

// figures returns the ids of all figures that the step is to measure.
func (s *step) figures() []string {
	var ids []string
	for _, target := range result.Targets {
		for _, d := range result.DefinitionsOf(target.ID) {
			for _, fill := range s.fills {
				if d.ID == fill || strings.HasSuffix(fill, ".") && strings.HasPrefix(d.ID, fill) {
					ids = append(ids, d.ID)
				}
			}
		}
	}
	return ids
}

// choose returns the steps that --only names.
func choose(steps []step, only []string) ([]step, error) {
	for _, word := range only {
		known := false
		for i := range steps {
			known = known || steps[i].chosen([]string{word})
		}
		if !known {
			return nil, fmt.Errorf("%w: no step and no target is called %q in this profile", ErrOptions, word)
		}
	}
	var found []step
	for _, s := range steps {
		if s.chosen(only) {
			found = append(found, s)
		}
	}
	return found, nil
}

// rounds measures again and again, and says which round it is in. A round that fails is
// measured once more, which the step's result says: on a machine that others use too, a
// leader may lose its office to somebody else's work. Nothing of a failed round counts.
func rounds(ctx context.Context, x *executor, count int, all collected, once func(round int, c collected) error) error {
	for round := range count {
		fmt.Fprintf(x.progress, "    round %d of %d\n", round+1, count)
		c := collected{}
		err := once(round, c)
		if err != nil && ctx.Err() == nil {
			again := fmt.Sprintf("round %d was measured again: %s", round+1, oneLine(err.Error()))
			fmt.Fprintln(x.progress, "    "+again)
			x.repeated = append(x.repeated, again)
			c = collected{}
			err = once(round, c)
		}
		if err != nil {
			return fmt.Errorf("round %d: %w", round+1, err)
		}
		for id, list := range c {
			all[id] = append(all[id], list...)
		}
	}
	return nil
}

// collected are rounds by figure.
type collected map[string][]result.Round

func (c collected) add(id string, r result.Round) { c[id] = append(c[id], r) }

// figures returns the medians of what was collected, in the order of the definitions.
func (c collected) figures() []result.Figure {
	var list []result.Figure
	for _, target := range result.Targets {
		for _, d := range result.DefinitionsOf(target.ID) {
			if len(c[d.ID]) > 0 {
				list = append(list, result.NewFigure(d.ID, c[d.ID]))
			}
		}
	}
	return list
}

// List returns a profile's steps, a line each.
func List(p Profile) []string {
	var list []string
	for _, s := range steps(p) {
		list = append(list, fmt.Sprintf("%-9s %-7s %s; at most %v", s.id, strings.Join(s.targets, ","), s.what, s.limit))
	}
	return list
}
