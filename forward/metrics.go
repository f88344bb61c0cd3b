package forward

import "github.com/prometheus/client_golang/prometheus"

// collector publishes plain counters.
type collector struct{ metrics []metric }

type metric struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	read func() float64
}

// NewCollector publishes what a client and a server count; either may be nil.
//
// Alert when onsale_forward_outcome_unknown_total grows, when
// onsale_forward_no_leader_total grows for longer than a fail-over, and when
// onsale_forward_waiting is over half its bound.
func NewCollector(client *Client, server *Server) prometheus.Collector {
	c := new(collector)
	if client != nil {
		c.client(client)
	}
	if server != nil {
		c.server(server)
	}
	return c
}

func (c *collector) add(kind prometheus.ValueType, name, help string, read func() float64) {
	c.metrics = append(c.metrics, metric{prometheus.NewDesc(name, help, nil, nil), kind, read})
}

func (c *collector) client(client *Client) {
	n := &client.counters
	c.add(prometheus.GaugeValue, "onsale_forward_waiting", "Requests that wait for the next batch to the leader. Alert when over half of the bound.", func() float64 { return float64(client.Waiting()) })
	c.add(prometheus.GaugeValue, "onsale_forward_waiting_max", "Bound of onsale_forward_waiting; beyond it requests are answered overloaded.", func() float64 { return float64(client.config.QueueRequestsMax) })
	c.add(prometheus.CounterValue, "onsale_forward_overloaded_total", "Requests refused because the queue to the leader was full. Alert when it grows.", func() float64 { return float64(client.Overloaded()) })
	c.add(prometheus.CounterValue, "onsale_forward_batches_total", "Batches that the leader decided.", func() float64 { return float64(n.Batches.Load()) })
	c.add(prometheus.CounterValue, "onsale_forward_requests_total", "Requests in them.", func() float64 { return float64(n.Requests.Load()) })
	c.add(prometheus.CounterValue, "onsale_forward_round_trip_seconds_total", "Time from sending them to their decisions.", func() float64 { return float64(n.RoundTripNanos.Load()) / 1e9 })
	c.add(prometheus.CounterValue, "onsale_forward_repeated_total", "Batches that were sent again under their number, because the answer was lost.", func() float64 { return float64(n.Repeated.Load()) })
	c.add(prometheus.CounterValue, "onsale_forward_no_leader_total", "Requests answered no-leader. Alert when it grows for longer than a fail-over.", func() float64 { return float64(n.NoLeader.Load()) })
	c.add(prometheus.CounterValue, "onsale_forward_outcome_unknown_total", "Requests answered outcome-unknown. Alert when it grows.", func() float64 { return float64(n.Unknown.Load()) })
	c.add(prometheus.CounterValue, "onsale_forward_sessions_total", "Sessions opened at leaders.", func() float64 { return float64(n.Sessions.Load()) })
}

func (c *collector) server(server *Server) {
	n := &server.counters
	c.add(prometheus.CounterValue, "onsale_forwarded_batches_total", "Batches of other doors that were decided here.", func() float64 { return float64(n.Batches.Load()) })
	c.add(prometheus.CounterValue, "onsale_forwarded_requests_total", "Requests in them.", func() float64 { return float64(n.Requests.Load()) })
	c.add(prometheus.CounterValue, "onsale_peer_questions_total", "Questions of other processes.", func() float64 { return float64(n.Questions.Load()) })
	c.add(prometheus.CounterValue, "onsale_peer_refused_total", "Batches and questions that were refused.", func() float64 { return float64(n.Refused.Load()) })
}

// Describe is for the registry.
func (c *collector) Describe(to chan<- *prometheus.Desc) {
	for _, m := range c.metrics {
		to <- m.desc
	}
}

// Collect is for the registry.
func (c *collector) Collect(to chan<- prometheus.Metric) {
	for _, m := range c.metrics {
		to <- prometheus.MustNewConstMetric(m.desc, m.kind, m.read())
	}
}
