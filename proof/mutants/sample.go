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

// trial is how a mutant is tried, and who is told what became of it.
type trial struct {
	workers int // how many are tried at a time
	try     func(*mutation) (verdict, error)
	tell    func(*mutation, verdict) // called by one goroutine at a time
}

// measure tries mutations in their order until as many as are wanted were tested.
func (s *score) measure(all []mutation, wanted int, t trial) error {
	// Those that do not compile are replaced in rounds, so that the sample does not
	// depend on which worker is faster.
	for next := 0; next < len(all) && s.tried() < wanted; {
		round := all[next:min(next+wanted-s.tried(), len(all))]
		next += len(round)
		if err := s.round(round, t); err != nil {
			return err
		}
	}
	return nil
}

func (s *score) round(round []mutation, t trial) error {
	var (
		group   sync.WaitGroup
		mu      sync.Mutex
		failure error
		places  = make(chan *mutation)
	)
	for range t.workers {
		group.Go(func() {
			for m := range places {
				result, err := t.try(m)
				mu.Lock()
				if err != nil {
					failure = err
				} else {
					s.counts[result]++
					t.tell(m, result)
				}
				mu.Unlock()
			}
		})
	}
	for i := range round {
		places <- &round[i]
	}
	close(places)
	group.Wait()
	return failure
}
