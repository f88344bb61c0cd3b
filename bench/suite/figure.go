package main

import (
	"fmt"

	"onsale/bench"
)

// figure is one number that was measured; its definition has what it means.
type figure struct {
	id     string
	rounds []round
	detail string // what belongs to this measurement: sizes, which of several
	err    string // why there is no number that counts
}

// round is one measurement, in the definition's unit, with what it is compared with in
// the same round.
type round struct{ measured, compared, ratio float64 }

func ratioOf(a, b float64) round { return round{a, b, a / max(1e-9, b)} }

func (f *figure) definition() *definition {
	d, known := define(f.id)
	if !known {
		panic(fmt.Sprintf("figure %q is not defined", f.id))
	}
	return d
}

// median returns the middle value of the rounds.
func (f *figure) median(pick func(round) float64) float64 {
	values := make([]float64, 0, len(f.rounds))
	for _, r := range f.rounds {
		values = append(values, pick(r))
	}
	return bench.Median(values)
}

func (f *figure) measured() float64 { return f.median(func(r round) float64 { return r.measured }) }
func (f *figure) compared() float64 { return f.median(func(r round) float64 { return r.compared }) }

// ratio returns the median of the rounds' ratios, 0 without one.
func (f *figure) ratio() float64 { return f.median(func(r round) float64 { return r.ratio }) }

// readByRatio says whether the figure's number is its ratio: when its goal is, or when it
// has a ratio and no goal.
func (f *figure) readByRatio() bool {
	kind := f.definition().goal.kind
	return kind.isRatio() || kind == noGoal && f.ratio() != 0
}

// number returns what the goal is about.
func (f *figure) number() float64 {
	if f.readByRatio() {
		return f.ratio()
	}
	return f.measured()
}
