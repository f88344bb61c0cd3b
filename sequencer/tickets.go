package sequencer

import "encoding/binary"

// A ticket is a number that paid mints: 1, 2, 3 and so on in each sale, in the order in which
// its orders were paid. A number is never given out again: a refund revokes it.
//
// Who never pays costs nothing here: numbers lie beside the orders, 16 bytes for each order
// that was ever paid and its place in a look-up, and 16 bytes for each ticket that was
// revoked. How many numbers a sale has given out is kept already, as the tickets of the orders
// that ever entered StatePaid.

// TicketNumberMax bounds the numbers of a sale, so that one fits 32 bits on paper and wire. No
// payment begins that could go beyond: a sale would have to sell its tickets many times over.
const TicketNumberMax = 1<<32 - 1

// ticketBytes is the length of a number in the body of a refund.
const ticketBytes = 4

// Ticket is one ticket of an order.
type Ticket struct {
	Number  uint32
	Revoked bool
	Part    uint8 // with which part it was; 0 for the whole order, and while it is not
}

// minted are the numbers of an order that was paid.
type minted struct {
	seq   uint64 // of the decision that minted them
	order uint32
	first uint32 // the others follow it
}

// revoked is a ticket that is not valid any more.
type revoked struct {
	order  uint32
	number uint32
	before uint32 // the order's revoked ticket before, as its place + 1; 0 for the first
	part   uint8
}

// tickets are all of these. Both lists are in the order in which it happened.
type tickets struct {
	minted      paged[minted]
	of          map[uint32]uint32 // by order: its place in minted
	revoked     paged[revoked]
	newest      map[uint32]uint32 // by order: its newest place in revoked + 1
	mintedHash  uint64            // sum of the fingerprints
	revokedHash uint64            // the same
}

// minted returns how many numbers a sale has given out: the highest of them.
func (s *sale) minted() uint64 { return s.counters.Tickets[StatePaid] }

// mint gives the tickets of an order that becomes paid their numbers; enter counts them after.
func (s *State) mint(number uint32, sale *sale) {
	s.pushMinted(minted{seq: s.seq, order: number, first: uint32(sale.minted() + 1)})
}

func (s *State) pushMinted(is minted) {
	t := &s.tickets
	t.of[is.order] = t.minted.length
	t.minted.push(is)
	t.mintedHash += is.fingerprint(s.orders.at(is.order).seq)
}

// firstTicket returns the first of an order's numbers; 0 when it was never paid.
func (s *State) firstTicket(number uint32) uint32 {
	if place, any := s.tickets.of[number]; any {
		return s.tickets.minted.at(place).first
	}
	return 0
}

// ticketCount returns how many tickets an order that was paid had then.
func (s *State) ticketCount(number uint32) uint32 {
	return uint32(s.orders.at(number).quantity) + uint32(s.refundedParts(number))
}

// ticketSet is a set of an order's tickets, by their place from the first number on.
type ticketSet [2]uint64

const _ = uint(len(ticketSet{})*64 - CapMax)

func (t *ticketSet) add(i uint32)      { t[i/64] |= 1 << (i % 64) }
func (t *ticketSet) has(i uint32) bool { return t[i/64]&(1<<(i%64)) != 0 }

// eachRevoked calls each with an order's revoked tickets, the newest first, until it returns
// false.
func (s *State) eachRevoked(number uint32, each func(is *revoked) bool) {
	for next := s.tickets.newest[number]; next != 0; {
		is := s.tickets.revoked.at(next - 1)
		next = is.before
		if !each(is) {
			return
		}
	}
}

// revokedOf returns which of an order's tickets are revoked.
func (s *State) revokedOf(number uint32) (set ticketSet) {
	first := s.firstTicket(number)
	s.eachRevoked(number, func(is *revoked) bool {
		set.add(is.number - first)
		return true
	})
	return set
}

// namedCode says whether a refund may revoke the tickets that it names: as many as it takes,
// ascending, all of the order and none revoked before.
func (s *State) namedCode(number uint32, c *Command) Code {
	if c.Quantity == 0 || len(c.Body) == 0 {
		return CodeOK
	}
	if len(c.Body) != ticketBytes*int(c.Quantity) {
		return CodeBadRequest
	}
	first, count, gone, last := s.firstTicket(number), s.ticketCount(number), s.revokedOf(number), uint32(0)
	for names := c.Body; len(names) > 0; names = names[ticketBytes:] {
		name := binary.LittleEndian.Uint32(names)
		switch {
		case name <= last:
			return CodeBadRequest
		case name < first || name-first >= count || gone.has(name-first):
			return CodeUnknownTicket
		}
		last = name
	}
	return CodeOK
}

// namesPart reports whether a refund that comes again names what it revoked: an order's part. Who
// names nothing means whatever that was.
func (s *State) namesPart(number uint32, part uint8, names []byte) bool {
	if len(names) == 0 {
		return true
	}
	same, at := true, len(names)
	s.eachRevoked(number, func(is *revoked) bool {
		if is.part == part {
			at -= ticketBytes
			same = at >= 0 && binary.LittleEndian.Uint32(names[at:]) == is.number
		}
		return same
	})
	return same && at == 0
}

// revokePart revokes the tickets that a refund of a part names, or the highest that the order
// has, as many as the part has.
func (s *State) revokePart(number uint32, c *Command, part uint8) {
	for names := c.Body; len(names) > 0; names = names[ticketBytes:] {
		s.pushRevoked(revoked{order: number, number: binary.LittleEndian.Uint32(names), part: part})
	}
	if len(c.Body) > 0 {
		return
	}
	gone, from, left := s.revokedOf(number), s.ticketCount(number), c.Quantity
	for left > 0 {
		from--
		if !gone.has(from) {
			left--
		}
	}
	s.revokeFrom(number, from, &gone, part)
}

// revokeAll revokes what an order still has.
func (s *State) revokeAll(number uint32) {
	gone := s.revokedOf(number)
	s.revokeFrom(number, 0, &gone, 0)
}

// revokeFrom revokes an order's tickets from a place on, but those that are gone.
func (s *State) revokeFrom(number, from uint32, gone *ticketSet, part uint8) {
	first, count := s.firstTicket(number), s.ticketCount(number)
	for i := from; i < count; i++ {
		if !gone.has(i) {
			s.pushRevoked(revoked{order: number, number: first + i, part: part})
		}
	}
}

// pushRevoked appends a record.
func (s *State) pushRevoked(is revoked) {
	t := &s.tickets
	is.before = t.newest[is.order]
	t.revoked.push(is)
	t.newest[is.order] = t.revoked.length
	t.revokedHash += is.fingerprint(s.orders.at(is.order).seq, t.revoked.length)
}

// showTickets shows an order's tickets in a view of it, by their numbers.
func (s *State) showTickets(number uint32, v *OrderView) {
	place, any := s.tickets.of[number]
	if !any {
		return
	}
	is := s.tickets.minted.at(place)
	v.PaidSeq = is.seq
	if birth, known := s.BirthOf(is.seq); known {
		v.PaidBirth = birth.Cluster
	}
	v.Tickets = make([]Ticket, s.ticketCount(number))
	for i := range v.Tickets {
		v.Tickets[i].Number = is.first + uint32(i)
	}
	s.eachRevoked(number, func(gone *revoked) bool {
		ticket := &v.Tickets[gone.number-is.first]
		ticket.Revoked, ticket.Part = true, gone.part
		return true
	})
}
