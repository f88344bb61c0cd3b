package raftfsm

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"onsale/proof/testenv"
)

const failoversInShortRun = 20

var seedFlag = flag.Uint64("seed", 0, "seed of the random tests; 0 takes one from the clock")

var failoversFlag = flag.Int("failovers", 150, "fail-overs to go through in bubbles")

// failoversPerWorld bounds a world: small histories are quick to judge.
const failoversPerWorld = 50

// TestBubble runs real raft with our logs, machine, batcher and journal in bubbles
// of their own time, under faults that a seed draws, and holds every world to P1-P9
// and L1. A run in which a class of faults did not strike is void.
func TestBubble(t *testing.T) {
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	started := time.Now()
	total := runWorlds(t, seed, testenv.Pick(*failoversFlag, failoversInShortRun))
	for range moreWorldsMax { // the rarest class strikes five times in 150 fail-overs, and never in one run of a hundred
		if t.Failed() || testing.Short() || len(missing(total)) == 0 {
			break
		}
		for what, n := range runWorlds(t, seed+uint64(total["worlds"]), failoversPerWorld) {
			total[what] += n
		}
	}
	took := time.Since(started).Seconds()
	t.Logf("%d fail-overs in %.1f s: %.1f a second; %s", total["fail-overs"], took, float64(total["fail-overs"])/took, table(total))
	if !t.Failed() && !testing.Short() { // which is too short to meet every fault
		mustHaveStruck(t, total)
	}
}

// moreWorldsMax bounds the worlds in which a class of faults is waited for that has not
// struck yet.
const moreWorldsMax = 20

// worldsAtOnce is how many bubbles run beside each other.
const worldsAtOnce = 2

// runWorlds runs worlds of growing seeds until there were enough fail-overs.
func runWorlds(t *testing.T, seed uint64, failovers int) map[string]int {
	var mu sync.Mutex
	var workers sync.WaitGroup
	total, begun := map[string]int{}, 0
	for range worldsAtOnce {
		workers.Go(func() {
			for {
				mu.Lock()
				size, own := min(failoversPerWorld, failovers-begun), seed
				begun, seed = begun+size, seed+1
				mu.Unlock()
				if size <= 0 || t.Failed() {
					return
				}
				w := runWorld(t, own, size, plant{})
				if len(w.violations) > 0 {
					w.tell(os.Stderr)
					t.Errorf("%d promises were broken; again with: go test ./raftfsm -run 'TestBubble$' -seed %d -failovers %d", len(w.violations), own, size)
				}
				mu.Lock()
				w.addTo(total)
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	return total
}

// runWorld runs one world in a bubble and judges it.
func runWorld(t *testing.T, seed uint64, failovers int, p plant) *world {
	w := newWorld(t, seed, testenv.MemoryDir(t), p)
	synctest.Test(t, func(t *testing.T) { w.live(3+2*int(seed%2), failovers) })
	w.judge()
	os.RemoveAll(w.dir)
	return w
}

// addTo adds the world's counts to others.
func (w *world) addTo(total map[string]int) {
	total["worlds"]++
	total["fail-overs"] += w.failovers
	total["requests"] += len(w.past.list)
	total["blocks compared"] += w.chain.again
	for _, counts := range []map[string]int{w.counts, w.net.struck} {
		for what, n := range counts {
			total[what] += n
		}
	}
}

func table(counts map[string]int) string {
	var rows []string
	for what, n := range counts {
		rows = append(rows, fmt.Sprintf("%s %d", what, n))
	}
	slices.Sort(rows)
	return strings.Join(rows, ", ")
}

// missing names what has not happened in a run.
func missing(total map[string]int) (never []string) {
	needed := []string{"outcome unknown", "not taken", "transferred", "joined", "promoted", "snapshot taken", "restored", "torn journal",
		"cut AppendEntries", "cut AppendEntries answer", "cut RequestPreVote", "lost AppendEntries", "delayed AppendEntries",
		"doubled AppendEntries", "doubled InstallSnapshot", "doubled RequestVote", "doubled RequestPreVote"}
	for _, f := range faults {
		needed = append(needed, f.name)
	}
	for _, what := range needed {
		if total[what] == 0 {
			never = append(never, what)
		}
	}
	return never
}

// mustHaveStruck fails a run in which too little happened: it would prove nothing.
func mustHaveStruck(t *testing.T, total map[string]int) {
	for _, what := range missing(total) {
		t.Errorf("void: no %q in %d fail-overs", what, total["fail-overs"])
	}
	if total["torn raft-log"] > 0 {
		t.Errorf("a crash tore the raft log %d times: something there was not synced", total["torn raft-log"])
	}
	if least := 20 * total["fail-overs"]; total["answered"] < least {
		t.Errorf("void: %d requests were answered, at least %d are needed", total["answered"], least)
	}
}
