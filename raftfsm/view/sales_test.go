package view

import (
	"fmt"
	"testing"
	"time"

	"onsale/sequencer"
)

func concert() sequencer.SaleSpec {
	return sequencer.SaleSpec{ID: "concert", Item: "Concert", Quantity: 1000, Cap: 2, Price: 100, Currency: "EUR", Hold: int64(time.Hour), Grace: int64(time.Minute)}
}

// A reader that goes on behind the newest change that it was shown has every sale, however
// its questions fall between the batches: a sale that it missed would be unknown to a
// front-end until somebody else changes it.
func TestNoChangeIsMissedByWhoReadsOn(t *testing.T) {
	const sales = 1000
	p := NewSales()
	state, d := sequencer.New(), new(sequencer.Decisions)
	decided := make(chan struct{})
	go func() {
		defer close(decided)
		for n := range sales { // one batch makes a sale, and changes the one that is first
			spec := concert()
			spec.ID = fmt.Sprintf("sale-%d", n)
			b := sequencer.Batch{Time: int64(n + 1), Commands: []sequencer.Command{
				{Kind: sequencer.KindSaleCreate, Body: sequencer.AppendSaleSpec(nil, &spec)},
				{Kind: sequencer.KindBuy, Sale: 1, Quantity: 1, User: fmt.Appendf(nil, "user-%d", n)},
			}}
			state.Apply(&b, d)
			p.Update(state)
		}
	}()
	shown := make([]sequencer.SaleView, sales)
	var seq uint64
	var at int64
	for last := false; ; {
		for _, v := range p.After(seq, at) {
			shown[v.Number-1], seq, at = v, v.AsOfSeq, v.AsOfTime
		}
		if last {
			break
		}
		select {
		case <-decided:
			last = true
		default:
		}
	}
	for i := range shown {
		now, _ := state.Sale(uint16(i + 1))
		now.AsOfSeq, now.AsOfTime = shown[i].AsOfSeq, shown[i].AsOfTime
		if shown[i] != now {
			t.Fatalf("sale %d is shown as %+v, it is %+v", i+1, shown[i], now)
		}
	}
}
