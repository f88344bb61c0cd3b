package view

import (
	"fmt"
	"testing"

	"onsale/sequencer"
)

// Every sale is found by its id while more and more come, and nothing else is. A reader of an
// older table finds what that one had.
func TestEverySaleIsFound(t *testing.T) {
	state, p := sequencer.New(), NewSales()
	older := p.table.Load()
	for n := range 5 * slotsMin {
		create(state, n)
		p.Update(state)
		for _, id := range []int{0, n / 2, n} {
			if view, known := p.ByID(fmt.Sprintf("sale-%d", id)); !known || int(view.Number) != id+1 {
				t.Fatalf("with %d sales, sale %d is %+v, %t", n+1, id, view, known)
			}
		}
		if _, known := p.ByID(fmt.Sprintf("sale-%d", n+1)); known {
			t.Fatalf("sale %d is known before it is made", n+1)
		}
		if n == slotsMin {
			older = p.table.Load()
		}
	}
	if n := len(older.entries); n != slotsMin+1 || older.slot("sale-0").Load() != older.entries[0] || len(p.views()) != 5*slotsMin {
		t.Errorf("an older table has %d sales", n)
	}
	p.Replace(sequencer.New())
	if _, known := p.ByID("sale-0"); known || len(p.All()) != 0 {
		t.Error("a sale of another state is known")
	}
}

// An id may lie in the memory of a request: to look for it makes no garbage.
func TestByIDDoesNotAllocate(t *testing.T) {
	state, p := sequencer.New(), NewSales()
	create(state, 1)
	p.Update(state)
	id := []byte("sale-1")
	if allocations := testing.AllocsPerRun(100, func() {
		if _, known := p.ByID(string(id[:])); !known {
			t.Fatal("the sale is not known")
		}
	}); allocations > 1 { // the conversion's here
		t.Errorf("%v allocations", allocations)
	}
}
