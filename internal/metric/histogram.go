package metric

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// Sizes counts sizes by powers of two: bucket i holds sizes of i bits, 2^(i-1) to
// 2^i - 1; bucket 0 holds zero, the last one everything from 4 Mi on. Observing
// never waits; the zero value is ready.
type Sizes struct {
	buckets [24]atomic.Uint64
	sum     atomic.Uint64
}

// Observe counts one size.
func (h *Sizes) Observe(size int) {
	h.buckets[min(bits.Len(uint(max(size, 0))), len(h.buckets)-1)].Add(1)
	h.sum.Add(uint64(max(size, 0)))
}

func (h *Sizes) read() (count uint64, sum float64, cumulative map[float64]uint64) {
	count, cumulative = cumulate(h.buckets[:], func(i int) float64 { return float64(uint64(1)<<i) - 1 })
	return count, float64(h.sum.Load()), cumulative
}

// timesUnit is the upper bound of the first bucket of Times.
const timesUnit = 8 * time.Microsecond

// Times counts durations by powers of two of 8 microseconds, up to 17 s and beyond.
// Observing never waits; the zero value is ready.
type Times struct {
	buckets [23]atomic.Uint64
	sum     atomic.Uint64 // nanoseconds
}

// Observe counts one duration.
func (h *Times) Observe(d time.Duration) {
	d = max(d, 0)
	h.buckets[min(bits.Len64(uint64(d/timesUnit)), len(h.buckets)-1)].Add(1)
	h.sum.Add(uint64(d))
}

func (h *Times) read() (count uint64, sum float64, cumulative map[float64]uint64) {
	count, cumulative = cumulate(h.buckets[:], func(i int) float64 { return (timesUnit << i).Seconds() })
	return count, time.Duration(h.sum.Load()).Seconds(), cumulative
}

// cumulate turns buckets into Prometheus' cumulative form: how many were at most
// each upper bound. The last bucket has none.
func cumulate(buckets []atomic.Uint64, upper func(i int) float64) (count uint64, cumulative map[float64]uint64) {
	cumulative = make(map[float64]uint64, len(buckets))
	for i := range buckets {
		count += buckets[i].Load()
		if i < len(buckets)-1 {
			cumulative[upper(i)] = count
		}
	}
	return count, cumulative
}
