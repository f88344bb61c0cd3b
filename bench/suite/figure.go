package main

import (
	"fmt"
	"math"
	"strings"

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

// unit is the format's, which has none that is empty.
func (f *figure) unit() string {
	if unit := f.definition().unit; unit != "" {
		return unit
	}
	return "count"
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

// verdict says whether the goal is met, and by how much it is not; "" without a goal.
func (f *figure) verdict() string {
	goal := f.definition().goal
	number := f.measured()
	if goal.kind.isRatio() {
		number = f.ratio()
	}
	off := number - goal.value
	if goal.kind.isLeast() {
		off = -off
	}
	switch {
	case f.err != "":
		return "failed"
	case goal.kind == noGoal:
		return ""
	case off <= 0:
		return "met"
	case goal.value == 0:
		return "missed"
	case off >= goal.value:
		return fmt.Sprintf("missed: %s times", digits(1+off/goal.value))
	}
	return fmt.Sprintf("missed by %.0f %%", math.Ceil(off/goal.value*100))
}

// goalText is what a figure must come to, "" when nothing.
func (d *definition) goalText() string {
	sign := "≤ "
	if d.goal.kind.isLeast() {
		sign = "≥ "
	}
	switch {
	case d.goal.kind == noGoal:
		return ""
	case d.goal.kind.isRatio():
		return sign + digits(d.goal.value) + " x"
	case d.goal.value == 0:
		return "0"
	}
	return sign + spell(d.goal.value, d.unit)
}

// measuredText is what was measured, with what it is compared with.
func (f *figure) measuredText() string {
	if len(f.rounds) == 0 {
		return "–"
	}
	text := spell(f.measured(), f.definition().unit)
	if f.ratio() != 0 {
		text += " : " + spell(f.compared(), f.definition().unit)
	}
	return text
}

// ratioText is the ratio, "" when there is none.
func (f *figure) ratioText() string {
	if f.ratio() == 0 {
		return ""
	}
	return digits(f.ratio()) + " x"
}

// line is a figure in one line.
func (f *figure) line() string {
	d := f.definition()
	words := []string{f.id + ":", d.what, d.phase, f.measuredText(), f.ratioText()}
	if goal := d.goalText(); goal != "" {
		words = append(words, "["+goal+": "+f.verdict()+"]")
	}
	return strings.Join(strings.Fields(strings.Join(append(words, f.detail), " ")), " ")
}
