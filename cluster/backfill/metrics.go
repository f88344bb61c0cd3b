package backfill

import (
	"github.com/prometheus/client_golang/prometheus"

	"onsale/internal/metric"
)

// Collector publishes how the filling is.
func (f *Filler) Collector() prometheus.Collector {
	s, n := new(metric.Set), &f.counters
	s.Gauges("onsale_backfill_missing_blocks", "Blocks of the chain that are neither in the journal here nor in a part beside it; a gap counts until it is filled to its end.", nil, func(show metric.Show) {
		spans, err := f.history.Missing()
		missing := uint64(0)
		for _, span := range spans {
			missing += span.Blocks()
		}
		if err == nil {
			show(float64(missing))
		}
	})
	s.Counter("onsale_backfill_blocks_total", "Blocks that were fetched from other members, checked and stored.", n.blocks.Load)
	s.Counter("onsale_backfill_bytes_total", "Their bytes.", n.bytes.Load)
	s.Gauge("onsale_backfill_bytes_per_second_max", "Bound of the rate of onsale_backfill_bytes_total.", func() float64 { return float64(f.config.BytesPerSecond) })
	s.Counter("onsale_backfill_gaps_total", "Gaps that were filled to their end.", n.gaps.Load)
	s.Counter("onsale_backfill_failures_total", "Times that a member could not be asked, or a filling could not be read or written.", n.failures.Load)
	s.Counter("onsale_backfill_wrong_total", "Times that a member answered with blocks that are not the chain's.", n.wrong.Load)
	s.Counter("onsale_backfill_discarded_total", "Fillings that were thrown away and begun anew, or are not needed any more.", n.discarded.Load)
	s.Counter("onsale_backfill_joined_total", "Parts of the journal beside each other that were made one.", n.joined.Load)
	return s
}
