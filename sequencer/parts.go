package sequencer

// Who has two tickets may give one back. A buyer gives a part of a reservation back, or of a
// place in the waitlist, and a seller a part of a paid order. What is left goes on as the
// order; what was given back is a part of it, with a number from 1 on, for good.
//
// A part of a paid order has money of its own. While the order's money is not captured, less
// is captured; from then on as much is refunded, once for each part, under its number. When
// the rest of the order is refunded as well, the parts whose money is not back by then go
// with it: the charge is one, and all of it must be back.
//
// Few orders have parts. The table has them in the order in which they were made, and the
// look-ups follow from it.

// PartState is where the money of a part of an order stands. The numbers are part of the
// snapshot format.
type PartState uint8

// The states of a part.
const (
	// PartUnpaid: it was given back before it was paid; there is no money.
	PartUnpaid PartState = 1
	// PartDue: its money must not be captured, or must go back.
	PartDue PartState = 2
	// PartSpared: its money was never captured.
	PartSpared PartState = 3
	// PartReturned: its money was captured and went back.
	PartReturned PartState = 4
	// PartFailed: the return failed for good, and nothing is sent any more.
	PartFailed PartState = 5
	// PartJoined: the order was refunded before its money went back, which goes with the rest.
	PartJoined PartState = 6
	// PartAcknowledged: as PartFailed, and a seller has taken note.
	PartAcknowledged PartState = 7
	// PartStateMax is the last of them.
	PartStateMax = PartAcknowledged
)

var partStateNames = [...]string{"", "unpaid", "due", "spared", "returned", "failed", "joined", "acknowledged"}

// String returns the state's name.
func (p PartState) String() string { return nameOf(partStateNames[:], uint8(p)) }

// Part is a part of an order that was given back.
type Part struct {
	Quantity uint8 // tickets
	State    PartState
	// Attempts is how many attempts to pay the order had begun: their charges were for the
	// part as well.
	Attempts uint8
	Fails    uint8     // refunds that failed
	Reason   PayReason // of the newest of them
}

// part is what is kept of one.
type part struct {
	Part
	key    KeyDigest
	order  uint32
	before uint32 // the order's part before, as its place + 1; 0 for the first
	number uint8
}

// parts are all of these.
type parts struct {
	list   paged[part]
	newest map[uint32]uint32 // by order: the place in list + 1
	hash   uint64            // sum of the fingerprints
	open   uint32            // failed, and no seller has taken note
}

// addPart gives a part of an order back, as which o counts already.
func (s *State) addPart(number uint32, c *Command, state PartState) {
	p := &s.parts
	before := p.newest[number]
	is := part{Part: Part{Quantity: c.Quantity, State: state, Attempts: s.orders.at(number).attempts},
		key: c.Key, order: number, before: before, number: 1}
	if before != 0 {
		is.number = p.list.at(before-1).number + 1
	}
	s.pushPart(is)
}

// pushPart appends a record.
func (s *State) pushPart(is part) {
	p := &s.parts
	p.list.push(is)
	p.newest[is.order] = p.list.length
	p.open += isOpen(&is.Part)
	p.hash += is.fingerprint(s.orders.at(is.order).seq)
}

// editPart changes the record at a place.
func (s *State) editPart(place uint32, change func(*Part)) {
	p := &s.parts
	seq := s.orders.at(p.list.at(place).order).seq
	is := p.list.edit(place)
	p.hash -= is.fingerprint(seq)
	p.open -= isOpen(&is.Part)
	change(&is.Part)
	p.hash += is.fingerprint(seq)
	p.open += isOpen(&is.Part)
}

// isOpen returns 1 for a part whose return failed and of which no seller has taken note.
func isOpen(p *Part) uint32 {
	if p.State == PartFailed {
		return 1
	}
	return 0
}

// hasFailed reports whether a part's return failed for good.
func (p *Part) hasFailed() bool { return p.State == PartFailed || p.State == PartAcknowledged }

// acknowledgePart notes that a seller has seen that a part's return failed.
func (s *State) acknowledgePart(number uint32, c *Command) Code {
	switch place, known := s.partAt(number, c.Part); {
	case !known:
		return CodeBadRequest
	case c.Attempt != s.orders.at(number).attempts || !s.parts.list.at(place).hasFailed():
		return CodeNotFailed
	default:
		s.editPart(place, func(p *Part) { p.State = PartAcknowledged })
	}
	return CodeOK
}

// eachPart calls each with the places of an order's parts, the newest first, until it returns
// false.
func (s *State) eachPart(number uint32, each func(place uint32, is *part) bool) {
	for next := s.parts.newest[number]; next != 0; {
		place := next - 1
		is := s.parts.list.at(place)
		next = is.before
		if !each(place, is) {
			return
		}
	}
}

// partAt finds a part of an order by its number.
func (s *State) partAt(number uint32, partNumber uint8) (place uint32, known bool) {
	s.eachPart(number, func(at uint32, is *part) bool {
		place, known = at, is.number == partNumber
		return !known
	})
	return place, known
}

// share is how much of an order a command gives back.
type share uint8

const (
	shareAll  share = iota
	sharePart       // the command's quantity
	shareDone       // nothing more: the part was given back under the command's key before
)

