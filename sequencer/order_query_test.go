package sequencer_test

import (
	"fmt"
	"testing"
	"time"

	"onsale/sequencer"
)

// crowded is a state with a sale of tickets, as many orders as are asked for, each of another buyer and
// with a reference, and one more order of a second sale.
func crowded(tickets, orders int) *sequencer.State {
	const batch = 1000
	state, out := sequencer.New(), new(sequencer.Decisions)
	at := int64(1_780_272_000 * time.Second)
	apply := func(commands ...sequencer.Command) {
		state.Apply(&sequencer.Batch{Time: at, Commands: commands}, out)
	}
	for _, id := range []string{"arena", "hall"} {
		spec := sequencer.SaleSpec{ID: id, Item: id, Quantity: uint32(tickets), Cap: 2, Waitlist: uint32(orders), Price: 100, Currency: "EUR", Hold: int64(time.Hour)}
		apply(sequencer.Command{Kind: sequencer.KindSaleCreate, Body: sequencer.AppendSaleSpec(nil, &spec)})
	}
	for from := 0; from < orders; from += batch {
		buys := make([]sequencer.Command, min(batch, orders-from))
		for i := range buys {
			buys[i] = sequencer.Command{Kind: sequencer.KindBuy, Sale: 1, User: fmt.Appendf(nil, "buyer-%d", from+i), Quantity: 1, Reference: fmt.Appendf(nil, "cart-%d", from+i)}
		}
		apply(buys...)
	}
	apply(sequencer.Command{Kind: sequencer.KindBuy, Sale: 2, User: []byte("buyer-0"), Quantity: 1})
	return state
}

// One look at a sale's orders looks at so many as its bound says, and copies so many, whatever is
// asked for; it says where it stopped, and the next goes on there.
func TestOneLookIsBounded(t *testing.T) {
	const orders = 3*sequencer.OrdersSeenMax + 5
	state := crowded(orders, orders)
	first := state.OrdersOf([]byte("buyer-0"), 0, 1)[0].Seq
	for name, c := range map[string]struct {
		q     sequencer.OrderQuery
		shown int
		next  uint64 // orders' seqs follow each other
	}{
		"many match":         {sequencer.OrderQuery{}, sequencer.OrdersShownMax, first + sequencer.OrdersShownMax - 1},
		"none matches":       {sequencer.OrderQuery{State: sequencer.StatePaid}, 0, first + sequencer.OrdersSeenMax - 1},
		"none has that name": {sequencer.OrderQuery{Reference: "cart"}, 0, first + sequencer.OrdersSeenMax - 1},
		"it goes on":         {sequencer.OrderQuery{State: sequencer.StatePaid, After: first + sequencer.OrdersSeenMax - 1}, 0, first + 2*sequencer.OrdersSeenMax - 1},
		"the end":            {sequencer.OrderQuery{State: sequencer.StatePaid, After: first + 3*sequencer.OrdersSeenMax - 1}, 0, 0},
		"of one buyer":       {sequencer.OrderQuery{User: "buyer-0"}, 1, 0},
	} {
		c.q.Sale, c.q.Limit = 1, 1000
		if views, next := state.OrdersIn(&c.q); len(views) != c.shown || next != c.next {
			t.Errorf("%s: %d orders are shown and the next look is behind %d, want %d and %d", name, len(views), next, c.shown, c.next)
		}
	}
}

// The orders that are not settled are counted in looks of that size.
func TestUnsettledAreCountedInLooks(t *testing.T) {
	const orders = sequencer.OrdersSeenMax + 5
	state := crowded(orders, orders)
	var begun []sequencer.Command
	for at := uint64(0); ; {
		views, next := state.OrdersIn(&sequencer.OrderQuery{Sale: 1, After: at, Limit: 1000})
		for i := range views {
			begun = append(begun, sequencer.Command{Kind: sequencer.KindPayBegin, Order: views[i].Seq, User: []byte(views[i].User), Amount: 100, Reference: []byte("a")})
		}
		if at = next; next == 0 {
			break
		}
	}
	state.Apply(&sequencer.Batch{Time: state.Now(), Commands: begun}, new(sequencer.Decisions))

	count, next := state.UnsettledOf(1, 0)
	if count != sequencer.OrdersSeenMax || next != begun[count-1].Order {
		t.Fatalf("one look counts %d and ends at %d, want %d and %d", count, next, sequencer.OrdersSeenMax, begun[sequencer.OrdersSeenMax-1].Order)
	}
	if count, next = state.UnsettledOf(1, next); count != 5 || next != 0 {
		t.Errorf("the next counts %d and ends at %d, want 5 and 0", count, next)
	}
	if count, next = state.UnsettledOf(2, 0); count != 0 || next != begun[sequencer.OrdersSeenMax-1].Order {
		t.Errorf("of another sale one look counts %d and ends at %d", count, next)
	}
}
