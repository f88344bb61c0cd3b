package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
)

type options struct {
	seed     uint64
	mutants  int // of all packages
	workers  int
	packages string
	list     bool
}

func main() {
	var o options
	flag.Uint64Var(&o.seed, "seed", 0, "which sample is tried; 0 takes one from the clock")
	flag.IntVar(&o.mutants, "mutants", 300, "how many mutants are tried, shared among the packages by their weights")
	flag.IntVar(&o.workers, "workers", 1, "how many are tried at a time")
	flag.StringVar(&o.packages, "packages", "", "only these packages, with commas between them")
	flag.BoolVar(&o.list, "list", false, "list the sample, and try nothing")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

// errScore is returned when tests find too little, or the list of equivalents is not
// that of the code any more.
var errScore = errors.New("not what it should be")

func run(ctx context.Context, o options) error {
	if o.seed == 0 {
		o.seed = uint64(time.Now().UnixNano())
	}
	chosen, err := choose(targets, o.packages)
	if err != nil {
		return err
	}
	temp, err := os.MkdirTemp("", "mutants-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	fmt.Printf("seed %d, %d mutants\n", o.seed, o.mutants)
	b := &bench{root: root, temp: temp, limit: limitLeast}
	weights, stale := 0, unused(chosen, equivalents)
	for _, t := range chosen {
		weights += t.weight
	}
	var scores []*score
	for _, t := range chosen {
		s, used, err := b.measure(ctx, t, (o.mutants*t.weight+weights-1)/weights, o)
		if err != nil {
			return errors.Join(fmt.Errorf("%s: %w", t.dir, err), report(append(scores, s), nil))
		}
		scores = append(scores, s)
		for k := range used {
			delete(stale, k)
		}
	}
	if o.list {
		return nil
	}
	return report(scores, stale)
}

// unused are the equivalents of the chosen packages, by their places in the list.
func unused(chosen []*target, list []equivalent) map[int]*equivalent {
	places := map[int]*equivalent{}
	for k := range list {
		for _, t := range chosen {
			if filepath.ToSlash(filepath.Dir(list[k].file)) == t.dir {
				places[k] = &list[k]
			}
		}
	}
	return places
}

// measure tries a sample of one package. What was tried is in the score, also when it
// is stopped.
func (b *bench) measure(ctx context.Context, t *target, wanted int, o options) (*score, map[int]bool, error) {
	all, err := find(b.root, t.dir)
	if err != nil {
		return &score{target: t}, nil, err
	}
	shuffle(all, o.seed, t.dir) // first, so that one equivalent more changes nothing else of the sample
	rest, used := split(all, equivalents)
	s := &score{target: t, all: len(all), known: len(all) - len(rest)}
	if o.list {
		for _, m := range rest[:min(wanted, len(rest))] {
			fmt.Printf("%s:%d %s: %s\n", m.File, m.Line, m.Function, m.Change)
		}
		return s, used, nil
	}
	return s, used, b.round(ctx, s, rest, wanted, o.workers)
}

// round tries mutants of a package in rounds; each is built, and run without a mutant, before its mutants are.
func (b *bench) round(ctx context.Context, s *score, rest []mutation, wanted, workers int) error {
	built, tests := &programs{}, []testOf(nil)
	t := trial{workers: workers}
	defer func() { _ = os.RemoveAll(built.dir) }() // the temporary folder that it is in goes in any case
	t.prepare = func(round []*mutation) (func(*mutation) bool, error) {
		err := os.RemoveAll(built.dir)
		if err != nil {
			return nil, err
		}
		if built, err = b.weave(ctx, round, s.target.suites()); err != nil {
			return nil, err
		}
		if tests, err = b.baseline(ctx, built, s.target.suites()); err != nil {
			return nil, err
		}
		fmt.Printf("%s: %d mutants, %d tests\n", s.target.dir, min(wanted, len(rest)), len(tests))
		return func(m *mutation) bool { return built.numbers[m] > 0 }, nil
	}
	t.try = func(m *mutation, fast bool) (verdict, error) {
		result, err := b.try(ctx, built, m, tests, fast)
		if fast && result == survived && err == nil {
			fmt.Printf("the slow tests decide: %s:%d %s: %s\n", m.File, m.Line, m.Function, m.Change)
		}
		return result, err
	}
	t.tell = func(m *mutation, v verdict) {
		fmt.Printf("%d/%d %s: %s:%d %s: %s\n", s.tried(), wanted, v, m.File, m.Line, m.Function, m.Change)
		if v == survived {
			fmt.Print(m.diff())
		}
	}
	return s.measure(pointers(rest), wanted, t)
}

func pointers(all []mutation) (places []*mutation) {
	for i := range all {
		places = append(places, &all[i])
	}
	return places
}

// report prints the table, and returns an error when a score is too low.
func report(scores []*score, stale map[int]*equivalent) error {
	rows, low := table.NewWriter(), 0
	rows.AppendHeader(table.Row{"package", "mutations", "equivalent", "tried", "killed", "timed out", "survived",
		"not compiled", "score", "wanted"})
	for _, s := range scores {
		if s.percent() < float64(s.target.least) {
			low++
		}
		rows.AppendRow(table.Row{
			s.target.dir, s.all, s.known, s.tried(), s.counts[killed], s.counts[timedOut], s.counts[survived],
			s.counts[notCompiled], fmt.Sprintf("%.0f %%", s.percent()), fmt.Sprintf("%d %%", s.target.least),
		})
	}
	fmt.Println(rows.Render())
	for _, e := range stale {
		fmt.Printf("this equivalent is none any more: %s %s: %q: %s\n", e.file, e.function, e.text, e.change)
	}
	if low > 0 || len(stale) > 0 {
		return fmt.Errorf("%w: %d packages below their scores, %d equivalents without a place", errScore, low, len(stale))
	}
	return nil
}
