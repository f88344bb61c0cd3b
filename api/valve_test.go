package api

import (
	"errors"
	"testing"
	"time"

	"onsale/api/contract"
	"onsale/sequencer"
)

// A valve lets as many buys through as its seller says, of each sale for itself, and follows when it
// is turned or opened.
func TestValve(t *testing.T) {
	var v valves
	at := time.Unix(1_780_000_000, 0)
	through := func(cluster uint8, sale sequencer.SaleView, d time.Duration) (count int) {
		for end := at.Add(d); at.Before(end); at = at.Add(time.Millisecond) {
			switch err := v.pass(cluster, &sale, at); {
			case err == nil:
				count++
			case !errors.Is(err, contract.ErrThrottled):
				t.Fatal(err)
			}
		}
		return count
	}
	turned := func(perSecond uint32) sequencer.SaleView {
		return sequencer.SaleView{Number: 1, SaleSpec: sequencer.SaleSpec{BuysPerSecond: perSecond}}
	}
	for _, step := range []struct {
		perSecond   uint32
		least, most int
	}{{0, 10_000, 10_000}, {100, 1000, 1011}, {5, 45, 60}, {400, 3950, 4041}, {0, 10_000, 10_000}} {
		if n := through(1, turned(step.perSecond), 10*time.Second); n < step.least || n > step.most {
			t.Errorf("%d of 10,000 buys in 10 s went through a valve of %d a second", n, step.perSecond)
		}
	}
	sale := turned(1)
	if through(1, sale, 10*time.Second); through(2, sale, time.Millisecond) != 1 {
		t.Error("a sale of another cluster has the same valve")
	}
	if v.refused.Load() == 0 {
		t.Error("nothing was counted")
	}
}
