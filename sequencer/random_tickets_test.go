package sequencer_test

import (
	"fmt"
	"reflect"
	"slices"

	"onsale/sequencer"
)

// ticketed holds the pages of revoked tickets to what was revoked, and each sale's tickets to what
// it sold: minted and not revoked are as many as are sold.
func (t *trial) ticketed() error {
	valid := make([]uint32, t.dumb.SaleCount()+1)
	for _, seq := range t.seqs {
		view, _ := t.state.Order(seq)
		valid[view.Sale] += uint32(view.ValidTickets())
	}
	for number := uint16(1); int(number) <= t.dumb.SaleCount(); number++ {
		if err := t.listed(number); err != nil {
			return err
		}
		if view, _ := t.state.Sale(number); view.Sold != valid[number] {
			return fmt.Errorf("sale %d sold %d tickets, and %d are valid", number, view.Sold, valid[number])
		}
		for limit := 1; limit <= 100; limit += 99 {
			var got []sequencer.Revocation
			for after, more := uint64(0), true; more; {
				var page []sequencer.Revocation
				if page, after, more = t.state.Revocations(number, after, limit); len(page) > limit {
					return fmt.Errorf("a page of %d revoked tickets, at most %d", len(page), limit)
				}
				got = append(got, page...)
			}
			if want := t.dumb.Revocations(number, 0); !slices.Equal(got, want) {
				return fmt.Errorf("revoked tickets of sale %d:\n  got  %+v\n  want %+v", number, got, want)
			}
		}
	}
	return nil
}

// listed holds the pages of a sale's orders that have tickets to the model's list of them.
func (t *trial) listed(sale uint16) error {
	want := t.dumb.TicketedIn(sale)
	for limit := 1; limit <= 100; limit += 99 {
		var got []sequencer.OrderView
		for after, more := uint64(0), true; more; {
			var page []sequencer.OrderView
			if page, after, more = t.state.TicketedIn(sale, after, limit); len(page) > limit {
				return fmt.Errorf("a page of %d orders with tickets, at most %d", len(page), limit)
			}
			got = append(got, page...)
		}
		if !reflect.DeepEqual(got, want) {
			return fmt.Errorf("orders of sale %d with tickets:\n  got  %+v\n  want %+v", sale, got, want)
		}
	}
	return nil
}
