package main

import (
	"context"
	"errors"
	"fmt"
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
	testenv.TakesLong(t, "builds and tests a program")
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
		"Joined a + b → a - b":   notCompiled,
		"init begun++ → begun--": killed, "Largest v > first → v <= first": killed,
		"Box.Put remove: b.all = append(b.all, more...)": killed,
		"Box.Most 3 → 4": killed, "Box.Least 1 → 2": killed,
	}
	got := map[string]verdict{}
	var chosen []*mutation
	for _, m := range pointers(rest) {
		if _, is := wanted[m.Function+" "+m.Change]; is {
			chosen = append(chosen, m)
		}
	}
	s := score{target: &target{dir: fixture}}
	var (
		built *programs
		tests []testOf
	)
	prepare := func(round []*mutation) (func(*mutation) bool, error) {
		if built, err = b.weave(t.Context(), round, []suite{{dir: fixture}}); err == nil {
			tests, err = b.baseline(t.Context(), built, []suite{{dir: fixture}})
		}
		return func(m *mutation) bool { return built.numbers[m] > 0 }, err
	}
	try := func(m *mutation, fast bool) (verdict, error) { return b.try(t.Context(), built, m, tests, fast) }
	tell := func(m *mutation, v verdict) { got[m.Function+" "+m.Change] = v }
	err = s.measure(chosen, len(chosen), trial{2, prepare, try, tell})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(built.dir); err != nil {
		t.Fatal(err)
	}
	for change, want := range wanted {
		if v, tried := got[change]; !tried || v != want {
			t.Errorf("%s: verdict %d (tried: %t), want %d", change, v, tried, want)
		}
	}
	if s.tried() != 11 || s.counts[survived] != 2 || int(s.percent()) != 81 {
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
	return &bench{root: root, temp: t.TempDir(), limit: time.Second}
}

// Each test is run without a mutant, which it must pass; what cannot be built is told.
func TestBaseline(t *testing.T) {
	b := newBench(t)
	within := []suite{{fixture, "TestWithin"}}
	built, err := b.weave(t.Context(), nil, within)
	if err != nil {
		t.Fatal(err)
	}
	tests, err := b.baseline(t.Context(), built, within)
	if err != nil || len(tests) != 1 || tests[0].name != "TestWithin" || tests[0].took <= 0 || len(tests[0].reaches) > 0 {
		t.Fatal(tests, err)
	}
	if _, err := b.weave(t.Context(), nil, []suite{{dir: "proof/mutants/testdata"}}); err == nil {
		t.Fatal("a folder without a package is built")
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if _, err := b.baseline(stopped, built, within); !errors.Is(err, context.Canceled) {
		t.Fatalf("a run that was stopped goes on: %v", err)
	}
}

// A mutant is tried by the tests that reach it, the fast ones first and each once; the tests of two packages are
// two programs.
func TestGroups(t *testing.T) {
	here, other := map[int]bool{7: true, 8: true}, map[int]bool{8: true}
	test := func(dir, name string, cost time.Duration, reaches map[int]bool) testOf {
		return testOf{dir, name, 2 * cost, cost, reaches}
	}
	tests := []testOf{
		test("a", "One", 80*time.Millisecond, here), test("a", "Two", 120*time.Millisecond, here),
		test("a", "Other", 130*time.Millisecond, other), test("a", "Three", 400*time.Millisecond, here),
		test("a", "Four", 600*time.Millisecond, here), test("a", "Long", time.Minute, here),
		test("b", "Five", time.Millisecond, here), test("b", "Untouched", time.Millisecond, nil),
	}
	want := []timed{
		{"a", "^(One|Two)$", 2 * time.Second, 200 * time.Millisecond}, {"a", "^(Three|Four)$", 6 * time.Second, time.Second},
		{"a", "^(Long)$", 6 * time.Minute, time.Minute}, {"b", "^(Five)$", 2 * time.Second, time.Millisecond},
	}
	if got := groups(tests, 7, 2*time.Second); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := groups(tests, 9, time.Second); got != nil {
		t.Errorf("%v run on what no test reaches", got)
	}
}

// What does not compile is replaced by the next of the sample, also when a round had too few spares; which are
// tried follows from the order.
func TestSampleIsFilled(t *testing.T) {
	for _, c := range []struct {
		compiles func(line int) bool
		rounds   int
		tried    []int
	}{
		{func(int) bool { return true }, 1, []int{0, 1, 2, 3}},
		{func(line int) bool { return line != 1 }, 1, []int{0, 2, 3, 4}},
		{func(line int) bool { return line%2 == 1 }, 2, []int{1, 3, 5, 7}},
		{func(line int) bool { return line == 8 }, 2, []int{8}},
	} {
		all := make([]mutation, 10)
		for i := range all {
			all[i].Line = i
		}
		s, rounds := score{}, 0
		var tried []int
		prepare := func([]*mutation) (func(*mutation) bool, error) {
			rounds++
			return func(m *mutation) bool { return c.compiles(m.Line) }, nil
		}
		try := func(m *mutation, fast bool) (verdict, error) { return killed, nil }
		tell := func(m *mutation, v verdict) {
			if v != notCompiled {
				tried = append(tried, m.Line)
			}
		}
		if err := s.measure(pointers(all), 4, trial{1, prepare, try, tell}); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(tried, c.tried) || s.tried() != len(tried) || rounds != c.rounds {
			t.Errorf("%v are tried in %d rounds, want %v in %d, %+v", tried, rounds, c.tried, c.rounds, s.counts)
		}
	}
}

// What the fast tests do not find is tried by the others when all were tried by the fast ones.
func TestSlowTestsComeLast(t *testing.T) {
	all := make([]mutation, 3)
	for i := range all {
		all[i].Line = i
	}
	var tried []string
	prepare := func([]*mutation) (func(*mutation) bool, error) { return func(*mutation) bool { return true }, nil }
	try := func(m *mutation, fast bool) (verdict, error) {
		tried = append(tried, fmt.Sprint(m.Line, fast))
		return []verdict{survived, killed, killed}[(m.Line+map[bool]int{true: 0, false: 2}[fast])%3], nil
	}
	s, told := score{}, 0
	tell := func(*mutation, verdict) { told++ }
	if err := s.measure(pointers(all), 3, trial{1, prepare, try, tell}); err != nil {
		t.Fatal(err)
	}
	if want := []string{"0 true", "1 true", "2 true", "0 false"}; !slices.Equal(tried, want) || told != 3 || s.counts[killed] != 3 {
		t.Errorf("%q, want %q; %d told, %+v", tried, want, told, s.counts)
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
