package api

import "onsale/internal/metric"

// ofPublic returns what reads a number of the buyers' listener; nothing is shown
// before there is one.
func (m *Metrics) ofPublic(read func(p *Public, show metric.Show)) func(metric.Show) {
	return func(show metric.Show) {
		if p := m.public.Load(); p != nil {
			read(p, show)
		}
	}
}

// doorMetrics are of connections, of what is shed, and of reads that wait.
func (m *Metrics) doorMetrics() {
	s := &m.others
	s.Gauges("onsale_http_connections", "Buyers' connections, without event streams.", nil, m.ofPublic(func(p *Public, show metric.Show) {
		show(float64(p.door.open()))
	}))
	s.Gauges("onsale_http_connections_max", "Bound of onsale_http_connections; more are answered 503.", nil, m.ofPublic(func(p *Public, show metric.Show) {
		show(float64(p.config.ConnectionsMax))
	}))
	s.Counters("onsale_http_connections_refused_total", "Buyers' connections that were not let in, by the bound that they met.", []string{"bound"}, m.ofPublic(func(p *Public, show metric.Show) {
		for why, name := range refusalNames {
			show(float64(p.door.refusals[why].Load()), name)
		}
	}))
	s.Counters("onsale_http_connection_timeouts_total", "Buyers' connections that were ended because reading or writing took too long.", []string{"what"}, m.ofPublic(func(p *Public, show metric.Show) {
		for what, name := range timeoutNames {
			show(float64(p.door.timeouts[what].Load()), name)
		}
	}))
	s.Counters("onsale_http_accept_errors_total", "Buyers' connections that the system had no files or memory for.", nil, m.ofPublic(func(p *Public, show metric.Show) {
		show(float64(p.door.acceptErrors.Load()))
	}))
	s.Counters("onsale_shed_total", "Reads refused because buys go first.", []string{"kind"}, func(show metric.Show) {
		for kind := range shedKinds {
			show(float64(m.shed.shed[kind].Load()), shedNames[kind])
		}
	})
	s.Counter("onsale_answered_at_door_total", "Buys of closed sales that no leader was asked about.", m.shed.atDoor.Load)
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

// limitMetrics are of the limits that are on.
func (m *Metrics) limitMetrics() {
	each := func(read func(p *Public, which policy) float64) func(metric.Show) {
		return m.ofPublic(func(p *Public, show metric.Show) {
			for which, limiter := range p.limits {
				if limiter != nil {
					show(read(p, policy(which)), policyNames[which])
				}
			}
		})
	}
	s, labels := &m.others, []string{"policy"}
	s.Counters("onsale_throttled_total", "Requests refused because their user or network asks too often.", labels, each(func(p *Public, which policy) float64 {
		return float64(p.limits[which].Stats().Refused)
	}))
	s.Gauges("onsale_limited_keys", "Users and networks whose requests are counted.", labels, each(func(p *Public, which policy) float64 {
		return float64(p.limits[which].Stats().Keys)
	}))
	s.Gauges("onsale_limited_keys_max", "Bound of onsale_limited_keys.", labels, each(func(p *Public, which policy) float64 {
		return float64(p.limits[which].Config().KeysMax)
	}))
	s.Counters("onsale_limited_keys_evicted_total", "Users and networks that were forgotten to make room for others.", labels, each(func(p *Public, which policy) float64 {
		return float64(p.limits[which].Stats().Evicted)
	}))
}

// streamMetrics are of event streams and long polls.
func (m *Metrics) streamMetrics() {
	s := &m.others
	s.Gauges("onsale_streams_open", "Open event streams of buyers.", nil, m.ofPublic(func(p *Public, show metric.Show) { show(float64(p.streams.open.open.Load())) }))
	s.Gauges("onsale_streams_open_max", "Bound of onsale_streams_open.", nil, m.ofPublic(func(p *Public, show metric.Show) { show(float64(p.streams.open.most)) }))
	s.Counters("onsale_streams_refused_total", "Event streams refused because of the bound.", nil, m.ofPublic(func(p *Public, show metric.Show) { show(float64(p.streams.open.refused.Load())) }))
	s.Counters("onsale_streams_ended_total", "Event streams whose listener went, or read nothing for too long.", nil, m.ofPublic(func(p *Public, show metric.Show) { show(float64(p.streams.left.Load())) }))
	s.Counters("onsale_stream_broadcasts_total", "Rounds in which a sale's newest event was written to its listeners.", nil, m.ofPublic(func(p *Public, show metric.Show) { show(float64(p.streams.wrote.Load())) }))
	s.Counters("onsale_stream_encodings_total", "Events encoded: one for each change that is told, however many listen.", nil, m.ofPublic(func(p *Public, show metric.Show) { show(float64(p.streams.encoded.Load())) }))
	s.Gauges("onsale_polls_waiting", "Requests that wait for their order to change.", nil, m.ofPublic(func(p *Public, show metric.Show) { show(float64(len(p.polls))) }))
	s.Gauges("onsale_polls_waiting_max", "Bound of onsale_polls_waiting.", nil, m.ofPublic(func(p *Public, show metric.Show) { show(float64(cap(p.polls))) }))
	s.Counters("onsale_polls_refused_total", "Long polls refused because of the bound.", nil, m.ofPublic(func(p *Public, show metric.Show) { show(float64(p.pollsRefused.Load())) }))
	sellers := func(read func(c *counting) float64) func(metric.Show) {
		return func(show metric.Show) {
			if p := m.private.Load(); p != nil && p.backend != nil {
				show(read(&p.live))
			}
		}
	}
	s.Gauges("onsale_seller_streams_open", "Open event streams of sellers.", nil, sellers(func(c *counting) float64 { return float64(c.open.Load()) }))
	s.Gauges("onsale_seller_streams_open_max", "Bound of onsale_seller_streams_open.", nil, sellers(func(c *counting) float64 { return float64(c.most) }))
	s.Counters("onsale_seller_streams_refused_total", "Event streams of sellers refused because of the bound.", nil, sellers(func(c *counting) float64 { return float64(c.refused.Load()) }))
}
