package sequencer

import (
	"encoding/binary"
	"fmt"
)

// The lengths of a record in the sections of tickets and of revoked ones.
const (
	mintedBytes  = 24
	revokedBytes = 16
)

func (m *minted) fingerprint(order uint64) uint64 { return mix(mix(order, m.seq), uint64(m.first)) }

// fingerprint covers a record and its place, from 1: who reads on from a place must find what
// follows.
func (r *revoked) fingerprint(order uint64, place uint32) uint64 {
	return mix(mix(order, uint64(place)), uint64(r.number)|uint64(r.part)<<32)
}

// freeze returns the tickets as a snapshot has them, without the look-ups.
func (t *tickets) freeze() tickets {
	return tickets{minted: t.minted.freeze(), revoked: t.revoked.freeze(), mintedHash: t.mintedHash, revokedHash: t.revokedHash}
}

// writeTickets writes the sections of tickets, and of revoked ones.
func (sn *Snapshot) writeTickets(w *recordsWriter) {
	t := &sn.tickets
	writeRecords(w, sectionTickets, mintedBytes, t.mintedHash, &t.minted, func(m *minted) uint32 { return m.order }, appendMinted)
	writeRecords(w, sectionRevoked, revokedBytes, t.revokedHash, &t.revoked, func(r *revoked) uint32 { return r.order }, appendRevoked)
}

func appendMinted(dst []byte, m *minted, order uint64) []byte {
	le := binary.LittleEndian
	dst = le.AppendUint64(le.AppendUint64(dst, order), m.seq)
	return le.AppendUint64(dst, uint64(m.first))
}

func appendRevoked(dst []byte, r *revoked, order uint64) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, order)
	return append(binary.LittleEndian.AppendUint32(dst, r.number), r.part, 0, 0, 0)
}

// tickets reads the section of tickets: each sale's numbers follow each other.
func (r *snapshotReader) tickets(s *State, length uint64) uint64 {
	if length%mintedBytes != 0 {
		r.fail("tickets of %d bytes", length)
		return 0
	}
	le, next, last := binary.LittleEndian, make([]uint64, len(s.sales)), uint64(0)
	for ; length > 0 && r.err == nil; length -= mintedBytes {
		f := r.bytes(mintedBytes)
		order, seq, first := le.Uint64(f), le.Uint64(f[8:]), le.Uint64(f[16:])
		number, known := s.orderNumber(order)
		if _, twice := s.tickets.of[number]; !known || twice || !s.wasPaid(number) || seq <= last || seq <= order || seq > s.seq ||
			first != next[s.orders.at(number).sale-1]+1 {
			r.fail("tickets of order %d, from %d on at seq %d, after seq %d, are out of bounds", order, first, seq, last)
			return 0
		}
		last = seq
		next[s.orders.at(number).sale-1] += uint64(s.ticketCount(number))
		s.pushMinted(minted{seq: seq, order: number, first: uint32(first)})
	}
	return s.tickets.mintedHash
}

// revoked reads the section of revoked tickets.
func (r *snapshotReader) revoked(s *State, length uint64) uint64 {
	if length%revokedBytes != 0 {
		r.fail("revoked tickets of %d bytes", length)
		return 0
	}
	le := binary.LittleEndian
	for ; length > 0 && r.err == nil; length -= revokedBytes {
		f := r.bytes(revokedBytes)
		order := le.Uint64(f)
		number, known := s.orderNumber(order)
		is := revoked{order: number, number: le.Uint32(f[8:]), part: f[12]}
		if !known || f[13]|f[14]|f[15] != 0 || !s.revokedFits(&is) {
			r.fail("revoked ticket %d of order %d, with part %d, is out of bounds", is.number, order, is.part)
			return 0
		}
		s.pushRevoked(is)
	}
	return s.tickets.revokedHash
}

// revokedFits reports whether a record can be the next revoked ticket of its order: one that it
// has still, and its part or the whole was refunded.
func (s *State) revokedFits(is *revoked) bool {
	first := s.firstTicket(is.order)
	if first == 0 || is.number < first || is.number-first >= s.ticketCount(is.order) {
		return false
	}
	if gone := s.revokedOf(is.order); gone.has(is.number - first) {
		return false
	}
	if is.part == 0 {
		return s.orders.at(is.order).state == StateRefunded
	}
	place, known := s.partAt(is.order, is.part)
	return known && s.parts.list.at(place).State != PartUnpaid
}

