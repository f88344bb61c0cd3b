package main

import (
	"fmt"
	"math"
	"strings"
)

// verdict is what a goal says of a figure.
type verdict struct {
	judged bool // there is a goal and a number
	met    bool
	// off is how far the number is from the goal, as a part of the goal: 0.1 is 10 %
	// better, -0.1 is 10 % worse. It is 0 for goals of 0.
	off float64
}

// judge compares a figure with its goal.
func (f *figure) judge() verdict {
	g := f.definition().goal
	switch {
	case g.kind == noGoal:
		return verdict{}
	case f.err != "":
		return verdict{judged: true}
	}

	number := f.number()
	v := verdict{judged: true, met: number <= g.value}
	if g.value != 0 {
		v.off = (g.value - number) / g.value
	}
	if g.kind.isLeast() {
		v.met, v.off = number >= g.value, -v.off
	}
	return v
}

// text says whether the goal is met, and by how much it is not.
func (v verdict) text() string {
	switch {
	case !v.judged:
		return ""
	case v.met:
		return "met"
	case v.off == 0:
		return "missed"
	case v.off <= -1:
		return fmt.Sprintf("missed: %s times", digits(1-v.off))
	}
	return fmt.Sprintf("missed by %.0f %%", math.Ceil(-v.off*100))
}

func (f *figure) verdictText() string {
	if f.err != "" {
		return "failed"
	}
	return f.judge().text()
}

// goalText is what a figure must come to, "" when nothing.
func (d *definition) goalText() string {
	if d.goal.kind == noGoal {
		return ""
	}
	sign := "≤ "
	if d.goal.kind.isLeast() {
		sign = "≥ "
	}
	switch {
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
	words := []string{f.id + ":", d.what}
	if d.phase != "" {
		words = append(words, "("+d.phase+")")
	}
	words = append(words, f.measuredText())
	if text := f.ratioText(); text != "" {
		words = append(words, "= "+text)
	}
	if goal := d.goalText(); goal != "" {
		words = append(words, "["+goal+": "+f.verdictText()+"]")
	}
	if f.detail != "" {
		words = append(words, "("+f.detail+")")
	}
	return strings.Join(words, " ")
}
