package sequencer

import (
	"errors"
	"fmt"
	"hash/maphash"
)

// tally is what the orders say of a sale.
type tally struct {
	held, sold, withheld, waitingTickets uint64
	waiting                              uint32
}

// Verify checks the whole state against itself, at a cost that grows with it: in
// tests and audits. It returns the first difference found, with both sides.
func (s *State) Verify() error {
	ordersHash := uint64(0)
	for number := range s.orders.length {
		o := s.orders.at(number)
		due, _ := s.voids(number, o)
		if tracked := s.unsettled.has(number); tracked != s.isUnsettled(number, o) {
			return fmt.Errorf("order seq %d is %s, capture due %t, voids due %b, and tracked as unsettled: %t", o.seq, o.state, o.has(isCaptureDue), due, tracked)
		}
		ordersHash += o.fixedFingerprint(s.texts.get(o.user)) + o.movingFingerprint()
		if _, newest := s.user(s.texts.get(o.user), maphash.Bytes(s.hashSeed, s.texts.get(o.user))); newest <= number {
			return fmt.Errorf("user of order seq %d is indexed under order number %d, not %d or later", o.seq, int64(newest)-1, number)
		}
		if err := s.verifyFound(number, o); err != nil {
			return err
		}
	}
	if ordersHash != s.ordersHash {
		return fmt.Errorf("hash of the orders is kept as %016x, is %016x", s.ordersHash, ordersHash)
	}
	if differs := s.bounces.verify(s); differs != "" {
		return errors.New(differs)
	}
	if differs := s.parts.verify(s); differs != "" {
		return errors.New(differs)
	}
	if differs := s.disputes.verify(s); differs != "" {
		return errors.New(differs)
	}
	if differs := s.accounts.verify(s); differs != "" {
		return errors.New(differs)
	}
	if differs := s.tickets.verify(s); differs != "" {
		return errors.New(differs)
	}
	if differs := s.attempts.verify(s); differs != "" {
		return errors.New(differs)
	}
	return s.verifyCounts()
}

// verifyFound checks that a buy would find an order by its user and sale, and by its key.
func (s *State) verifyFound(number uint32, o *order) error {
	user := s.texts.get(o.user)
	own := s.ownedBy(user, maphash.Bytes(s.hashSeed, user), o.sale)
	newest := own.inSale
	for newest > number+1 {
		newest = s.previousInSale(newest - 1)
	}
	if newest != number+1 {
		return fmt.Errorf("order seq %d is not among its user's orders in sale %d", o.seq, o.sale)
	}

	if o.key == (KeyDigest{}) {
		return nil
	}
	other := o.sale%uint16(len(s.sales)) + 1
	for _, sale := range [...]uint16{o.sale, other} {
		found, bound := s.orderByKey(&o.key, s.ownedBy(user, own.hash, sale))
		if !bound || found != number {
			return fmt.Errorf("order seq %d is not found by its key in sale %d: order number %d, bound %t", o.seq, sale, found, bound)
		}
	}
	return nil
}

// verifyCounts checks the sales' counts against their orders, and the sessions. A
// restored state needs no more: index, timers and hashes were just made of the orders.
func (s *State) verifyCounts() error {
	tallies := make([]tally, len(s.sales))
	for number := range s.orders.length {
		o := s.orders.at(number)
		if o.has(wasCaptured) && (o.has(isCaptureDue) || o.state != StatePaid && o.state != StateRefunded) {
			return fmt.Errorf("order seq %d is %s, its capture due %t, and it was captured", o.seq, o.state, o.has(isCaptureDue))
		}
		if o.has(isCaptureDue) && o.state != StatePaid {
			return fmt.Errorf("order seq %d is %s and its capture is due", o.seq, o.state)
		}
		tallies[o.sale-1].add(o, s.effective(o))
		tallies[o.sale-1].withheld += s.refundedParts(number)
	}
	if err := s.verifySessions(); err != nil {
		return err
	}
	if err := s.verifyTickets(); err != nil {
		return err
	}
	return s.verifySales(tallies)
}

func (s *State) verifySessions() error {
	hash, last := uint64(0), uint64(0)
	for i := range s.sessions.list {
		one := &s.sessions.list[i]
		if one.id <= last || one.id > s.seq {
			return fmt.Errorf("session %d follows session %d at seq %d", one.id, last, s.seq)
		}
		hash, last = hash+one.fingerprint(), one.id
	}
	if hash != s.sessions.hash {
		return fmt.Errorf("hash of the sessions is kept as %016x, is %016x", s.sessions.hash, hash)
	}
	return nil
}

// refundedParts returns the tickets of an order's parts that were refunded.
func (s *State) refundedParts(number uint32) (tickets uint64) {
	s.eachPart(number, func(_ uint32, is *part) bool {
		if is.State != PartUnpaid {
			tickets += uint64(is.Quantity)
		}
		return true
	})
	return tickets
}

func (t *tally) add(o *order, state OrderState) {
	switch state {
	case StateReserved, StatePaying:
		t.held += uint64(o.quantity)
	case StatePaid:
		t.sold += uint64(o.quantity)
	case StateRefunded:
		t.withheld += uint64(o.quantity)
	case StateWaitlisted:
		t.waiting++
		t.waitingTickets += uint64(o.quantity)
	}
}

func (s *State) verifySales(tallies []tally) error {
	salesHash := uint64(0)
	for i, sale := range s.sales {
		is := tallies[i]
		kept := tally{uint64(sale.held), uint64(sale.sold), is.withheld, sale.waitingTickets, sale.waiting}
		if kept != is || uint64(sale.withheld) > is.withheld {
			return fmt.Errorf("sale %q: its counts are %+v (withheld %d), its orders say %+v", sale.spec.ID, kept, sale.withheld, is)
		}
		sum := uint64(sale.sold) + uint64(sale.held) + uint64(sale.withheld) + uint64(sale.available)
		if sum != uint64(sale.spec.Quantity) {
			return fmt.Errorf("sale %q: sold + held + withheld + available is %d, its quantity %d", sale.spec.ID, sum, sale.spec.Quantity)
		}
		salesHash += sale.fingerprint(sale.specFingerprint())
	}
	if salesHash != s.salesHash {
		return fmt.Errorf("hash of the sales is kept as %016x, is %016x", s.salesHash, salesHash)
	}
	return nil
}