// shareOf returns how much of an order a cancel, withdraw or refund gives back.
func (s *State) shareOf(number uint32, c *Command) (share, Code) {
	if c.Quantity == 0 {
		return shareAll, CodeOK
	}
	var known *part
	if c.Key != (KeyDigest{}) {
		s.eachPart(number, func(_ uint32, is *part) bool {
			if is.key == c.Key {
				known = is
			}
			return known == nil
		})
	}
	switch quantity := s.orders.at(number).quantity; {
	case known != nil && (known.Quantity != c.Quantity || (known.State == PartUnpaid) != c.Kind.givesBackUnpaid() || !s.namesPart(number, known.number, c.Body)):
		return shareDone, CodeKeyReused
	case known != nil:
		return shareDone, CodeOK
	case c.Quantity > quantity:
		return sharePart, CodeInvalidQuantity
	case c.Quantity == quantity:
		return shareAll, CodeOK
	}
	return sharePart, CodeOK
}

// cancelPart takes tickets from an order that waits or is reserved. o is the order, for
// writing; the caller promotes.
func (s *State) cancelPart(number uint32, o *order, sale *sale, c *Command) {
	o.quantity -= c.Quantity
	if o.state == StateWaitlisted {
		sale.waitingTickets -= uint64(c.Quantity)
	} else {
		sale.held -= uint32(c.Quantity)
		sale.available += uint32(c.Quantity)
	}
	sale.counters.Tickets[StateCancelled] += uint64(c.Quantity)
	s.addPart(number, c, PartUnpaid)
	sale.check()
}

// refundPart takes a part of a paid order back.
func (s *State) refundPart(number uint32, sale *sale, c *Command) {
	o := s.edit(number)
	o.quantity -= c.Quantity
	sale.sold -= uint32(c.Quantity)
	sale.withheld += uint32(c.Quantity)
	sale.counters.Tickets[StateRefunded] += uint64(c.Quantity)
	if s.isFree(o) {
		s.addPart(number, c, PartSpared)
	} else {
		s.addPart(number, c, PartDue)
	}
	s.revokePart(number, c, s.parts.list.at(s.parts.list.length-1).number)
	s.done(o)
	s.track(number, o)
	sale.check()
}

// joinParts lets the money of parts that is not back go back with the rest of the order.
func (s *State) joinParts(number uint32) {
	s.eachPart(number, func(place uint32, is *part) bool {
		if is.State == PartDue || is.hasFailed() {
			s.editPart(place, func(p *Part) { p.State = PartJoined })
		}
		return true
	})
}

// spareParts notes which parts were not captured: all but the newest ones whose money the
// amount includes. It is false, and nothing is noted, when there is no such amount.
func (s *State) spareParts(number uint32, amount int64) bool {
	o := s.orders.at(number)
	price := s.priceOf(o)
	tickets, matched := int64(o.quantity), false
	s.eachPart(number, func(_ uint32, is *part) bool {
		matched = amount == price*tickets || is.State != PartDue
		if !matched {
			tickets += int64(is.Quantity)
		}
		return !matched
	})
	if amount != price*tickets {
		return false
	}
	left := tickets - int64(o.quantity) // of the newest parts, whose money was captured
	s.eachPart(number, func(place uint32, is *part) bool {
		if left -= int64(is.Quantity); left < 0 && is.State == PartDue {
			s.editPart(place, func(p *Part) { p.State = PartSpared })
		}
		return true
	})
	return true
}

// isPartDue reports whether the money of a part must go back.
func (s *State) isPartDue(number uint32) (due bool) {
	s.eachPart(number, func(_ uint32, is *part) bool {
		due = is.State == PartDue
		return !due
	})
	return due
}

// partReturned decides a pay_voided of a part.
func (s *State) partReturned(number uint32, c *Command) Code {
	place, code := s.partPaid(number, c)
	if code != CodeOK {
		return code
	}
	switch is := s.parts.list.at(place); {
	case is.State != PartDue && !is.hasFailed():
		return CodeStaleAttempt
	case c.Outcome != PayRefunded:
		return CodeNotCancellable
	}
	s.editPart(place, func(p *Part) { p.State = PartReturned })
	s.track(number, s.orders.at(number))
	return CodeOK
}

// partBounced decides a pay_bounced of a part.
func (s *State) partBounced(number uint32, c *Command) Code {
	place, code := s.partPaid(number, c)
	if code != CodeOK {
		return code
	}
	is := s.parts.list.at(place)
	if is.State != PartDue && is.State != PartReturned || c.Count != uint32(min(is.Fails+1, RefundsMax)) {
		return CodeStaleAttempt
	}
	s.editPart(place, func(p *Part) {
		p.Fails, p.Reason, p.State = min(p.Fails+1, RefundsMax), c.Reason, PartDue
		if p.Fails >= RefundsMax || c.Reason.isFinal() {
			p.State = PartFailed
		}
	})
	s.track(number, s.orders.at(number))
	return CodeOK
}

// partPaid finds the part of which a command says what became of its money: of an order that
// is paid and captured, by its newest attempt.
func (s *State) partPaid(number uint32, c *Command) (place uint32, code Code) {
	o := s.orders.at(number)
	place, known := s.partAt(number, c.Part)
	switch {
	case !known:
		return 0, CodeBadRequest
	case c.Attempt != o.attempts || o.state != StatePaid || !o.has(wasCaptured):
		return 0, CodeStaleAttempt
	}
	return place, CodeOK
}

// showParts returns an order's parts, by their numbers; nil for none.
func (s *State) showParts(number uint32) []Part {
	newest := s.parts.newest[number]
	if newest == 0 {
		return nil
	}
	shown := make([]Part, s.parts.list.at(newest-1).number)
	s.eachPart(number, func(_ uint32, is *part) bool {
		shown[is.number-1] = is.Part
		return true
	})
	return shown
}
