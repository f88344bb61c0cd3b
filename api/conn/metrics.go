package conn

import (
	"onsale/internal/accept"
	"onsale/internal/metric"
)

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
	s.Gauges("onsale_http_connections_max", "Bound of onsale_http_connections; one more takes an idle one's place, or is answered 503.", nil,
		each(func(t *Table, show metric.Show) { show(float64(t.config.Max)) }))
	s.Gauges("onsale_http_connections_parked", "Buyers' connections that were silent for a second and have nothing but a waiting goroutine.", nil,
		each(func(t *Table, show metric.Show) { show(float64(t.Parked())) }))
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
	s.Counters("onsale_http_connections_evicted_total",
		"Idle buyers' connections that gave way when all places were taken, by what their valid token was: never there, or expired as a reason to keep the place.",
		[]string{"token"}, each(func(t *Table, show metric.Show) {
			for why, count := range t.room.Stats().Evicted {
				show(float64(count), accept.EvictedNames[why])
			}
		}))
}

// Refused returns how many connections were not let in for a reason.
func (t *Table) Refused(why Refusal) uint64 { return t.refusals[why].Load() }

// ReadTimeouts returns how many connections were ended because reading took too long.
func (t *Table) ReadTimeouts() uint64 { return t.timeouts[timeoutRead].Load() }
