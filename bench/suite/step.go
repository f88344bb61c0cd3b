package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// step is one part of the suite.
type step struct {
	id      string
	what    string
	targets []string
	fills   []string // figures that it measures; a prefix that ends in a dot stands for all that begin so
	builds  [][]string
	limit   time.Duration
	// run measures. What it collected before an error is kept.
	run func(ctx context.Context, x *executor, c collected) error
}

// chosen reports whether a word of --only means the step: its id or one of its targets.
func (s *step) chosen(word string) bool {
	return slices.ContainsFunc(append([]string{s.id}, s.targets...), func(name string) bool { return strings.EqualFold(word, name) })
}

// figures returns the ids of all figures that the step is to measure.
func (s *step) figures() (ids []string) {
	for i := range definitions {
		id := definitions[i].id
		for _, fill := range s.fills {
			if id == fill || strings.HasSuffix(fill, ".") && strings.HasPrefix(id, fill) {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// choose returns the steps that --only names, all without.
func choose(steps []step, only []string) (found []step, err error) {
	for _, word := range only {
		if !slices.ContainsFunc(steps, func(s step) bool { return s.chosen(word) }) {
			return nil, fmt.Errorf("%w: no step and no target is called %q in this profile", errOptions, word)
		}
	}
	for _, s := range steps {
		if len(only) == 0 || slices.ContainsFunc(only, s.chosen) {
			found = append(found, s)
		}
	}
	return found, nil
}

// inRounds measures again and again, and says which round it is in. A round that fails is
// measured once more, which the step's result says: on a machine that others use too, a
// leader may lose its office to somebody else's work. Nothing of a failed round counts.
func inRounds(count int, once func(ctx context.Context, x *executor, turn int, c collected) error) func(context.Context, *executor, collected) error {
	return func(ctx context.Context, x *executor, all collected) error {
		for turn := range count {
			fmt.Fprintf(x.progress, "    round %d of %d\n", turn+1, count)
			c := collected{}
			err := once(ctx, x, turn, c)
			if err != nil && ctx.Err() == nil {
				again := fmt.Sprintf("round %d was measured again: %s", turn+1, oneLine(err.Error()))
				fmt.Fprintln(x.progress, "    "+again)
				x.repeated = append(x.repeated, again)
				c = collected{}
				err = once(ctx, x, turn, c)
			}
			if err != nil {
				return fmt.Errorf("round %d: %w", turn+1, err)
			}
			for id, list := range c {
				all[id] = append(all[id], list...)
			}
		}
		return nil
	}
}

// collected are rounds by figure; of a figure in several settings by both, with a space between.
type collected map[string][]round

func (c collected) add(id string, r round) { c[id] = append(c[id], r) }

// figures returns what was collected, in the order of the definitions; of several settings
// the one in which ours does worst.
func (c collected) figures() (list []figure) {
	for i := range definitions {
		var worst *figure
		for name, rounds := range c {
			id, setting, _ := strings.Cut(name, " ")
			f := &figure{id: id, rounds: rounds, detail: setting}
			if id == definitions[i].id && (worst == nil || f.ratio() < worst.ratio()) {
				worst = f
			}
		}
		if worst != nil {
			list = append(list, *worst)
		}
	}
	return list
}

// steps are all of a profile's, in the order in which they run: what needs a cool machine
// first, what fills disks last.
func steps(p *profile) []step {
	all := []step{rulesStep(p), commitStep(p), logStep(p), apiStep(p), peersStep(p), directStep(p), latencyStep(p), rushStep(p), leaderStep(p),
		failoverStep(p), restartStep(p)}
	if p.saleBuyers > 0 {
		all = append(all, saleStep(p))
	}
	return all
}
