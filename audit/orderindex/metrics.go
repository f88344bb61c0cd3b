package orderindex

import (
	"github.com/prometheus/client_golang/prometheus"

	"onsale/internal/metric"
)

// Collector returns the index's metrics.
func (x *Index) Collector() prometheus.Collector {
	s := new(metric.Set)
	s.Counter("onsale_order_index_blocks_total", "Blocks of the journal that were read for the index of orders.", x.counters.blocks.Load)
	s.Gauge("onsale_order_index_behind_blocks", "Blocks that were applied here and are not in the index of orders; those that are missing in the journal do not count.", func() float64 { return float64(x.behind()) })
	s.Gauge("onsale_order_index_runs", "Files of the index of orders.", func() float64 { runs, _ := x.size(); return float64(runs) })
	s.Gauge("onsale_order_index_pairs", "Pairs of an order and a block in those files.", func() float64 { _, pairs := x.size(); return float64(pairs) })
	s.Counter("onsale_order_index_merges_total", "How often files of the index of orders were merged.", x.counters.merges.Load)
	s.Counter("onsale_order_index_remade_total", "Files of the index of orders that were damaged, or of another journal, and are made again.", x.counters.remade.Load)
	s.Counter("onsale_order_index_failed_total", "How often the index of orders could not be brought up to date and waited.", x.counters.failed.Load)
	return s
}

func (x *Index) size() (runs int, pairs uint64) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for _, r := range x.runs {
		pairs += r.pairs
	}
	return len(x.runs), pairs
}

// behind returns how many blocks are not in the index; 0 when the journal cannot tell.
func (x *Index) behind() (blocks uint64) {
	missing, err := x.journal.Missing()
	if err != nil {
		return 0
	}
	end := x.journal.Position().Height
	x.mu.RLock()
	defer x.mu.RUnlock()
	for _, s := range missing {
		end -= s.Blocks()
	}
	for _, r := range x.runs {
		end -= r.span.Blocks()
	}
	if x.span.Last != 0 {
		end -= x.span.Blocks()
	}
	if end > 1<<62 { // the journal went on, or was put aside, between the questions
		return 0
	}
	return end
}
