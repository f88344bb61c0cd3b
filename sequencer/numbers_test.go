package sequencer

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// A set of numbers is what a map of them is, and is read in order from anywhere on.
func TestNumbers(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 0))
		var set numbers
		in := map[uint32]bool{}
		most := []uint32{3, 64, 130, 4096, 4097, 300_000}[seed%6]
		for range 400 {
			number, add := random.Uint32N(most+1), random.IntN(3) > 0
			set.set(number, add)
			if delete(in, number); add {
				in[number] = true
			}
			if set.has(number) != add || set.length != len(in) {
				t.Fatalf("seed %d: %d is in: %t, of %d; want %t, of %d", seed, number, set.has(number), set.length, add, len(in))
			}
		}
		for range 50 {
			from := random.Uint32N(most + 200)
			var want, got []uint32
			for number := range in {
				if number >= from {
					want = append(want, number)
				}
			}
			slices.Sort(want)
			for number, any := set.next(from); any; number, any = set.next(number + 1) {
				got = append(got, number)
			}
			if !slices.Equal(got, want) {
				t.Fatalf("seed %d: from %d on it has %v, want %v", seed, from, got, want)
			}
		}
	}
}
