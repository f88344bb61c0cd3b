package report

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"onsale/api/contract"
)

// The busiest seconds are those that counting every second finds, before the opening and an hour
// later too.
func TestBusySeconds(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var b busy
	counts := map[int64]uint64{}
	total := uint64(0)
	for at := int64(-40); at < 4000; at += int64(random.IntN(9)) / 4 { // several batches a second, and seconds without
		more := uint64(random.IntN(50))
		total += more
		counts[at] += more
		b.mark(at, total)
	}
	var want []contract.BusySecond
	for at, n := range counts {
		if n > 0 {
			want = append(want, contract.BusySecond{From: at, Requests: n})
		}
	}
	slices.SortFunc(want, func(a, b contract.BusySecond) int {
		return cmp.Or(cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.From, b.From))
	})
	if got := b.seconds(); !slices.Equal(got, want[:BusySecondsMax]) {
		t.Errorf("%v, want %v", got, want[:BusySecondsMax])
	}
	var none busy
	if none.mark(3, 0); len(none.seconds()) != 0 {
		t.Error("a second without requests is busy")
	}
}
