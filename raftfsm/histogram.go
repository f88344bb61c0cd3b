package raftfsm

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// sizeHistogram counts sizes by powers of two: bucket i holds sizes of i bits,
// 2^(i-1) to 2^i - 1; bucket 0 holds zero. Adding one never waits.
type sizeHistogram struct {
	buckets [18]atomic.Uint64
	sum     atomic.Uint64
}

func (h *sizeHistogram) observe(size int) {
	h.buckets[min(bits.Len(uint(size)), len(h.buckets)-1)].Add(1)
	h.sum.Add(uint64(size))
}

// timeHistogram counts durations by powers of two of 32 microseconds.
type timeHistogram struct {
	buckets [20]atomic.Uint64
	sum     atomic.Uint64
}

const timeHistogramUnit = 32 * time.Microsecond

func (h *timeHistogram) observe(d time.Duration) {
	h.buckets[min(bits.Len64(uint64(d/timeHistogramUnit)), len(h.buckets)-1)].Add(1)
	h.sum.Add(uint64(d))
}

// cumulate turns buckets into Prometheus' cumulative form: how many were at most
// each upper bound.
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
