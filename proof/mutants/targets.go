package main

import (
	"fmt"
	"strings"
)

// target is a package whose tests are measured.
type target struct {
	dir    string
	weight int // its share of the sample
	least  int // the score that it must reach, in percent
	// others are tests of further packages that it relies on, its own come first.
	others []suite
}

// suite is tests of one package.
type suite struct {
	dir string
	run string // as for go test -run; empty runs all
}

// targets are the packages that carry money, decisions and what is promised of them. A
// package below one of them may be chosen by its name; it is held to the same score.
var targets = []target{
	{dir: "sequencer", weight: 5, least: 95},
	{dir: "audit", weight: 4, least: 95, others: []suite{{"sequencer", "TestRandom$"}}},
	{dir: "api", weight: 5, least: 95},
	{dir: "payment", weight: 5, least: 90},
	{dir: "cluster/forward", weight: 4, least: 90},
	{dir: "raftfsm", weight: 4, least: 90},
	{dir: "raftfsm/folder", weight: 1, least: 90, others: []suite{{dir: "raftfsm"}}},
	{dir: "raftfsm/store", weight: 1, least: 90, others: []suite{{dir: "raftfsm"}}},
	{dir: "raftfsm/view", weight: 1, least: 90, others: []suite{{dir: "raftfsm"}}},
	{dir: "wal/journal", weight: 3, least: 90, others: []suite{{"cluster/backfill", ""}}},
	{dir: "wal", weight: 3, least: 90},
}

// suites are all tests that a mutant of the target must get past.
func (t *target) suites() []suite {
	return append([]suite{{dir: t.dir}}, t.others...)
}

// choose returns the targets that are named; all when none is.
func choose(all []target, names string) (chosen []*target, err error) {
	if names == "" {
		names = namesOf(all)
	}
	for _, name := range strings.Split(names, ",") {
		t := named(all, name)
		if t == nil {
			return nil, fmt.Errorf("no package %q is measured", name)
		}
		chosen = append(chosen, t)
	}
	return chosen, nil
}

func namesOf(all []target) string {
	var names []string
	for i := range all {
		names = append(names, all[i].dir)
	}
	return strings.Join(names, ",")
}

// named returns the target with a name. A package below a target is tested with its
// own suite and then with the target's; nil when it is neither.
func named(all []target, name string) (found *target) {
	for i := range all {
		t := &all[i]
		switch {
		case t.dir == name:
			return t
		case strings.HasPrefix(name, t.dir+"/") && (found == nil || len(t.dir) > len(found.others[0].dir)):
			found = &target{dir: name, weight: 1, least: t.least, others: t.suites()}
		}
	}
	return found
}
