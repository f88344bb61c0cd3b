package report

import (
	"testing"

	"onsale/api/contract"
	"onsale/sequencer"
)

// A history is bounded: what is oldest gives way, and is counted.
func TestHistoryIsBounded(t *testing.T) {
	var h history
	for seq := range uint64(contract.ChangesMax + 5) {
		h.add(contract.PastChange{Seq: seq + 1})
	}
	if len(h.changes) != contract.ChangesMax || h.leftOut != 5 || h.changes[0].Seq != 6 || h.changes[contract.ChangesMax-1].Seq != contract.ChangesMax+5 {
		t.Errorf("%d changes, %d left out, from %d on", len(h.changes), h.leftOut, h.changes[0].Seq)
	}
}

// A change is told by what is another, whoever made it; of a new sale all is new.
func TestDifference(t *testing.T) {
	before := sequencer.SaleView{SaleSpec: sequencer.SaleSpec{ID: "gig", Quantity: 3, Zone: "Europe/Berlin"}}
	after := before
	after.Paused, after.Quantity = true, 5
	was, is := contract.Difference(contract.Settings(&before, 1), contract.Settings(&after, 1))
	if len(was) != 2 || len(is) != 2 || was["quantity"] != uint32(3) || is["quantity"] != uint32(5) || was["status"] != "open" || is["status"] != "paused" {
		t.Errorf("from %v to %v", was, is)
	}
	if was, is := contract.Difference(contract.Settings(nil, 1), contract.Settings(&before, 1)); len(was) != 0 || is["zone"] != "Europe/Berlin" || is["quantity"] != uint32(3) {
		t.Errorf("from %v to %v", was, is)
	}
}
