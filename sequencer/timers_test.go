package sequencer

import (
	"math/rand/v2"
	"slices"
	"testing"

	"onsale/proof/testenv"
)

// The queue and the heap together are one sorted list.
func TestTimersAgainstSortedList(t *testing.T) {
	for seed := range testenv.Pick[uint64](200, 20) {
		random := rand.New(rand.NewPCG(seed, 't'))
		var h timers
		var list []timer
		due, order := int64(0), uint32(0)
		for range 5000 {
			switch k := random.IntN(10); {
			case k < 5: // new holds, mostly at the end; many at one time
				due += int64(random.IntN(2)) * random.Int64N(50)
				list = append(list, timer{due, order})
				h.push(timer{due, order})
				order++
			case k == 5: // an older order, or a shorter hold
				one := timer{due - random.Int64N(100), uint32(random.IntN(int(order) + 1))}
				list = append(list, one)
				h.push(one)
			default:
				if h.empty() != (len(list) == 0) {
					t.Fatalf("seed %d: empty is %t with %d timers", seed, h.empty(), len(list))
				}
				if len(list) == 0 {
					continue
				}
				slices.SortFunc(list, func(a, b timer) int {
					if a.before(b) {
						return -1
					}
					return 1
				})
				if first, popped := h.first(), h.pop(); first != list[0] || popped != list[0] {
					t.Fatalf("seed %d: first %v, popped %v, want %v", seed, first, popped, list[0])
				}
				list = list[1:]
			}
		}
	}
}

// A queue that is never empty gives back what it has left behind.
func TestTimersQueueIsBounded(t *testing.T) {
	var h timers
	for i := range uint32(10 * pageLength) {
		h.push(timer{int64(2 * i), i})
		if i > 10 {
			h.pop()
		}
	}
	kept := 0
	for _, page := range h.runs.pages {
		if page != nil {
			kept++
		}
	}
	if kept != 1 || h.heap.length != 0 {
		t.Fatalf("%d pages and %d in the heap for 11 timers", kept, h.heap.length)
	}
}
