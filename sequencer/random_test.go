package sequencer_test

import (
	"flag"
	"testing"
	"time"

	"onsale/proof/testenv"
	"onsale/sequencer"
	"onsale/sequencer/scenario"
)

var (
	firstSeed   = flag.Uint64("seed", 1, "the first seed of the random tests")
	seedCount   = flag.Uint64("seeds", seedsByDefault, "how many seeds the random tests play")
	perSeed     = flag.Int("commands", 4000, "how many commands the random tests play with each seed")
	shrinkLimit = flag.Duration("shrink", 20*time.Second, "how long a failure is made smaller")
)

// seedsInShortRun are just enough to ask that everything was met.
const seedsInShortRun = 25

// batchesOf returns the random batches of a seed.
func batchesOf(seed uint64, commands int) ([]sequencer.Batch, *generator) {
	g := newGenerator(seed)
	var batches []sequencer.Batch
	for commands > 0 {
		n := g.between(0, 12)
		if g.oneIn(25) {
			n = g.between(60, 200) // more than State looks ahead
		}
		n = min(commands, n)
		b := g.batch(n)
		g.learn(&b)
		batches = append(batches, b)
		commands -= max(n, 1)
	}
	if seed%4 == 0 {
		batches = append(batches, g.insisting()...)
	}
	return batches, g
}

// playAll plays batches from nothing. It returns the first failure, and how many
// batches it took.
func playAll(batches []sequencer.Batch, every int, seen *coverage) (int, error) {
	t := newTrial(every, seen)
	for i := range batches {
		if err := t.play(&batches[i]); err != nil {
			return i + 1, err
		}
	}
	return len(batches), nil
}

// Random batches are decided alike by State and by the naive model, whatever is
// encoded, decoded, snapshot and restored on the way.
func TestRandom(t *testing.T) {
	var seen coverage
	seeds := testenv.Pick(*seedCount, min(*seedCount, seedsInShortRun))
	for seed := *firstSeed; seed < *firstSeed+seeds; seed++ {
		batches, g := batchesOf(seed, *perSeed)
		every := 10 + int(seed*7%150)
		if failed, err := playAll(batches, every, &seen); err != nil {
			reportFailure(t, seed, batches[:failed], every, g, err)
		}
	}
	t.Logf("seeds %d to %d, %d commands each; refusals by code %v; events by kind %v", *firstSeed, *firstSeed+seeds-1, *perSeed, seen.codes, seen.events)
	if seeds**firstSeed == 0 || uint64(*perSeed)*seeds < 100_000 {
		return // too few to ask that everything was met
	}
	for _, name := range seen.missing() {
		t.Errorf("the random batches never met %s: they test less than they say", name)
	}
}

// missing names what a run should have met and has not.
func (c *coverage) missing() (names []string) {
	for code := range c.codes {
		// The sale limit needs 65,535 sales: it has a test of its own.
		if c.codes[code] == 0 && sequencer.Code(code) != sequencer.CodeSaleLimit {
			names = append(names, "code "+sequencer.Code(code).String())
		}
	}
	for kind := sequencer.EventExpired; kind <= sequencer.EventCancelled; kind++ {
		if c.events[kind] == 0 {
			names = append(names, "event "+kind.String())
		}
	}
	for kind := range c.kinds {
		if c.kinds[kind] == 0 {
			names = append(names, "command "+sequencer.Kind(kind).String())
		}
	}
	for state := range c.states {
		if c.states[state] == 0 {
			names = append(names, "state "+sequencer.OrderState(state).String())
		}
	}
	if c.replayed == 0 {
		names = append(names, "a replayed decision")
	}
	return names
}

// reportFailure prints the seed, and a scenario that fails in the same way and
// is as short as it could be made.
func reportFailure(t *testing.T, seed uint64, batches []sequencer.Batch, every int, g *generator, err error) {
	t.Helper()
	if _, err := playAll(batches, 1, new(coverage)); err != nil {
		every = 1
	}
	batches = scenario.Shrink(batches, time.Now().Add(*shrinkLimit), func(b []sequencer.Batch) bool {
		_, err := playAll(b, every, new(coverage))
		return err != nil
	})
	_, smaller := playAll(batches, every, new(coverage))
	t.Fatalf("seed %d fails (again with -run %s -seed %d -seeds 1 -commands %d):\n%v\n\nmade smaller, a scenario:\n\n%s\nwhich gives:\n%v",
		seed, t.Name(), seed, *perSeed, err, scenario.Of(batches, g.keys), smaller)
}

// A scenario that is printed for a failure is read back as the same commands.
func TestScenarioOfRandomIsReadBack(t *testing.T) {
	batches, g := batchesOf(*firstSeed, 2000)
	p := newStatePlayer()
	for i := range batches {
		for _, c := range batches[i].Commands {
			l, err := parseLine(scenario.CommandLine(&c, g.keys))
			if err != nil {
				t.Fatal(err)
			}
			again, err := builder{p.saleNamed}.command(l)
			want := sequencer.AppendCommand(nil, &c)
			if err != nil || string(sequencer.AppendCommand(nil, &again)) != string(want) {
				t.Fatalf("%s is read as %+v (%v), it was %+v", scenario.CommandLine(&c, g.keys), again, err, c)
			}
		}
	}
}
