package naive

import (
	"cmp"
	"encoding/binary"
	"slices"

	"onsale/sequencer"
)

// giveTickets numbers the tickets of an order that becomes paid.
func (m *Model) giveTickets(o *order) {
	o.paidSeq = m.seq
	for range o.quantity {
		o.sale.lastTicket++
		o.tickets = append(o.tickets, sequencer.Ticket{Number: uint32(o.sale.lastTicket)})
	}
}

// names are the tickets that a refund of a part names.
func names(c *sequencer.Command) (numbers []uint32) {
	for at := 0; at+4 <= len(c.Body); at += 4 {
		numbers = append(numbers, binary.LittleEndian.Uint32(c.Body[at:]))
	}
	return numbers
}

// named says whether an order has the tickets that a refund names.
func (o *order) named(c *sequencer.Command) sequencer.Code {
	numbers := names(c)
	if c.Quantity == 0 || len(numbers) == 0 {
		return sequencer.CodeOK
	}
	if len(numbers) != int(c.Quantity) {
		return sequencer.CodeBadRequest
	}
	for i, number := range numbers {
		if number == 0 || slices.Max(append([]uint32{0}, numbers[:i]...)) >= number {
			return sequencer.CodeBadRequest
		}
		if !slices.Contains(o.tickets, sequencer.Ticket{Number: number}) {
			return sequencer.CodeUnknownTicket
		}
	}
	return sequencer.CodeOK
}

// isPart reports whether a refund that comes again names the tickets of a part, if any.
func (o *order) isPart(part uint8, c *sequencer.Command) bool {
	var had []uint32
	for _, t := range o.tickets {
		if t.Part == part {
			had = append(had, t.Number)
		}
	}
	return len(c.Body) == 0 || slices.Equal(had, names(c))
}

// revokeSome revokes the tickets of a part that was just refunded: those that are named, else as
// many of the last ones as it takes.
func (m *Model) revokeSome(o *order, c *sequencer.Command) {
	numbers := names(c)
	for at := len(o.tickets) - 1; len(numbers) < int(c.Quantity); at-- {
		if t := o.tickets[at]; !t.Revoked {
			numbers = append(numbers, t.Number)
		}
	}
	m.revoke(o, uint8(len(o.parts)), func(number uint32) bool { return slices.Contains(numbers, number) })
}

// revoke revokes those tickets of an order that are wanted, if they are not revoked yet.
func (m *Model) revoke(o *order, part uint8, wanted func(number uint32) bool) {
	for i := range o.tickets {
		if t := &o.tickets[i]; !t.Revoked && wanted(t.Number) {
			t.Revoked, t.Part = true, part
			m.revoked = append(m.revoked, sequencer.Revocation{Place: uint64(len(m.revoked)) + 1, Order: o.seq, Number: t.Number})
		}
	}
}

// TicketedIn returns the orders of a sale that were ever paid, by their tickets' numbers.
func (m *Model) TicketedIn(sale uint16) (views []sequencer.OrderView) {
	for _, o := range m.orders {
		if o.sale.number == sale && len(o.tickets) > 0 {
			views = append(views, m.view(o))
		}
	}
	slices.SortFunc(views, func(a, b sequencer.OrderView) int { return cmp.Compare(a.Tickets[0].Number, b.Tickets[0].Number) })
	return views
}

// Revocations returns the tickets of a sale that were revoked behind a place, all of them.
func (m *Model) Revocations(sale uint16, after uint64) (list []sequencer.Revocation) {
	for _, is := range m.revoked {
		if is.Place > after && m.orderOf(is.Order).sale.number == sale {
			list = append(list, is)
		}
	}
	return list
}
