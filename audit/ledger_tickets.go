package audit

import (
	"encoding/binary"
	"fmt"

	"onsale/sequencer"
)

// bookedTickets are the numbers of an order that was paid.
type bookedTickets struct {
	first, count uint64
	revoked      map[uint64]bool
}

// minted books which numbers an order's tickets got: the sale's next ones.
func (l *Ledger) minted(o *bookedOrder, r *sequencer.Result) {
	first, next := uint64(r.Ticket), o.sale.lastTicket+1
	switch {
	case first < next:
		l.findings.report(checkTicketTwice, o.seq, fmt.Sprint(next), fmt.Sprint(first), o.sale.number)
	case first > next:
		l.findings.report(checkTicketGap, o.seq, fmt.Sprint(next), fmt.Sprint(first), o.sale.number)
	}
	o.tickets = &bookedTickets{first: first, count: uint64(o.quantity), revoked: map[uint64]bool{}}
	o.sale.lastTicket = max(o.sale.lastTicket, first+uint64(o.quantity)-1)
}

// revokes books which tickets a refund revoked: those that it names, each of which the order must
// have still, or the highest that it has.
func (l *Ledger) revokes(o *bookedOrder, c *sequencer.Command) {
	if o.tickets == nil {
		return // paid before the journal begins, or never, which was reported
	}
	named := namedTickets(c)
	if len(named) == 0 {
		named = o.tickets.highest(int(c.Quantity))
	}
	for _, number := range named {
		if !o.tickets.has(number) {
			l.findings.report(checkTicketRevoked, o.seq, fmt.Sprintf("one from %d to %d that is not revoked", o.tickets.first, o.tickets.first+o.tickets.count-1), fmt.Sprint(number))
		}
		o.tickets.revoked[number] = true
	}
	if len(named) != int(c.Quantity) {
		l.findings.report(checkTicketsNamed, o.seq, fmt.Sprint(c.Quantity), fmt.Sprint(len(named)))
	}
}

// namedTickets are the tickets that a refund names.
func namedTickets(c *sequencer.Command) (numbers []uint64) {
	for names := c.Body; len(names) >= 4; names = names[4:] {
		numbers = append(numbers, uint64(binary.LittleEndian.Uint32(names)))
	}
	return numbers
}

// has reports whether a ticket is the order's and not revoked.
func (t *bookedTickets) has(number uint64) bool {
	return number >= t.first && number < t.first+t.count && !t.revoked[number]
}

// highest returns the highest tickets that are not revoked.
func (t *bookedTickets) highest(tickets int) (numbers []uint64) {
	for number := t.first + t.count - 1; number >= t.first && len(numbers) < tickets; number-- {
		if t.has(number) {
			numbers = append(numbers, number)
		}
	}
	return numbers
}

// firstTicket returns the first number of an order's tickets, 0 before it was paid.
func (o *bookedOrder) firstTicket() uint32 {
	if o.tickets == nil {
		return 0
	}
	return uint32(o.tickets.first)
}
