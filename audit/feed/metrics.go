package feed

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"onsale/internal/metric"
)

// Collector returns the feed's metrics.
func (s *Service) Collector() prometheus.Collector {
	set := new(metric.Set)
	set.Gauge("onsale_feed_readers", "Readers of the feed that are served or wait for an event.", func() float64 { return float64(len(s.readers)) })
	set.Counter("onsale_feed_readers_refused_total", "Readers of the feed that were refused because too many were served.", s.counters.refused.Load)
	set.Counter("onsale_feed_pages_total", "Pages of the feed that were read.", s.counters.pages.Load)
	set.Counter("onsale_feed_events_total", "Events in those pages.", s.counters.events.Load)
	set.Counter("onsale_feed_blocks_total", "Blocks of the journal that those pages were read from.", s.counters.blocks.Load)
	set.Counters("onsale_feed_seconds_total", "Time spent reading pages of the feed.", nil, func(show metric.Show) {
		show(time.Duration(s.counters.nanoseconds.Load()).Seconds())
	})
	return set
}
