package api

import (
	"sync"
	"sync/atomic"
	"time"

	"onsale/api/contract"
)

// timedSalesMax bounds the sales whose buys' latencies are kept apart: those at which somebody bought
// last here. One takes about 400 KiB.
const timedSalesMax = 16

// saleLatencies are how long the buys of each sale took. Who records finds the sale among a few,
// without a lock; only the first buy of a sale makes room.
type saleLatencies struct {
	mu    sync.Mutex
	timed atomic.Pointer[[]*timedSale] // the newest first; never changed, only replaced
}

type timedSale struct {
	cluster uint8
	sale    uint16
	*latencies
}

func newSaleLatencies() *saleLatencies {
	s := new(saleLatencies)
	s.timed.Store(new([]*timedSale))
	return s
}

// of returns a sale's; nil when nothing was counted.
func (s *saleLatencies) of(cluster uint8, sale uint16) *timedSale {
	for _, one := range *s.timed.Load() {
		if one.cluster == cluster && one.sale == sale {
			return one
		}
	}
	return nil
}

// observe counts one buy of a sale. The hint spreads callers over the shards.
func (s *saleLatencies) observe(cluster uint8, sale uint16, hint uint64, took time.Duration) {
	one := s.of(cluster, sale)
	if one == nil {
		one = s.add(cluster, sale)
	}
	one.observe(hint, took)
}

// add makes room for a sale; the one that came first gives way.
func (s *saleLatencies) add(cluster uint8, sale uint16) *timedSale {
	s.mu.Lock()
	defer s.mu.Unlock()
	if one := s.of(cluster, sale); one != nil {
		return one
	}
	one := &timedSale{cluster, sale, newLatencies()}
	old := *s.timed.Load()
	timed := append([]*timedSale{one}, old[:min(len(old), timedSalesMax-1)]...)
	s.timed.Store(&timed)
	return one
}

// report returns what was counted of a sale since the start, or since it got room; nil when there
// was no buy.
func (s *saleLatencies) report(cluster uint8, sale uint16) *contract.ReportLatency {
	if one := s.of(cluster, sale); one != nil {
		return one.report()
	}
	return nil
}
