package raftfsm

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// collector publishes a node's plain counters when they are asked for, so that
// nothing of Prometheus runs where decisions are made.
type collector struct {
	node    *Node
	metrics []metric
}

// metric is one number that is read when it is published.
type metric struct {
	description *prometheus.Desc
	kind        prometheus.ValueType
	read        func() float64
}

var (
	batchSizeDesc  = prometheus.NewDesc("onsale_batch_requests", "Requests in each applied batch. Alert when the median stays at the bound: the leader is saturated.", nil, nil)
	commitTimeDesc = prometheus.NewDesc("onsale_commit_seconds", "From proposing a batch to its decision, on the leader. Alert when p99 is over 0.25.", nil, nil)
)

// Collector returns the node's metrics for a Prometheus registry.
func (n *Node) Collector() prometheus.Collector {
	c := &collector{node: n}
	c.inbox()
	c.logs()
	c.applied()
	c.office()
	return c
}

func (c *collector) gauge(name, help string, read func() float64) {
	c.metrics = append(c.metrics, metric{prometheus.NewDesc(name, help, nil, nil), prometheus.GaugeValue, read})
}

func (c *collector) counter(name, help string, read func() float64) {
	c.metrics = append(c.metrics, metric{prometheus.NewDesc(name, help, nil, nil), prometheus.CounterValue, read})
}

func (c *collector) inbox() {
	in, b := c.node.inbox, &c.node.batcher.counters
	c.gauge("onsale_inbox_requests", "Requests that wait for their place in the order. Alert when over half of the bound.", func() float64 { r, _ := in.Load(); return float64(r) })
	c.gauge("onsale_inbox_requests_max", "Bound of onsale_inbox_requests; beyond it requests are answered overloaded.", func() float64 { return float64(c.node.config.InboxRequestsMax) })
	c.gauge("onsale_inbox_bytes", "Bytes of the requests that wait.", func() float64 { _, b := in.Load(); return float64(b) })
	c.gauge("onsale_inbox_bytes_max", "Bound of onsale_inbox_bytes.", func() float64 { return float64(c.node.config.InboxBytesMax) })
	c.counter("onsale_inbox_overloaded_total", "Requests refused because the inbox was full. Alert when it grows.", func() float64 { return float64(in.Overloaded()) })
	c.gauge("onsale_batches_in_flight", "Batches that are proposed and not yet decided.", func() float64 { return float64(len(c.node.batcher.inFlight)) })
	c.gauge("onsale_batches_in_flight_max", "Bound of onsale_batches_in_flight.", func() float64 { return float64(cap(c.node.batcher.inFlight)) })
	c.counter("onsale_proposals_total", "Batches handed to raft.", func() float64 { return float64(b.proposals.Load()) })
	c.counter("onsale_ticks_total", "Empty batches proposed because something was due.", func() float64 { return float64(b.ticks.Load()) })
	c.counter("onsale_requests_refused_total", "Requests that raft did not take because leadership was lost.", func() float64 { return float64(b.refused.Load()) })
	c.counter("onsale_requests_unknown_total", "Requests whose outcome this node cannot tell. Alert when it grows.", func() float64 { return float64(b.unknown.Load()) })
}

func (c *collector) logs() {
	log, journal := c.node.logs.log, c.node.journal
	seconds := func(d time.Duration) float64 { return d.Seconds() }
	c.counter("onsale_log_syncs_total", "Fsyncs of the raft log.", func() float64 { return float64(log.Stats().Syncs) })
	c.counter("onsale_log_sync_seconds_total", "Time spent writing and syncing the raft log. Alert when one sync takes over 0.1 s on average.", func() float64 { return seconds(log.Stats().SyncTotal) })
	c.gauge("onsale_log_sync_last_seconds", "Time of the newest write and sync of the raft log.", func() float64 { return seconds(log.Stats().SyncLast) })
	c.counter("onsale_log_written_bytes_total", "Bytes written to the raft log.", func() float64 { return float64(log.Stats().Bytes) })
	c.counter("onsale_log_entries_total", "Entries written to the raft log.", func() float64 { return float64(log.Stats().Records) })
	c.gauge("onsale_log_segments", "Segment files of the raft log. Alert when it only grows: snapshots fail.", func() float64 { return float64(log.Stats().Segments) })
	c.counter("onsale_journal_written_bytes_total", "Bytes written to the journal.", func() float64 { return float64(journal.Stats().Bytes) })
	c.gauge("onsale_journal_height", "Blocks in the journal's chain.", func() float64 { return float64(journal.Position().Height) })
}

func (c *collector) applied() {
	m := &c.node.machine.counters
	c.counter("onsale_decisions_total", "Commands decided on this replica.", func() float64 { return float64(m.requests.Load()) })
	c.counter("onsale_events_total", "Expiries, promotions and other events beside commands.", func() float64 { return float64(m.events.Load()) })
	c.counter("onsale_apply_seconds_total", "Time spent deciding.", func() float64 { return time.Duration(m.applyNanoseconds.Load()).Seconds() })
	c.counter("onsale_journal_seconds_total", "Time spent hashing and writing the journal.", func() float64 { return time.Duration(m.journalNanoseconds.Load()).Seconds() })
	c.gauge("onsale_applied_seq", "Seq of the last decision applied here.", func() float64 { return float64(c.node.AppliedSeq()) })
}

func (c *collector) office() {
	n := c.node
	c.gauge("onsale_leader", "1 while this node leads. Alert when no node, or more than one, says 1 for 5 s.", func() float64 {
		if n.Leads() {
			return 1
		}
		return 0
	})
	c.gauge("onsale_raft_term", "Raft term. Alert when it grows without an operator's doing.", func() float64 { return float64(n.raft.CurrentTerm()) })
	c.gauge("onsale_raft_commit_index", "Raft commit index.", func() float64 { return float64(n.raft.CommitIndex()) })
	c.gauge("onsale_raft_applied_index", "Raft index applied here. Alert when it stays behind the commit index.", func() float64 { return float64(n.raft.AppliedIndex()) })
	c.counter("onsale_elections_won_total", "How often this node took office.", func() float64 { return float64(n.counters.elections.Load()) })
	c.counter("onsale_clock_alarms_total", "How often the wall clock left the log's time by over a second. Alert when it grows.", func() float64 { return float64(n.counters.clockAlarms.Load()) })
	c.counter("onsale_snapshots_total", "Snapshots taken because of the log's size or on request.", func() float64 { return float64(n.counters.snapshots.Load()) })
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(to chan<- *prometheus.Desc) {
	for _, m := range c.metrics {
		to <- m.description
	}
	to <- batchSizeDesc
	to <- commitTimeDesc
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(to chan<- prometheus.Metric) {
	for _, m := range c.metrics {
		to <- prometheus.MustNewConstMetric(m.description, m.kind, m.read())
	}
	sizes := &c.node.machine.counters.batchSizes
	count, buckets := cumulate(sizes.buckets[:], func(i int) float64 { return float64(uint64(1)<<i) - 1 })
	to <- prometheus.MustNewConstHistogram(batchSizeDesc, count, float64(sizes.sum.Load()), buckets)
	times := &c.node.batcher.counters.commitTimes
	count, buckets = cumulate(times.buckets[:], func(i int) float64 { return (timeHistogramUnit << i).Seconds() })
	to <- prometheus.MustNewConstHistogram(commitTimeDesc, count, time.Duration(times.sum.Load()).Seconds(), buckets)
}
