package api

import (
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"onsale/api/contract"
)

// latencyBounds are the upper bounds of the latency histogram's buckets.
var latencyBounds = [...]time.Duration{
	50 * time.Microsecond, 100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond,
	time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond,
	50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2500 * time.Millisecond, 5 * time.Second,
}

// Metrics counts the requests of both listeners. Counting is one addition to a
// shard's plain counters; all the work is done when somebody collects.
//
//	onsale_http_requests_total{route,outcome}        outcome: reserved, sold_out, overloaded, …
//	onsale_http_refused_total{status}                429, 503 and 504, over all routes
//	onsale_http_request_duration_seconds{route}      first byte read to answer made
//	onsale_shed_total{kind}                          reads refused because buys go first
//	onsale_answered_at_door_total                    buys of closed sales that no leader was asked about
//	onsale_throttled_total{policy}                   429 by user or by address
//	onsale_limited_keys{policy}, onsale_limited_keys_evicted_total{policy}
//	onsale_streams_open, …                           see streamDescriptions
//	onsale_connections_open, …                       see doorDescriptions
//	onsale_token_keys, onsale_token_keys_stale       of the file of a provider's keys
//	onsale_token_cache_hits_total, onsale_token_cache_misses_total, onsale_tokens_refused_total
//
// Alert when onsale_http_refused_total{status="503"} grows while the node leads,
// or when {status="504"} grows at all: buyers do not know their outcome.
type Metrics struct {
	shards  [counterShards]metricsShard
	tokens  *Verifier
	shed    shedCounters
	limits  atomic.Pointer[limits]  // of the buyers' listener, when there is one
	streams atomic.Pointer[streams] // the same
	door    atomic.Pointer[door]    // the same
	buys    *latencies              // of buys that were decided, for reports

	requests, refused, duration *prometheus.Desc
	hits, misses, badTokens     *prometheus.Desc
	shedTotal, atDoor           *prometheus.Desc
	limit                       limitDescriptions
	stream                      streamDescriptions
	connection                  doorDescriptions
	providerKeys, staleKeys     *prometheus.Desc
}

type metricsShard struct {
	requests [routeCount][outcomeCount]atomic.Uint64
	latency  [routeCount]struct {
		buckets     [len(latencyBounds) + 1]atomic.Uint64
		nanoseconds atomic.Uint64
	}
}

// NewMetrics returns metrics that also publish what the verifier counts.
func NewMetrics(tokens *Verifier) *Metrics {
	return &Metrics{
		tokens:       tokens,
		limit:        newLimitDescriptions(),
		stream:       newStreamDescriptions(),
		connection:   newDoorDescriptions(),
		requests:     prometheus.NewDesc("onsale_http_requests_total", "Requests by route and outcome.", []string{"route", "outcome"}, nil),
		refused:      prometheus.NewDesc("onsale_http_refused_total", "Requests without a decision that may be retried, by status.", []string{"status"}, nil),
		duration:     prometheus.NewDesc("onsale_http_request_duration_seconds", "Time from a request to its answer.", []string{"route"}, nil),
		hits:         prometheus.NewDesc("onsale_token_cache_hits_total", "Tokens that were known to be valid.", nil, nil),
		misses:       prometheus.NewDesc("onsale_token_cache_misses_total", "Tokens that had to be verified.", nil, nil),
		shedTotal:    prometheus.NewDesc("onsale_shed_total", "Reads refused because buys go first. Alert when it grows for minutes.", []string{"kind"}, nil),
		atDoor:       prometheus.NewDesc("onsale_answered_at_door_total", "Buys of closed sales that no leader was asked about.", nil, nil),
		providerKeys: prometheus.NewDesc("onsale_token_keys", "Public keys whose tokens are accepted.", nil, nil),
		staleKeys:    prometheus.NewDesc("onsale_token_keys_stale", "1 while the file of public keys does not load and older keys are in force. Alert when it is.", nil, nil),
		badTokens:    prometheus.NewDesc("onsale_tokens_refused_total", "Tokens that were not valid.", nil, nil),
		buys:         newLatencies(),
	}
}

