package api

import (
	"onsale/internal/accept"
	"onsale/internal/metric"
)

// Of the private listener's connections so many may be of callers who never proved who
// they are, by a certificate or a token: half of all, and of one address a quarter.
const (
	privateStrangersShare           = 2
	privateStrangersPerAddressShare = 4
)

// privateRoom bounds the private listener's connections.
func (c *Config) privateRoom() *accept.Room {
	most := c.PrivateConnectionsMax
	return accept.NewRoom(accept.Config{
		Max: most, StrangersMax: max(1, most/privateStrangersShare),
		StrangersPerAddressMax: max(1, most/privateStrangersPerAddressShare), KeepTime: c.IdleTimeout,
	})
}

// acceptMetrics are of connections that wait for files, and of the private listener's.
func (m *Metrics) acceptMetrics() {
	s := &m.others
	s.Counters("onsale_http_accept_errors_total", "Buyers' connections that the system had no files or memory for.", nil,
		m.ofPublic(func(p *Public, show metric.Show) { show(float64(p.acceptErrors.Load())) }))

	private := func(read func(p *Private, show metric.Show)) func(metric.Show) {
		return func(show metric.Show) {
			if p := m.private.Load(); p != nil {
				read(p, show)
			}
		}
	}
	s.Counters("onsale_private_accept_errors_total", "Connections of the private listener that the system had no files or memory for.", nil,
		private(func(p *Private, show metric.Show) { show(float64(p.acceptErrors.Load())) }))
	s.Gauges("onsale_private_connections", "Connections of the private listener.", nil,
		private(func(p *Private, show metric.Show) { show(float64(p.room.Stats().Open)) }))
	s.Gauges("onsale_private_connections_max", "Bound of onsale_private_connections.", nil,
		private(func(p *Private, show metric.Show) { show(float64(p.room.Stats().Max)) }))
	s.Counters("onsale_private_connections_refused_total", "Connections of the private listener that were closed at once: there was no place, and nobody gave way.", nil,
		private(func(p *Private, show metric.Show) { show(float64(p.room.Stats().Refused)) }))
	s.Counters("onsale_private_connections_evicted_total", "Idle connections of the private listener that gave way, by what their proof (certificate or token) was: never there, or expired.",
		[]string{"proof"}, private(func(p *Private, show metric.Show) {
			for why, count := range p.room.Stats().Evicted {
				show(float64(count), accept.EvictedNames[why])
			}
		}))
}
