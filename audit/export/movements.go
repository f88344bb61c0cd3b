package export

import (
	"time"

	"onsale/sequencer"
)

// money is what an order's money has been so far, in minor units.
type money struct{ captured, returned int64 }

// moneyOf returns an order's money; nothing for one that there is not yet.
func (b *Books) moneyOf(seq uint64) money {
	v, known := b.state.Order(seq)
	if !known || !v.Captured {
		return money{}
	}
	sale, _ := b.state.Sale(v.Sale)
	return money{captured: sale.Price * v.TakenTickets(), returned: sale.Price * returnedTickets(&v)}
}

// returnedTickets are those whose money went back: in parts, and with the rest of the order.
func returnedTickets(v *sequencer.OrderView) int64 {
	tickets := v.PartTickets(sequencer.PartReturned)
	if v.State == sequencer.StateRefunded && v.Voided&(1<<(v.Attempts-1)) != 0 {
		tickets += int64(v.Quantity) + v.PartTickets(sequencer.PartJoined)
	}
	return tickets
}

// The kinds of movements. Amounts are positive; a refund that failed days later is a returned one
// of a negative amount, on the day on which that was known.
const (
	movementCaptured = "captured"
	movementReturned = "returned"
)

// bookMovements puts what moved of an order's money since before; place is the order's among those
// of the block.
func (b *Books) bookMovements(place int64, seq uint64, before money) {
	after := b.moneyOf(seq)
	if after == before {
		return
	}
	v, _ := b.state.Order(seq)
	b.move(2*place, &v, movementCaptured, after.captured-before.captured)
	b.move(2*place+1, &v, movementReturned, after.returned-before.returned)
}

func (b *Books) move(place int64, v *sequencer.OrderView, kind string, amount int64) {
	if amount == 0 {
		return
	}
	sale, _ := b.state.Sale(v.Sale)
	b.rows.Put(Movements, Row{int64(b.position.Head.Height), place, b.position.At, b.day(sale.Zone, b.position.At), v.SaleID, int64(v.Seq),
		int64(v.Attempts), kind, amount, sale.Currency})
}

// day is the date of a time in a zone: of the transaction, where the seller is.
func (b *Books) day(zone string, at time.Time) Day {
	return Day(at.In(b.zone(zone)).Format(time.DateOnly))
}

// zone returns a time zone, UTC for one that this machine does not know.
func (b *Books) zone(name string) *time.Location {
	if at, known := b.zones[name]; known {
		return at
	}
	at, err := time.LoadLocation(name) // "" is UTC
	if err != nil {
		at = time.UTC
	}
	b.zones[name] = at
	return at
}
