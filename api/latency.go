package api

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"onsale/api/contract"
	"onsale/internal/metric"
)

// What the latencies of buys are counted in, and how exactly.
const (
	latencyMicrosecondsMax = 10 * 60 * 1_000_000 // longer ones count as this long
	latencyDigits          = 2
)

// latencies are how long buys took. Recording takes a lock that mostly one core
// uses, and allocates nothing: what is merged is merged when a report is made.
type latencies struct {
	shards [metric.Stripes]struct {
		mu        sync.Mutex
		histogram *hdrhistogram.Histogram // of microseconds
		_         [48]byte                // a cache line each
	}
}

func newLatencies() *latencies {
	l := new(latencies)
	for i := range l.shards {
		l.shards[i].histogram = hdrhistogram.New(1, latencyMicrosecondsMax, latencyDigits)
	}
	return l
}

// observe counts one buy. The hint spreads callers over the shards.
func (l *latencies) observe(hint uint64, took time.Duration) {
	shard := &l.shards[hint%metric.Stripes]
	shard.mu.Lock()
	_ = shard.histogram.RecordValue(min(max(took.Microseconds(), 1), latencyMicrosecondsMax)) // within its bounds
	shard.mu.Unlock()
}

// report returns what was counted since the start; nil when there was no buy.
func (l *latencies) report() *contract.ReportLatency {
	all := hdrhistogram.New(1, latencyMicrosecondsMax, latencyDigits)
	for i := range l.shards {
		shard := &l.shards[i]
		shard.mu.Lock()
		all.Merge(shard.histogram)
		shard.mu.Unlock()
	}
	if all.TotalCount() == 0 {
		return nil
	}
	at := func(percentile float64) float64 { return milliseconds(all.ValueAtPercentile(percentile)) }
	return &contract.ReportLatency{
		Buys: uint64(all.TotalCount()), P50: at(50), P90: at(90), P99: at(99), P999: at(99.9), Max: milliseconds(all.Max()),
		Buckets: latencyBuckets(all),
	}
}

func milliseconds(microseconds int64) float64 { return float64(microseconds) / 1000 }

// latencyBuckets counts the buys between the bounds that the metrics have too,
// from the first to the last that has any.
func latencyBuckets(all *hdrhistogram.Histogram) []contract.LatencyBucket {
	var buckets []contract.LatencyBucket
	for _, bound := range latencyBounds {
		buckets = append(buckets, contract.LatencyBucket{UpTo: milliseconds(bound.Microseconds())})
	}
	buckets = append(buckets, contract.LatencyBucket{UpTo: milliseconds(all.Max())})
	at, first, last := 0, len(buckets), 0
	for _, bar := range all.Distribution() {
		if bar.Count == 0 {
			continue
		}
		for at < len(latencyBounds) && milliseconds(bar.From) > buckets[at].UpTo {
			at++
		}
		buckets[at].Buys += uint64(bar.Count)
		first, last = min(first, at), at
	}
	return buckets[first : last+1]
}
