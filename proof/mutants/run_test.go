package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"onsale/proof/testenv"
)

const fixture = "proof/mutants/testdata/fixture"

// The mutants of a package whose tests are known: what they hold is killed, what they
// do not hold survives, what does not end is stopped.
func TestFixture(t *testing.T) {
	testenv.TakesLong(t, "builds and tests eight programs")
	b := newBench(t)
	all, err := find(b.root, fixture)
	if err != nil {
		t.Fatal(err)
	}
	rest, used := split(all, []equivalent{
		{file: fixture + "/fixture.go", function: "Within", text: "not there", change: "low <= n → low < n"},
		{file: fixture + "/fixture.go", function: "Count", text: "for n > 0 {", change: "n > 0 → n >= 0"},
	})
	if len(used) != 1 || !used[1] || len(rest) != len(all)-1 {
		t.Fatalf("equivalents %v are used, %d of %d mutations are left", used, len(rest), len(all))
	}
	wanted := map[string]verdict{
		"Within low <= n → low < n": killed, "Within n <= high → n > high": killed,
		"Untested n++ → n--": survived, "Untested remove: n++": survived,
		"Count n-- → n++": timedOut, "Count steps++ → steps--": killed,
		"Joined a + b → a - b": notCompiled,
	}
	got := map[string]verdict{}
	var chosen []mutation
	for _, m := range rest {
		if _, is := wanted[m.Function+" "+m.Change]; is {
			chosen = append(chosen, m)
		}
	}
	suites := []timed{{suite{dir: fixture}, time.Second}}
	s := score{target: &target{dir: fixture}}
	try := func(m *mutation) (verdict, error) { return b.try(t.Context(), m, suites) }
	tell := func(m *mutation, v verdict) { got[m.Function+" "+m.Change] = v }
	err = s.measure(chosen, len(chosen), trial{2, try, tell})
	if err != nil {
		t.Fatal(err)
	}
	for change, want := range wanted {
		if v, tried := got[change]; !tried || v != want {
			t.Errorf("%s: verdict %d (tried: %t), want %d", change, v, tried, want)
		}
	}
	if s.tried() != 6 || s.counts[survived] != 2 || int(s.percent()) != 66 {
		t.Errorf("%d tried, %d survived, %.1f %%", s.tried(), s.counts[survived], s.percent())
	}
	if left, err := os.ReadDir(b.temp); err != nil || len(left) > 0 {
		t.Errorf("%d folders are left behind, %v", len(left), err)
	}
}

func newBench(t *testing.T) *bench {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return &bench{root: root, temp: t.TempDir()}
}

// The suites get their times from a run without a mutant, which must pass.
func TestBaseline(t *testing.T) {
	b := newBench(t)
	suites, err := b.baseline(t.Context(), []suite{{fixture, "TestWithin"}})
	if err != nil || len(suites) != 1 || suites[0].limit < limitLeast || suites[0].limit > time.Minute {
		t.Fatal(suites, err)
	}
	if _, err := b.baseline(t.Context(), []suite{{dir: "proof/mutants/testdata"}}); err == nil {
		t.Fatal("a folder without a package has a baseline")
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if _, err := b.try(stopped, &mutation{File: fixture + "/fixture.go"}, suites); !errors.Is(err, context.Canceled) {
		t.Fatalf("a run that was stopped goes on: %v", err)
	}
}

// What does not compile is replaced by the next of the sample.
func TestSampleIsFilled(t *testing.T) {
	all := make([]mutation, 10)
	for i := range all {
		all[i].Line = i
	}
	s := score{}
	var tried []int
	try := func(m *mutation) (verdict, error) { return []verdict{notCompiled, killed}[m.Line%2], nil }
	tell := func(m *mutation, _ verdict) { tried = append(tried, m.Line) }
	if err := s.measure(all, 3, trial{1, try, tell}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(tried, []int{0, 1, 2, 3, 4, 5}) || s.tried() != 3 || s.counts[notCompiled] != 3 {
		t.Fatalf("%v, %+v", tried, s.counts)
	}
}

func TestSeed(t *testing.T) {
	order := func(seed uint64, dir string) []int {
		all := make([]mutation, 20)
		for i := range all {
			all[i].Line = i
		}
		shuffle(all, seed, dir)
		var lines []int
		for _, m := range all {
			lines = append(lines, m.Line)
		}
		return lines
	}
	first := order(1, "a")
	if !slices.Equal(first, order(1, "a")) || slices.Equal(first, order(2, "a")) || slices.Equal(first, order(1, "b")) {
		t.Fatal("an order does not follow from seed and package")
	}
}

// Every package that is measured is there, and every equivalent is of one of them, with a reason.
func TestTargets(t *testing.T) {
	b := newBench(t)
	chosen, err := choose(targets, "")
	if err != nil || len(chosen) != len(targets) {
		t.Fatal(chosen, err)
	}
	if n := len(unused(chosen, equivalents)); n != len(equivalents) {
		t.Errorf("%d equivalents, %d in packages that are measured", len(equivalents), n)
	}
	for _, e := range equivalents {
		if e.reason == "" {
			t.Errorf("%s %s: nobody said why it is equivalent", e.file, e.change)
		}
	}
	for _, target := range chosen {
		if _, err := find(b.root, target.dir); err != nil {
			t.Error(err)
		}
	}
	found, err := find(b.root, fixture)
	if err != nil || slices.ContainsFunc(found, func(m mutation) bool { return m.Function == "NotBuilt" }) {
		t.Errorf("what is not built here is changed, or %v", err)
	}
}

// A package below a target is measured with the target's tests behind its own.
func TestChoose(t *testing.T) {
	for name, want := range map[string][]suite{
		"audit":         {{dir: "audit"}, {"sequencer", "TestRandom$"}},
		"audit/report":  {{dir: "audit/report"}, {dir: "audit"}, {"sequencer", "TestRandom$"}},
		"raftfsm/view":  {{dir: "raftfsm/view"}, {dir: "raftfsm"}},
		"wal/journal/x": {{dir: "wal/journal/x"}, {dir: "wal/journal"}, {dir: "cluster/backfill"}},
	} {
		chosen, err := choose(targets, name)
		if err != nil || len(chosen) != 1 || chosen[0].least < 90 || !slices.Equal(chosen[0].suites(), want) {
			t.Errorf("%s: %+v, %v", name, chosen, err)
		}
	}
	for _, name := range []string{"nothing", "audit,nothing", "auditor", "audit,"} {
		if chosen, err := choose(targets, name); err == nil {
			t.Errorf("%s: %+v", name, chosen)
		}
	}
}
