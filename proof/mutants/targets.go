package main

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

// targets are the packages that carry money, decisions and what is promised of them.
var targets = []target{
	{dir: "sequencer", weight: 5, least: 95},
	{dir: "audit", weight: 4, least: 95, others: []suite{{"sequencer", "TestRandom$"}}},
	{dir: "api", weight: 5, least: 95},
	{dir: "payment", weight: 5, least: 90},
	{dir: "cluster/forward", weight: 4, least: 90},
	{dir: "raftfsm", weight: 4, least: 90},
	{dir: "wal/journal", weight: 3, least: 90, others: []suite{{"cluster/backfill", ""}}},
	{dir: "wal", weight: 3, least: 90},
}

// suites are all tests that a mutant of the target must get past.
func (t *target) suites() []suite {
	return append([]suite{{dir: t.dir}}, t.others...)
}
