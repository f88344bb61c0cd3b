package conn

import "onsale/internal/metric"

// AddMetrics adds what a table counts. Nothing is shown before there is one.
func AddMetrics(s *metric.Set, table func() *Table) {
	each := func(read func(t *Table, show metric.Show)) func(metric.Show) {
		return func(show metric.Show) {
			if t := table(); t != nil {
				read(t, show)
			}
		}
	}

	s.Gauges("onsale_http_connections", "Buyers' connections, without event streams.", nil,
		each(func(t *Table, show metric.Show) { show(float64(t.Open())) }))
	s.Gauges("onsale_http_connections_max", "Bound of onsale_http_connections; more are answered 503.", nil,
		each(func(t *Table, show metric.Show) { show(float64(t.config.Max)) }))
	s.Counters("onsale_http_connections_refused_total", "Buyers' connections that were not let in, by the bound that they met.",
		[]string{"bound"}, each(func(t *Table, show metric.Show) {
			for why, name := range refusalNames {
				show(float64(t.refusals[why].Load()), name)
			}
		}))
	s.Counters("onsale_http_connection_timeouts_total", "Buyers' connections that were ended because reading or writing took too long.",
		[]string{"what"}, each(func(t *Table, show metric.Show) {
			for what, name := range timeoutNames {
				show(float64(t.timeouts[what].Load()), name)
			}
		}))
	s.Counters("onsale_http_accept_errors_total", "Buyers' connections that the system had no files or memory for.", nil,
		each(func(t *Table, show metric.Show) { show(float64(t.acceptErrors.Load())) }))
}

// Refused returns how many connections were not let in for a reason.
func (t *Table) Refused(why Refusal) uint64 { return t.refusals[why].Load() }

// ReadTimeouts returns how many connections were ended because reading took too long.
func (t *Table) ReadTimeouts() uint64 { return t.timeouts[timeoutRead].Load() }
