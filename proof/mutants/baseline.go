package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// testOf is one test of a suite, as it was without a mutant.
type testOf struct {
	dir, name string
	took      time.Duration
	cost      time.Duration // what it computed, and a tenth of the time that it took
	reaches   map[int]bool  // which mutants
}

// timed are tests of a package that run together, and how long they may take.
type timed struct {
	dir     string
	pattern string // as for go test -run
	limit   time.Duration
	cost    time.Duration // of all together
}

// A mutant may take limitFactor times what its tests take without one, and limitLeast at least: who else works on
// the machine may make it slower, and one that hangs costs all of it.
const (
	limitFactor = 3
	limitLeast  = 20 * time.Second
)

// noMutant is the choice that writes down what is reached.
const noMutant = -1

// baseline runs each test alone without a mutant, which it must pass, and returns them: suite by suite, the fastest
// first.
func (b *bench) baseline(ctx context.Context, p *programs, suites []suite) (tests []testOf, err error) {
	for _, s := range suites {
		names, err := b.list(ctx, p, s)
		if err != nil {
			return nil, err
		}
		first := len(tests)
		for _, name := range names {
			test, err := b.alone(ctx, p, s.dir, name)
			if err != nil {
				return nil, err
			}
			tests = append(tests, test)
		}
		slices.SortStableFunc(tests[first:], func(a, b testOf) int { return cmp.Compare(a.cost, b.cost) })
	}
	return tests, nil
}

// list returns the names of a suite's tests.
func (b *bench) list(ctx context.Context, p *programs, s suite) (names []string, err error) {
	command := exec.CommandContext(ctx, p.paths[s.dir], "-test.list", cmp.Or(s.run, "."))
	command.Dir = filepath.Join(b.root, filepath.FromSlash(s.dir))
	output, err := command.Output()
	for name := range strings.Lines(string(output)) {
		if name = strings.TrimSpace(name); !strings.HasPrefix(name, "Benchmark") {
			names = append(names, name)
		}
	}
	return names, err
}

// baselineTries is how often a test may be run until it passes without a mutant: on a machine that others use one
// that waits may fail.
const baselineTries = 2

func (b *bench) alone(ctx context.Context, p *programs, dir, name string) (testOf, error) {
	for tries := 1; ; tries++ {
		began := time.Now()
		result, err := b.test(ctx, p, noMutant, timed{dir: dir, pattern: "^" + name + "$", limit: time.Hour})
		took := time.Since(began)
		reaches, readErr := p.takeReached()
		switch {
		case err != nil || readErr != nil:
			return testOf{}, errors.Join(err, readErr)
		case result.verdict == survived:
			return testOf{dir, name, took, result.computed + took/10, reaches}, nil
		case tries == baselineTries:
			return testOf{}, fmt.Errorf("%s of %s fails without a mutant:\n%s", name, dir, result.output)
		}
	}
}

// reached is the file to which a test writes what it reaches.
func (p *programs) reached() string { return filepath.Join(p.dir, "reached") }

// takeReached reads the file, and removes it.
func (p *programs) takeReached() (map[int]bool, error) {
	data, err := os.ReadFile(p.reached())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	reached := map[int]bool{}
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		if n, err := strconv.Atoi(lines.Text()); err == nil {
			reached[n] = true
		}
	}
	return reached, errors.Join(err, os.Remove(p.reached()))
}

// groupFirst is what the first tests on a mutant cost together; the next ones cost groupFactor times that, and
// so on: most mutants need no other test than fast ones, and a program's start is not free. What costs more than
// fastCost waits until all mutants were tried by what costs less.
const (
	groupFirst  = 200 * time.Millisecond
	groupFactor = 5
	fastCost    = time.Second
)

// groups are the tests that reach a mutant, those of one package together, in the order of the baseline. Each
// group may take some time at least.
func groups(tests []testOf, mutant int, least time.Duration) (all []timed) {
	var names []string
	group, took, most := timed{}, time.Duration(0), groupFirst
	end := func() {
		if len(names) > 0 {
			group.pattern, group.limit = "^("+strings.Join(names, "|")+")$", max(limitFactor*took, least)
			all = append(all, group)
			most *= groupFactor
		}
		names, group, took = nil, timed{}, 0
	}
	for _, test := range tests {
		if !test.reaches[mutant] {
			continue
		}
		if test.dir != group.dir || group.cost+test.cost > most {
			end()
		}
		names, group.dir = append(names, test.name), test.dir
		group.cost, took = group.cost+test.cost, took+test.took
	}
	end()
	return all
}