// wasPaid reports whether an order has tickets: it is paid, or was.
func (s *State) wasPaid(number uint32) bool {
	state := s.orders.at(number).state
	return state == StatePaid || state == StateRefunded
}

// verifyTickets checks the tickets against the orders and the sales: who paid has numbers, of a
// sale as many were given out as were paid, and as many are revoked as were refunded.
func (s *State) verifyTickets() error {
	paid, given := uint32(0), make([]uint64, len(s.sales))
	for number := range s.orders.length {
		if !s.wasPaid(number) {
			continue
		}
		o := s.orders.at(number)
		paid++
		if s.firstTicket(number) == 0 {
			return fmt.Errorf("order seq %d is %s and has no tickets", o.seq, o.state)
		}
		given[o.sale-1] += uint64(s.ticketCount(number))
		if kept, is := s.refundedTickets(number), s.revokedCounts(number); kept != is {
			return fmt.Errorf("order seq %d is %s, its tickets revoked are %v by part, refunded were %v", o.seq, o.state, is, kept)
		}
	}
	if paid != s.tickets.minted.length {
		return fmt.Errorf("%d orders have tickets, %d were paid", s.tickets.minted.length, paid)
	}
	for i, sale := range s.sales {
		if sale.minted() != given[i] {
			return fmt.Errorf("sale %q gave out %d tickets, its orders have %d", sale.spec.ID, sale.minted(), given[i])
		}
	}
	return nil
}

// byPart counts an order's tickets by part; 0 is the whole order.
type byPart [CapMax + 1]uint8

// refundedTickets counts what was refunded of an order.
func (s *State) refundedTickets(number uint32) (counts byPart) {
	s.eachPart(number, func(_ uint32, is *part) bool {
		if is.State != PartUnpaid {
			counts[is.number] += is.Quantity
		}
		return true
	})
	if o := s.orders.at(number); o.state == StateRefunded {
		counts[0] = o.quantity
	}
	return counts
}

// revokedCounts counts which tickets of an order are revoked.
func (s *State) revokedCounts(number uint32) (counts byPart) {
	s.eachRevoked(number, func(is *revoked) bool {
		counts[is.part]++
		return true
	})
	return counts
}

// verify checks that every record is found, that each sale's numbers follow each other, and the
// hashes.
func (t *tickets) verify(s *State) (differs string) {
	hash, next := uint64(0), make([]uint64, len(s.sales))
	for place := range t.minted.length {
		is := t.minted.at(place)
		o := s.orders.at(is.order)
		if found, any := t.of[is.order]; !any || found != place {
			return "an order's tickets are not found"
		}
		if uint64(is.first) != next[o.sale-1]+1 {
			return "a sale's tickets do not follow each other"
		}
		next[o.sale-1] += uint64(s.ticketCount(is.order))
		hash += is.fingerprint(o.seq)
	}
	if hash != t.mintedHash || len(t.of) != int(t.minted.length) {
		return "the hash or the orders of the tickets are kept otherwise"
	}
	return t.verifyRevoked(s)
}

func (t *tickets) verifyRevoked(s *State) (differs string) {
	hash, newest, gone := uint64(0), map[uint32]uint32{}, map[revoked]bool{}
	for place := range t.revoked.length {
		is := t.revoked.at(place)
		if is.before != newest[is.order] {
			return "a revoked ticket does not follow its order's before"
		}
		newest[is.order] = place + 1
		name := revoked{order: is.order, number: is.number}
		if first := s.firstTicket(is.order); gone[name] || is.number < first || is.number-first >= s.ticketCount(is.order) {
			return "a ticket was revoked twice, or is not its order's"
		}
		gone[name] = true
		hash += is.fingerprint(s.orders.at(is.order).seq, place+1)
	}
	for order, place := range newest {
		if t.newest[order] != place {
			return "a revoked ticket is not found by its order"
		}
	}
	if hash != t.revokedHash || len(newest) != len(t.newest) {
		return "the hash or the orders of the revoked tickets are kept otherwise"
	}
	return ""
}
