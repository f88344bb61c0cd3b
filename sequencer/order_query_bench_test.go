package sequencer_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"onsale/internal/threadtime"
	"onsale/sequencer"
)

// BenchmarkOrdersIn tells how long one look at a sale's orders keeps batches away, in a state of
// 100,000 orders with tickets and in one with a million more that wait: by the clock, and as
// processor time, which is what the look itself costs. What else runs on the machine changes the first.
func BenchmarkOrdersIn(b *testing.B) {
	const tickets = 100_000
	for _, orders := range []int{tickets, 11 * tickets} {
		state := crowded(tickets, orders)
		for name, q := range map[string]sequencer.OrderQuery{
			"all": {}, "the last": {After: uint64(orders - tickets)}, "none is paid": {State: sequencer.StatePaid}, "no such reference": {Reference: "cart"}, "a buyer": {User: "buyer-7"},
		} {
			q.Sale, q.Limit = 1, 100
			b.Run(fmt.Sprintf("orders=%d/%s", orders, name), func(b *testing.B) { looks(b, state, q) })
		}
	}
}

func looks(b *testing.B, state *sequencer.State, q sequencer.OrderQuery) {
	var held, worked []time.Duration
	page := q
	for b.Loop() {
		began, work := time.Now(), threadtime.Begin()
		_, next := state.OrdersIn(&page)
		worked = append(worked, threadtime.End(work))
		held = append(held, time.Since(began))
		if page.After = max(next, q.After); next == 0 {
			page = q
		}
	}
	for unit, times := range map[string][]time.Duration{"held": held, "cpu": worked} {
		slices.Sort(times)
		b.ReportMetric(float64(times[len(times)/2].Nanoseconds())/1e3, "median-µs-"+unit)
		b.ReportMetric(float64(times[len(times)*999/1000].Nanoseconds())/1e3, "p99.9-µs-"+unit)
		b.ReportMetric(float64(times[len(times)-1].Nanoseconds())/1e3, "longest-µs-"+unit)
	}
}
