package view

import (
	"fmt"
	"testing"

	"onsale/sequencer"
)

// However many sales a cluster has, a bounded number has metrics: the newest open ones.
func TestShownSalesAreBounded(t *testing.T) {
	state, p := sequencer.New(), NewSales()
	decide := func(c sequencer.Command) {
		t.Helper()
		var d sequencer.Decisions
		state.Apply(&sequencer.Batch{Time: state.Now() + 1, Commands: []sequencer.Command{c}}, &d)
		if d.Results[0].Code != sequencer.CodeOK {
			t.Fatalf("%+v", d.Results[0])
		}
		p.Update(state)
	}
	for i := range saleMetricsMax + 6 {
		spec := concert()
		spec.ID = fmt.Sprintf("sale-%d", i)
		decide(sequencer.Command{Kind: sequencer.KindSaleCreate, Body: sequencer.AppendSaleSpec(nil, &spec)})
	}
	newest := uint16(saleMetricsMax + 6)
	decide(sequencer.Command{Kind: sequencer.KindSaleClose, Sale: newest})
	if !p.All()[newest-1].Closed {
		t.Fatal("the sale is not closed for readers")
	}

	shown, more := shownSales(p.All())
	if len(shown) != saleMetricsMax || more != 5 || shown[0].Number != newest-1 {
		t.Errorf("%d sales are shown, the first is %d, %d are not", len(shown), shown[0].Number, more)
	}
}
