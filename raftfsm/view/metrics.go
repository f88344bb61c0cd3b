package view

import (
	"onsale/internal/metric"
	"onsale/sequencer"
)

// saleMetricsMax bounds the sales that have metrics of their own: the newest ones
// that are not closed. A cluster may have 65,535 sales, Prometheus should not.
const saleMetricsMax = 64

// shownSales returns the sales that have metrics, newest first, and how many more
// are not closed.
func shownSales(sales []sequencer.SaleView) (shown []*sequencer.SaleView, more int) {
	for i := len(sales) - 1; i >= 0; i-- {
		switch {
		case sales[i].Closed || sales[i].Cancelled:
		case len(shown) < saleMetricsMax:
			shown = append(shown, &sales[i])
		default:
			more++
		}
	}
	return shown, more
}

// Metrics adds the sales' to a set. They are read from the views that are published for readers; they take no
// lock of the state.
func (p *Sales) Metrics(s *metric.Set) {
	each := func(read func(v *sequencer.SaleView, show metric.Show)) func(metric.Show) {
		return func(show metric.Show) {
			shown, _ := shownSales(p.All())
			for _, v := range shown {
				read(v, show)
			}
		}
	}
	s.Gauges("onsale_sale_tickets", "Tickets by where they are.", []string{"sale", "state"}, each(func(v *sequencer.SaleView, show metric.Show) {
		show(float64(v.Available), v.ID, "available")
		show(float64(v.Held), v.ID, "held")
		show(float64(v.Sold), v.ID, "sold")
		show(float64(v.Withheld), v.ID, "withheld")
	}))
	s.Gauges("onsale_sale_quantity_tickets", "Tickets of the sale.", []string{"sale"}, each(func(v *sequencer.SaleView, show metric.Show) {
		show(float64(v.Quantity), v.ID)
	}))
	s.Gauges("onsale_sale_waiting_orders", "Orders in the waitlist.", []string{"sale"}, each(func(v *sequencer.SaleView, show metric.Show) {
		show(float64(v.Waiting), v.ID)
	}))
	s.Gauges("onsale_sale_waiting_orders_max", "Bound of the waitlist.", []string{"sale"}, each(func(v *sequencer.SaleView, show metric.Show) {
		show(float64(v.Waitlist), v.ID)
	}))
	s.Counters("onsale_sale_buys_total", "Buys decided, by the decision's code; ok made an order.", []string{"sale", "code"}, each(func(v *sequencer.SaleView, show metric.Show) {
		for code, count := range v.Counters.Buys {
			if count > 0 || code == int(sequencer.CodeOK) {
				show(float64(count), v.ID, sequencer.Code(code).String())
			}
		}
	}))
	s.Counters("onsale_sale_replayed_total", "Buys answered from a known idempotency key.", []string{"sale"}, each(func(v *sequencer.SaleView, show metric.Show) {
		show(float64(v.Counters.Replayed), v.ID)
	}))
	s.Counters("onsale_sale_orders_total", "Orders by the state that they entered.", []string{"sale", "state"}, each(func(v *sequencer.SaleView, show metric.Show) {
		for state, count := range v.Counters.Entered {
			if state != int(sequencer.StateNone) {
				show(float64(count), v.ID, sequencer.OrderState(state).String())
			}
		}
	}))
	s.Counters("onsale_sale_tickets_minted_total", "Tickets that were paid and got their numbers.", []string{"sale"}, each(func(v *sequencer.SaleView, show metric.Show) {
		show(float64(v.Counters.Tickets[sequencer.StatePaid]), v.ID)
	}))
	s.Counters("onsale_sale_tickets_revoked_total", "Of those, tickets that were refunded.", []string{"sale"}, each(func(v *sequencer.SaleView, show metric.Show) {
		show(float64(v.Counters.Tickets[sequencer.StateRefunded]), v.ID)
	}))
	s.Counters("onsale_sale_promotions_blocked_total", "How often the head of the waitlist did not fit although tickets were available.", []string{"sale"}, each(func(v *sequencer.SaleView, show metric.Show) {
		show(float64(v.Counters.PromoteBlocked), v.ID)
	}))
	s.Gauge("onsale_sales_unshown", "Sales that are not closed and have no metrics of their own.", func() float64 {
		_, more := shownSales(p.All())
		return float64(more)
	})
}