// observe counts one request. The hint spreads callers over the shards.
func (m *Metrics) observe(hint uint64, r route, o outcome, took time.Duration) {
	shard := &m.shards[hint%counterShards]
	shard.requests[r][o].Add(1)
	bucket := 0
	for bucket < len(latencyBounds) && took > latencyBounds[bucket] {
		bucket++
	}
	shard.latency[r].buckets[bucket].Add(1)
	shard.latency[r].nanoseconds.Add(uint64(max(took, 0)))
}

// Describe is for the registry.
func (m *Metrics) Describe(descriptions chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.requests, m.refused, m.duration, m.hits, m.misses, m.badTokens, m.shedTotal, m.atDoor, m.limit.throttled, m.limit.keys, m.limit.evictions, m.providerKeys, m.staleKeys} {
		descriptions <- d
	}
	for _, d := range append(m.stream.list(), m.connection.list()...) {
		descriptions <- d
	}
}

// Collect is for the registry.
func (m *Metrics) Collect(metrics chan<- prometheus.Metric) {
	refused := map[int]uint64{429: 0, 503: 0, 504: 0}
	for r := range routeCount {
		for o := range outcomeCount {
			count := m.count(r, o)
			if count == 0 {
				continue
			}
			metrics <- prometheus.MustNewConstMetric(m.requests, prometheus.CounterValue, float64(count), routeNames[r], o.String())
			if status, counts := refusedStatus(o); counts {
				refused[status] += count
			}
		}
		m.collectLatency(r, metrics)
	}
	for status, count := range refused {
		metrics <- prometheus.MustNewConstMetric(m.refused, prometheus.CounterValue, float64(count), strconv.Itoa(status))
	}
	for kind := range shedKinds {
		metrics <- prometheus.MustNewConstMetric(m.shedTotal, prometheus.CounterValue, float64(m.shed.shed[kind].Load()), shedNames[kind])
	}
	metrics <- prometheus.MustNewConstMetric(m.atDoor, prometheus.CounterValue, float64(m.shed.atDoor.Load()))
	m.limit.collect(m.limits.Load(), metrics)
	m.stream.collect(m.streams.Load(), metrics)
	m.connection.collect(m.door.Load(), metrics)
	m.collectKeys(metrics)
	metrics <- prometheus.MustNewConstMetric(m.hits, prometheus.CounterValue, float64(m.tokens.hits.sum()))
	metrics <- prometheus.MustNewConstMetric(m.misses, prometheus.CounterValue, float64(m.tokens.misses.Load()))
	metrics <- prometheus.MustNewConstMetric(m.badTokens, prometheus.CounterValue, float64(m.tokens.refusals.Load()))
}

func (m *Metrics) collectKeys(metrics chan<- prometheus.Metric) {
	stale := 0.0
	if m.tokens.stale.Load() {
		stale = 1
	}
	metrics <- prometheus.MustNewConstMetric(m.providerKeys, prometheus.GaugeValue, float64(m.tokens.providerKeys()))
	metrics <- prometheus.MustNewConstMetric(m.staleKeys, prometheus.GaugeValue, stale)
}

func refusedStatus(o outcome) (status int, counts bool) {
	kind, problem := o.kind()
	if !problem {
		return 0, false
	}
	status = kind.Entry().Status
	return status, kind == contract.Throttled || status == 503 || status == 504
}

func (m *Metrics) count(r route, o outcome) uint64 {
	total := uint64(0)
	for i := range m.shards {
		total += m.shards[i].requests[r][o].Load()
	}
	return total
}

func (m *Metrics) collectLatency(r route, metrics chan<- prometheus.Metric) {
	cumulative, nanoseconds := uint64(0), uint64(0)
	buckets := make(map[float64]uint64, len(latencyBounds))
	for bucket := range len(latencyBounds) + 1 {
		for i := range m.shards {
			cumulative += m.shards[i].latency[r].buckets[bucket].Load()
		}
		if bucket < len(latencyBounds) {
			buckets[latencyBounds[bucket].Seconds()] = cumulative
		}
	}
	if cumulative == 0 {
		return
	}
	for i := range m.shards {
		nanoseconds += m.shards[i].latency[r].nanoseconds.Load()
	}
	metrics <- prometheus.MustNewConstHistogram(m.duration, cumulative, float64(nanoseconds)/1e9, buckets, routeNames[r])
}
