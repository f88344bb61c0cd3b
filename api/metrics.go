package api

import (
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"onsale/api/auth"
	"onsale/api/conn"
	"onsale/api/contract"
	"onsale/api/stream"
	"onsale/internal/metric"
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
type Metrics struct {
	shards  [metric.Stripes]metricsShard
	shed    shedCounters
	public  atomic.Pointer[Public]  // the buyers' listener, once there is one
	private atomic.Pointer[Private] // the same
	buys    *saleLatencies          // of buys that were decided, for reports

	requests, refused, duration *prometheus.Desc
	others                      metric.Set
}

type metricsShard struct {
	requests [routeCount][outcomeCount]atomic.Uint64
	latency  [routeCount]struct {
		buckets     [len(latencyBounds) + 1]atomic.Uint64
		nanoseconds atomic.Uint64
	}
}

// NewMetrics returns metrics that also publish what the verifier counts.
func NewMetrics(tokens *auth.Verifier) *Metrics {
	m := &Metrics{
		requests: prometheus.NewDesc("onsale_http_requests_total", "Requests by route and outcome.", []string{"route", "outcome"}, nil),
		refused:  prometheus.NewDesc("onsale_http_refused_total", "Requests without a decision that may be retried, by status.", []string{"status"}, nil),
		duration: prometheus.NewDesc("onsale_http_request_duration_seconds", "Time from a request to its answer.", []string{"route"}, nil),
		buys:     newSaleLatencies(),
	}
	m.partMetrics()
	m.loadMetrics()
	m.limitMetrics()
	tokens.AddMetrics(&m.others)
	m.acceptMetrics()
	return m
}

// observe counts one request. The hint spreads callers over the shards.
func (m *Metrics) observe(hint uint64, r route, o outcome, took time.Duration) {
	shard := &m.shards[hint%metric.Stripes]
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
	for _, d := range []*prometheus.Desc{m.requests, m.refused, m.duration} {
		descriptions <- d
	}
	m.others.Describe(descriptions)
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
	m.others.Collect(metrics)
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

// ofPublic returns what reads a number of the buyers' listener; nothing is shown
// before there is one.
func (m *Metrics) ofPublic(read func(p *Public, show metric.Show)) func(metric.Show) {
	return func(show metric.Show) {
		if p := m.public.Load(); p != nil {
			read(p, show)
		}
	}
}

// partMetrics are those that the listeners' parts count.
func (m *Metrics) partMetrics() {
	s := &m.others
	conn.AddMetrics(s, func() *conn.Table {
		if p := m.public.Load(); p != nil {
			return p.conns
		}
		return nil
	})
	stream.AddMetrics(s, func() (*stream.Hub, *stream.Polls) {
		if p := m.public.Load(); p != nil {
			return p.streams, p.polls
		}
		return nil, nil
	})
	stream.AddSellerMetrics(s, func() *stream.Sellers {
		if p := m.private.Load(); p != nil {
			return p.streams
		}
		return nil
	})
}

// loadMetrics are of what is shed, and of reads that wait.
func (m *Metrics) loadMetrics() {
	s := &m.others
	s.Counters("onsale_shed_total", "Reads refused because buys go first.", []string{"kind"}, func(show metric.Show) {
		for kind := range shedKinds {
			show(float64(m.shed.shed[kind].Load()), shedNames[kind])
		}
	})
	s.Counter("onsale_answered_at_door_total", "Buys of closed sales that no leader was asked about.", m.shed.atDoor.Load)
	s.Counters("onsale_valve_refused_total", "Buys kept back by a sale's buys_per_second.", nil, m.ofPublic(func(p *Public, show metric.Show) {
		show(float64(p.valves.refused.Load()))
	}))
	s.Gauges("onsale_reads_waiting", "Reads that wait for the replica or the leader.", nil, m.ofPublic(func(p *Public, show metric.Show) {
		show(float64(len(p.waiters)))
	}))
	s.Gauges("onsale_reads_waiting_max", "Bound of onsale_reads_waiting.", nil, m.ofPublic(func(p *Public, show metric.Show) {
		show(float64(cap(p.waiters)))
	}))
	s.Counters("onsale_reads_waiting_refused_total", "Reads told to come back because of that bound.", nil, m.ofPublic(func(p *Public, show metric.Show) {
		show(float64(p.waitersRefused.Load()))
	}))
}
