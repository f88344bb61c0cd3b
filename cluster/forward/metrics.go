package forward

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"onsale/internal/metric"
)

// Collector publishes what a node's own door and the server for other doors count.
func (r *Replica) Collector(server *Server) prometheus.Collector {
	s := new(metric.Set)
	r.client.metrics(s)
	server.metrics(s)
	watchers(s, r.hub)
	return s
}

// Collector publishes what a front-end's way to a cluster counts.
func (r *Remote) Collector() prometheus.Collector {
	s := new(metric.Set)
	r.client.metrics(s)
	watchers(s, r.hub)
	s.Gauge("onsale_mirror_age_seconds", "For how long no node has told how the sales stand, an hour at most.", func() float64 { return min(r.Age(), time.Hour).Seconds() })
	s.Gauge("onsale_leader_age_seconds", "For how long the leader has not answered, an hour at most.", func() float64 { return min(r.LeaderAge(), time.Hour).Seconds() })
	s.Gauge("onsale_mirror_applied_seq", "Seq of the last decision that the views of sales show.", func() float64 { return float64(r.AppliedSeq()) })
	return s
}

func watchers(s *metric.Set, hub *Hub) {
	s.Gauge("onsale_order_watchers", "Streams and long polls that wait for an order of this cluster.", func() float64 { return float64(hub.Count()) })
}

func (c *Client) metrics(s *metric.Set) {
	n := &c.counters
	s.Gauge("onsale_forward_open", "1 while requests are taken for the leader, 0 from the first one that reached none until one is found.", func() float64 { return metric.Bool(c.inbox.Closed() == nil) })
	s.Gauge("onsale_forward_waiting", "Requests that wait for the next batch to the leader.", func() float64 { return float64(c.Waiting()) })
	s.Gauge("onsale_forward_waiting_max", "Bound of onsale_forward_waiting; beyond it requests are answered overloaded.", func() float64 { return float64(c.config.QueueRequestsMax) })
	s.Gauge("onsale_forward_waiting_bytes", "Their bytes.", func() float64 { _, bytes := c.inbox.Load(); return float64(bytes) })
	s.Gauge("onsale_forward_waiting_bytes_max", "Bound of onsale_forward_waiting_bytes.", func() float64 { return float64(c.config.QueueBytesMax) })
	s.Counter("onsale_forward_overloaded_total", "Requests refused because the queue to the leader was full.", c.Overloaded)
	s.Times("onsale_forward_wait_seconds", "How long the first request of each batch waited for the batch before.", &n.Waits)
	s.Sizes("onsale_forward_batch_requests", "Requests in each batch to the leader.", &n.BatchSizes)
	s.Gauge("onsale_forward_batch_requests_max", "Bound of a batch's requests.", func() float64 { return float64(c.config.BatchRequestsMax) })
	s.Times("onsale_forward_round_trip_seconds", "From sending a batch to its decisions.", &n.RoundTrips)
	s.Counter("onsale_forward_batches_total", "Batches that the leader decided.", n.Batches.Load)
	s.Counter("onsale_forward_requests_total", "Requests in them.", n.Requests.Load)
	s.Counter("onsale_forward_repeated_total", "Batches that were sent again under their number, because the answer was lost.", n.Repeated.Load)
	s.Counter("onsale_forward_no_leader_total", "Requests answered no-leader.", func() uint64 { return n.NoLeader.Load() + c.inbox.Refused() })
	s.Counter("onsale_forward_storage_low_total", "Buys answered storage-low by the leader.", n.StorageLow.Load)
	s.Counter("onsale_forward_outcome_unknown_total", "Requests answered outcome-unknown.", n.Unknown.Load)
	s.Counter("onsale_forward_sessions_total", "Sessions opened at leaders.", n.Sessions.Load)
}

func (s *Server) metrics(set *metric.Set) {
	n := &s.counters
	set.Counter("onsale_forwarded_batches_total", "Batches of other doors that were decided here.", n.Batches.Load)
	set.Counter("onsale_forwarded_requests_total", "Requests in them.", n.Requests.Load)
	set.Counter("onsale_peer_questions_total", "Questions of other processes.", n.Questions.Load)
	set.Gauge("onsale_peer_questions_open", "Questions of other processes that are being answered.", func() float64 { return float64(n.asking.Load()) })
	set.Gauge("onsale_peer_questions_open_max", "Bound of the questions of one connection; beyond it they are answered overloaded.", func() float64 { return float64(s.config.QuestionsMax) })
	set.Counter("onsale_peer_refused_total", "Batches and questions that were refused.", n.Refused.Load)
	set.Counter("onsale_journal_pages_served_total", "Pages of the journal that other nodes asked for, to fill gaps in theirs.", n.Pages.Load)
}
