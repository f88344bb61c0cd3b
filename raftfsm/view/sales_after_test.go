package view

import (
	"net/http/httptest"
	"sort"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"onsale/internal/metric"
	"onsale/sequencer"
)

// shown returns a view of some sales as they are given.
func shown(sales ...sequencer.SaleView) *Sales {
	p := NewSales()
	table := newSaleTable()
	for i := range sales {
		table.add(&sales[i])
	}
	p.table.Store(table)
	p.turns.Add(1)
	return p
}

// What changed after a position comes oldest first: by seq, then by time.
func TestSalesAfter(t *testing.T) {
	sale := func(id string, seq uint64, at int64) sequencer.SaleView {
		return sequencer.SaleView{SaleSpec: sequencer.SaleSpec{ID: id}, AsOfSeq: seq, AsOfTime: at}
	}
	p := shown(sale("f", 9, 90), sale("c", 5, 52), sale("a", 4, 99), sale("d", 5, 53), sale("b", 5, 51), sale("e", 6, 1))
	for _, c := range []struct {
		seq  uint64
		time int64
		want string
	}{
		{0, 0, "abcdef"}, {4, 98, "abcdef"}, {4, 99, "bcdef"}, {5, 50, "bcdef"}, {5, 51, "cdef"}, {5, 52, "def"},
		{5, 53, "ef"}, {6, 1, "f"}, {8, 100, "f"}, {9, 89, "f"}, {9, 90, ""}, {10, 0, ""},
	} {
		var got strings.Builder
		for _, v := range p.After(c.seq, c.time) {
			got.WriteString(v.ID)
		}
		if got.String() != c.want {
			t.Errorf("after %d and %d: %s, want %s", c.seq, c.time, got.String(), c.want)
		}
	}
}

// A batch that changed no sale publishes nothing; what was handed out before stays.
func TestUpdateOfNothing(t *testing.T) {
	state, p, d := sequencer.New(), NewSales(), new(sequencer.Decisions)
	spec := concert()
	state.Apply(&sequencer.Batch{Time: 1, Commands: []sequencer.Command{{Kind: sequencer.KindSaleCreate, Body: sequencer.AppendSaleSpec(nil, &spec)}}}, d)
	p.Update(state)
	turns := p.turns.Load()
	before := p.All()
	state.Apply(&sequencer.Batch{Time: 2}, d)
	p.Update(state)
	if again := p.All(); p.turns.Load() != turns || len(again) != 1 || &again[0] != &before[0] {
		t.Errorf("%d turns, were %d", p.turns.Load(), turns)
	}
	if _, known := p.ByID("other"); known {
		t.Error("a sale is known that is not there")
	}
}

// Everybody who waits is told at once, and counted while it waits.
func TestAllWhoWaitAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewSales()
		told := make(chan error, 3)
		for range 3 {
			go func() { told <- p.Wait(t.Context(), 7) }()
		}
		synctest.Wait()
		if n := p.waiting.Load(); n != 3 {
			t.Errorf("%d wait", n)
		}
		p.Applied(6, sequencer.Position{})
		synctest.Wait()
		if len(told) > 0 {
			t.Error("told too early")
		}
		p.Applied(7, sequencer.Position{})
		synctest.Wait()
		if len(told) != 3 || p.waiting.Load() != 0 {
			t.Errorf("%d are told, %d wait", len(told), p.waiting.Load())
		}
	})
}

// page returns the samples of a set of metrics, sorted.
func page(t *testing.T, set *metric.Set) (samples []string) {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(set)
	answer := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	for _, line := range strings.Split(strings.TrimSpace(answer.Body.String()), "\n") {
		if !strings.HasPrefix(line, "#") {
			samples = append(samples, line)
		}
	}
	sort.Strings(samples)
	return samples
}

// Each number of a sale is published under its own name, and nothing of one that is over.
func TestMetricsOfSales(t *testing.T) {
	open := sequencer.SaleView{SaleSpec: sequencer.SaleSpec{ID: "one", Quantity: 100, Waitlist: 50},
		Available: 1, Held: 2, Sold: 3, Withheld: 4, Waiting: 5}
	open.Counters.Replayed, open.Counters.PromoteBlocked = 6, 7
	open.Counters.Buys[sequencer.CodeSoldOut] = 8
	for state := range open.Counters.Entered {
		open.Counters.Entered[state] = uint64(10 + state)
	}
	open.Counters.Tickets[sequencer.StatePaid], open.Counters.Tickets[sequencer.StateRefunded] = 18, 19
	closed, cancelled := open, open
	closed.ID, closed.Closed = "two", true
	cancelled.ID, cancelled.Cancelled = "three", true
	set := new(metric.Set)
	shown(open, closed, cancelled).Metrics(set)
	want := []string{
		`onsale_sale_buys_total{code="ok",sale="one"} 0`,
		`onsale_sale_buys_total{code="sold_out",sale="one"} 8`,
		`onsale_sale_orders_total{sale="one",state="cancelled"} 16`,
		`onsale_sale_orders_total{sale="one",state="expired"} 15`,
		`onsale_sale_orders_total{sale="one",state="paid"} 14`,
		`onsale_sale_orders_total{sale="one",state="paying"} 13`,
		`onsale_sale_orders_total{sale="one",state="refunded"} 17`,
		`onsale_sale_orders_total{sale="one",state="reserved"} 12`,
		`onsale_sale_orders_total{sale="one",state="waitlisted"} 11`,
		`onsale_sale_promotions_blocked_total{sale="one"} 7`,
		`onsale_sale_quantity_tickets{sale="one"} 100`,
		`onsale_sale_replayed_total{sale="one"} 6`,
		`onsale_sale_tickets{sale="one",state="available"} 1`,
		`onsale_sale_tickets{sale="one",state="held"} 2`,
		`onsale_sale_tickets{sale="one",state="sold"} 3`,
		`onsale_sale_tickets{sale="one",state="withheld"} 4`,
		`onsale_sale_tickets_minted_total{sale="one"} 18`,
		`onsale_sale_tickets_revoked_total{sale="one"} 19`,
		`onsale_sale_waiting_orders_max{sale="one"} 50`,
		`onsale_sale_waiting_orders{sale="one"} 5`,
		`onsale_sales_unshown 0`,
	}
	got := page(t, set)
	sort.Strings(want)
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("published is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
