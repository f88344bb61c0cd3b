package sequencer_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"onsale/sequencer"
)

// BenchmarkOrdersIn tells how long one look at a sale's orders keeps batches away, of 100,000
// orders with tickets and ten times as many that wait, the median and the longest.
func BenchmarkOrdersIn(b *testing.B) {
	state, out := sequencer.New(), new(sequencer.Decisions)
	const tickets, orders, batch = 100_000, 1_100_000, 1000
	spec := sequencer.SaleSpec{ID: "arena", Item: "arena", Quantity: tickets, Cap: 2, Waitlist: orders, Price: 100, Currency: "EUR", Hold: int64(time.Hour)}
	at := int64(1_780_272_000 * time.Second)
	state.Apply(&sequencer.Batch{Time: at, Commands: []sequencer.Command{{Kind: sequencer.KindSaleCreate, Body: sequencer.AppendSaleSpec(nil, &spec)}}}, out)
	for from := 0; from < orders; from += batch {
		buys := make([]sequencer.Command, batch)
		for i := range buys {
			buys[i] = sequencer.Command{Kind: sequencer.KindBuy, Sale: 1, User: fmt.Appendf(nil, "buyer-%d", from+i), Quantity: 1, Reference: fmt.Appendf(nil, "cart-%d", from+i)}
		}
		state.Apply(&sequencer.Batch{Time: at, Commands: buys}, out)
	}
	for name, q := range map[string]sequencer.OrderQuery{
		"all": {}, "waiting": {State: sequencer.StateWaitlisted, After: tickets}, "none is paid": {State: sequencer.StatePaid}, "no such reference": {Reference: "cart"}, "a buyer": {User: "buyer-7"},
	} {
		q.Sale, q.Limit = 1, 100
		b.Run(name, func(b *testing.B) {
			var times []time.Duration
			page := q
			for b.Loop() {
				began := time.Now()
				_, next := state.OrdersIn(&page)
				times = append(times, time.Since(began))
				if page.After = max(next, q.After); next == 0 {
					page = q
				}
			}
			slices.Sort(times)
			b.ReportMetric(float64(times[len(times)/2].Microseconds()), "median-µs")
			b.ReportMetric(float64(times[len(times)-1].Microseconds()), "longest-µs")
		})
	}
}
