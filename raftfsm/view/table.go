package view

import (
	"hash/maphash"
	"sync/atomic"

	"onsale/sequencer"
)

// entry is a sale. Its view is replaced when a batch changed it.
type entry struct {
	id   string
	view atomic.Pointer[sequencer.SaleView]
}

// saleTable finds the sales. The goroutine that applies the log adds to it while everybody
// waits for that goroutine, so that a sale must cost the same beside however many others: the
// next table shares what this one has, and only when the slots are half full are they laid out
// anew, twice as many. Readers take no lock and make no garbage, also for an id that lies in
// a request's memory: who has an older table sees no more entries than it has, and a slot
// that was empty is filled at once.
type saleTable struct {
	seed    maphash.Seed
	slots   []atomic.Pointer[entry] // by the id's hash and onwards; a power of two
	entries []*entry                // by number - 1
}

const slotsMin = 64

func newSaleTable() *saleTable {
	return &saleTable{seed: maphash.MakeSeed(), slots: make([]atomic.Pointer[entry], slotsMin)}
}

// with returns the table with the sales that a state has beyond it. It is for the newest
// table and one goroutine.
func (t *saleTable) with(state *sequencer.State) *saleTable {
	next := *t
	for number := len(t.entries) + 1; number <= state.SaleCount(); number++ {
		view, _ := state.Sale(uint16(number))
		next.add(&view)
	}
	return &next
}

func (t *saleTable) add(view *sequencer.SaleView) {
	e := &entry{id: view.ID}
	e.view.Store(view)
	t.entries = append(t.entries, e)
	if 2*len(t.entries) <= len(t.slots) {
		t.slot(e.id).Store(e)
		return
	}
	t.slots = make([]atomic.Pointer[entry], 2*len(t.slots))
	for _, e := range t.entries {
		t.slot(e.id).Store(e)
	}
}

// slot returns where the sale with an id is, or would be.
func (t *saleTable) slot(id string) *atomic.Pointer[entry] {
	for at := maphash.String(t.seed, id); ; at++ {
		slot := &t.slots[at&uint64(len(t.slots)-1)]
		if e := slot.Load(); e == nil || e.id == id {
			return slot
		}
	}
}
