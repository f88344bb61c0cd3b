package main

import (
	"fmt"
	"slices"
	"strings"

	"onsale/api"
	"onsale/internal/metric"
)

// sharedToldMax is how many sale ids that several clusters have are told at once.
const sharedToldMax = 20

// lookForShared looks for ids that several clusters have. The API looks at each request for
// itself; this is for who is to be alarmed. The log is told when the ids change.
func (t *clusterTable) lookForShared() {
	found := api.SharedSales(t.Clusters())
	before := t.shared.Swap(&found)
	told := texts(found)
	switch {
	case before != nil && slices.Equal(texts(*before), told):
	case len(found) > 0:
		t.log.Error("several clusters have a sale with the same id; nothing of it is sold until all but one are cancelled",
			"count", len(found), "sales", strings.Join(told[:min(len(told), sharedToldMax)], "; "))
	case before != nil:
		t.log.Info("no two clusters have a sale with the same id any more")
	}
}

func texts(found []api.SharedSale) (all []string) {
	for _, sale := range found {
		all = append(all, fmt.Sprintf("%s on %s", sale.ID, strings.Join(sale.Clusters, ", ")))
	}
	return all
}

// sharedCount returns how many ids several clusters have.
func (t *clusterTable) sharedCount() int {
	if found := t.shared.Load(); found != nil {
		return len(*found)
	}
	return 0
}

// sharedMetrics publishes that number.
func (t *clusterTable) sharedMetrics() *metric.Set {
	s := new(metric.Set)
	s.Gauge("onsale_sales_shared", "Sale ids that several clusters have; nothing of them is sold.",
		func() float64 { return float64(t.sharedCount()) })
	return s
}

// sharedChecks is a warning, because the other sales go on; none with a cluster alone.
func (t *clusterTable) sharedChecks() []api.Check {
	if len(t.Clusters()) < 2 {
		return nil
	}
	check := api.Check{Name: "sale ids", Warning: true}
	if found := t.shared.Load(); found != nil && len(*found) > 0 {
		told := texts(*found)
		check.Err = fmt.Errorf("several clusters have the same sale: %s", strings.Join(told[:min(len(told), sharedToldMax)], "; "))
	}
	return []api.Check{check}
}
