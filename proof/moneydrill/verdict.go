package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
)

// verdict is what a check found.
type verdict struct {
	counts map[string]int
	money  map[string]sums     // by currency
	found  map[string][]string // violations, by what they violate
	void   []string            // why the run says nothing
}

// sums are of one currency, in its minor units.
type sums struct{ captured, kept, returned, due int64 }

func newVerdict() *verdict {
	return &verdict{counts: map[string]int{}, money: map[string]sums{}, found: map[string][]string{}}
}

func (v *verdict) wrong(what, format string, args ...any) {
	v.found[what] = append(v.found[what], fmt.Sprintf(format, args...))
}

func (v *verdict) add(currency string, s sums) {
	sum := v.money[currency]
	v.money[currency] = sums{sum.captured + s.captured, sum.kept + s.kept, sum.returned + s.returned, sum.due + s.due}
}

// needs makes a run void in which something never happened.
func (v *verdict) needs(counts map[string]int, all ...string) {
	for _, what := range all {
		if counts[what] == 0 {
			v.void = append(v.void, "no "+what)
		}
	}
}

// violations counts them.
func (v *verdict) violations() (count int) {
	for _, texts := range v.found {
		count += len(texts)
	}
	return count
}

// findingsShown bounds how many violations of one kind are printed.
const findingsShown = 20

// print writes the report.
func (v *verdict) print(w io.Writer) {
	printCounts(w, v.counts)
	for _, currency := range slices.Sorted(maps.Keys(v.money)) {
		m := v.money[currency]
		fmt.Fprintf(w, "%s, minor units: captured %d = paid tickets %d + returned %d + due %d\n", currency, m.captured, m.kept, m.returned, m.due)
	}
	for _, what := range slices.Sorted(maps.Keys(v.found)) {
		for i, text := range v.found[what] {
			if i == findingsShown {
				fmt.Fprintf(w, "%s: and %d more\n", what, len(v.found[what])-i)
				break
			}
			fmt.Fprintf(w, "%s: %s\n", what, text)
		}
	}
	for _, why := range v.void {
		fmt.Fprintf(w, "void: %s\n", why)
	}
	fmt.Fprintf(w, "violations %d\n", v.violations())
}

func printCounts(w io.Writer, counts map[string]int) {
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(w, "%-50s %d\n", what, counts[what])
	}
}
