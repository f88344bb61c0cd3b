package raftfsm

import (
	"fmt"
	"testing"

	"onsale/sequencer"
)

// However many sales a cluster has, a bounded number has metrics: the newest open ones.
func TestShownSalesAreBounded(t *testing.T) {
	n := mustOpen(t, testConfig(t, "n1"))
	defer mustClose(t, n)
	eventually(t, "a leader", leads(n))
	var newest uint16
	for i := range saleMetricsMax + 6 {
		spec := concert(10)
		spec.ID = fmt.Sprintf("sale-%d", i)
		newest = createSale(t, n, spec)
	}
	if r, err := n.Decide(&sequencer.Command{Kind: sequencer.KindSaleClose, Sale: newest}); err != nil || r.Code != sequencer.CodeOK {
		t.Fatalf("close: %+v, %v", r, err)
	}
	eventually(t, "the sale is closed for readers", func() bool { return n.Sales()[newest-1].Closed })
	shown, more := n.shownSales()
	if len(shown) != saleMetricsMax || more != 5 || shown[0].Number != newest-1 {
		t.Errorf("%d sales are shown, the first is %d, %d are not", len(shown), shown[0].Number, more)
	}
}
