package simulation

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"onsale/audit/naive"
	"onsale/proof/testenv"
	"onsale/sequencer"
	"onsale/sequencer/scenario"
)

var (
	firstSeed   = flag.Uint64("seed", 1, "the first seed of the simulation")
	seedCount   = flag.Uint64("seeds", seedsByDefault, "how many seeds the simulation plays")
	perSeed     = flag.Int("commands", 5000, "how many commands the simulation's clients send with each seed")
	shrinkLimit = flag.Duration("shrink", 30*time.Second, "how long a failure is made smaller")
)

func shrinkUntil() time.Time { return time.Now().Add(*shrinkLimit) }

// run plays a seed's steps as they are drawn.
func run(seed uint64, commands int, bug *mutation) (*generator, error) {
	g := newGenerator(seed)
	g.steps = make([]step, 0, 6*commands) // there are five or six to a command
	w := newWorld(int(g.next().n[0]), bug)
	g.world = w
	err := guarded(func() error {
		for w.seen.Commands < commands {
			s := g.next()
			if err := w.play(&s); err != nil {
				return err
			}
		}
		return w.finish()
	})
	return g, err
}

// replay plays steps that were drawn before, or a part of them.
func replay(steps []step, bug *mutation) (w *world, err error) {
	nodes := 3
	if len(steps) > 0 && steps[0].verb == verbNodes {
		nodes, steps = min(max(int(steps[0].n[0]), 1), nodesMax), steps[1:]
	}
	w = newWorld(nodes, bug)
	return w, guarded(func() error {
		for i := range steps {
			if err := w.play(&steps[i]); err != nil {
				return err
			}
		}
		return w.finish()
	})
}

// guarded turns a panic of the simulation into an error.
func guarded(do func() error) (err error) {
	defer func() {
		if failure := recover(); failure != nil {
			err = violated("panic", "%v\n%s", failure, debug.Stack())
		}
	}()
	return do()
}

// shrink drops steps as long as what is left breaks the same promise.
func shrink(steps []step, property string, bug *mutation) []step {
	keep := make([]bool, len(steps))
	for i := range keep {
		keep[i] = true
	}
	kept := func() (left []step) {
		for i, s := range steps {
			if keep[i] || i == 0 {
				left = append(left, s)
			}
		}
		return left
	}
	until := shrinkUntil()
	for range 2 {
		scenario.Drop(keep, until, func() bool {
			_, err := replay(kept(), bug)
			return propertyOfError(err) == property
		})
	}
	return kept()
}

// propertyOfError returns which promise an error says is broken; "" for none.
func propertyOfError(err error) string {
	var v *violation
	switch {
	case err == nil:
		return ""
	case errors.As(err, &v):
		return v.property
	}
	return "error"
}

func textOf(steps []step) string {
	var text strings.Builder
	for _, s := range steps {
		fmt.Fprintln(&text, s.String())
	}
	return text.String()
}

// report describes a failing seed, and the shortest scenarios that fail alike.
func report(seed uint64, g *generator, err error) string {
	steps := shrink(g.steps, propertyOfError(err), nil)
	w, smaller := replay(steps, nil)
	text := fmt.Sprintf("seed %d breaks a promise (again with -run TestSimulation -seed %d -seeds 1 -commands %d):\n%v\n\nmade smaller, for simulation/testdata/scenarios:\n\n%s\nwhich gives:\n%v\n",
		seed, seed, *perSeed, err, textOf(steps), smaller)
	if rules := w.rulesScenario(); rules != "" {
		text += fmt.Sprintf("\nthe log alone, for sequencer/testdata/scenarios:\n\n%s\n", rules)
	}
	return text
}

// againstRules decides batches with State and with package naive.
func againstRules(batches []sequencer.Batch) error {
	return guarded(func() error {
		state, model, d := sequencer.New(), naive.New(), sequencer.Decisions{}
		for i := range batches {
			state.Apply(&batches[i], &d)
			if err := scenario.Compare(&d, model.Apply(&batches[i])); err != nil {
				return err
			}
		}
		return nil
	})
}

// keyNames names the keys of the requests for a scenario.
func (w *world) keyNames() map[sequencer.KeyDigest]string {
	names := map[sequencer.KeyDigest]string{}
	for _, q := range w.requests {
		if q == nil || !q.keyed() {
			continue
		}
		for k := int32(0); names[q.command.Key] == "" && k <= int32(len(w.requests)); k++ {
			if name := fmt.Sprintf("k%d", k); sequencer.DigestKey(q.command.User, []byte(name)) == q.command.Key {
				names[q.command.Key] = name
			}
		}
	}
	return names
}

const seedsInShortRun = 20

// Whatever happens to a cluster, its clients and the provider, no promise is broken.
func TestSimulation(t *testing.T) {
	var (
		seen    coverage
		mu      sync.Mutex
		next    atomic.Uint64
		workers sync.WaitGroup
		failed  atomic.Bool
	)
	seeds := testenv.Pick(*seedCount, min(*seedCount, seedsInShortRun))
	began := time.Now()
	for range runtime.GOMAXPROCS(0) { // each seed is played by one goroutine
		workers.Go(func() {
			for at := next.Add(1) - 1; at < seeds && !failed.Load(); at = next.Add(1) - 1 {
				g, err := run(*firstSeed+at, *perSeed, nil)
				if err != nil && !failed.Swap(true) {
					t.Error(report(*firstSeed+at, g, err))
				}
				mu.Lock()
				seen.add(&g.world.seen)
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	took := time.Since(began).Seconds()
	t.Logf("%d seeds in %.1f s: %.1f seeds/s, %.0f commands/s\n%s", seeds, took, float64(seeds)/took, float64(seen.Commands)/took, seen.String())
	if seen.Commands < 1_000_000 || failed.Load() {
		return // too few to ask that everything was met
	}
	for _, name := range seen.missing() {
		t.Errorf("the run is void: it never met %s", name)
	}
}

// A seed gives the same steps and the same states every time.
func TestSeedIsReplayed(t *testing.T) {
	for seed := uint64(1); seed <= 3; seed++ {
		first, err := run(seed, 2000, nil)
		if err != nil {
			t.Fatal(err)
		}
		again, err := parseSteps(textOf(first.steps))
		if err != nil || !reflect.DeepEqual(again, first.steps[1:]) && !reflect.DeepEqual(again, first.steps) {
			t.Fatalf("seed %d: the steps are not read back as they were written (%v)", seed, err)
		}
		w, err := replay(first.steps, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(w.history) != len(first.world.history) || w.history[len(w.history)-1].hash != first.world.history[len(w.history)-1].hash {
			t.Fatalf("seed %d is played otherwise the second time", seed)
		}
	}
}

// Scenarios of failures that were found, and that are mended.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/scenarios/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			steps, err := parseSteps(string(text))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := replay(steps, nil); err != nil {
				t.Fatal(err)
			}
		})
	}
}
