package main

import (
	"hash/fnv"
	"math/rand/v2"
	"sync"
)

// score is what became of a package's mutants.
type score struct {
	target *target
	all    int // mutations of the package
	known  int // of them in the list of equivalents
	counts [verdicts]int
}

// tried is how many mutants were compiled and tested.
func (s *score) tried() int { return s.counts[killed] + s.counts[timedOut] + s.counts[survived] }

// percent is the score: how many of the tried mutants were found.
func (s *score) percent() float64 {
	return 100 * float64(s.counts[killed]+s.counts[timedOut]) / float64(max(s.tried(), 1))
}

// shuffle brings mutations into the order of a seed, which is another one for each
// package.
func shuffle(all []mutation, seed uint64, dir string) {
	name := fnv.New64a()
	name.Write([]byte(dir))
	random := rand.New(rand.NewPCG(seed, name.Sum64()))
	random.Shuffle(len(all), func(i, k int) { all[i], all[k] = all[k], all[i] })
}

// trial is how mutants are tried, and who is told what became of each.
type trial struct {
	workers int // how many are tried at a time
	// prepare builds the mutants of a round, and says which of them compile.
	prepare func(round []*mutation) (compiled func(*mutation) bool, err error)
	// try tries a mutant, by the fast tests or by the others.
	try  func(m *mutation, fast bool) (verdict, error)
	tell func(*mutation, verdict) // called by one goroutine at a time
}

// sparesFactor is how many mutants of a round come on one that takes the place of one that does not compile.
const sparesFactor = 4

// measure tries mutations in their order until as many as are wanted were tested.
func (s *score) measure(all []*mutation, wanted int, t trial) error {
	for len(all) > 0 && s.tried() < wanted {
		missing := wanted - s.tried()
		round := all[:min(missing+missing/sparesFactor+1, len(all))]
		compiled, err := t.prepare(round)
		if err != nil {
			return err
		}
		// Which are tried follows from the order, and not from which worker is faster.
		var chosen []*mutation
		for _, m := range round {
			if all = all[1:]; compiled(m) {
				chosen = append(chosen, m)
			} else {
				s.counts[notCompiled]++
				t.tell(m, notCompiled)
			}
			if len(chosen) == missing {
				break
			}
		}
		left, err := s.round(chosen, t, true)
		if err == nil {
			_, err = s.round(left, t, false)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// round tries mutants, and returns those that survived what is fast.
func (s *score) round(round []*mutation, t trial, fast bool) (left []*mutation, failure error) {
	var (
		group  sync.WaitGroup
		mu     sync.Mutex
		places = make(chan *mutation)
	)
	for range t.workers {
		group.Go(func() {
			for m := range places {
				result, err := t.try(m, fast)
				mu.Lock()
				switch {
				case err != nil:
					failure = err
				case fast && result == survived:
					left = append(left, m)
				default:
					s.counts[result]++
					t.tell(m, result)
				}
				mu.Unlock()
			}
		})
	}
	for _, m := range round {
		places <- m
	}
	close(places)
	group.Wait()
	return left, failure
}
