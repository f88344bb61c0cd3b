package sequencer

// What bounds the attempts to pay: those of one order, so that a buyer whose card is declined
// may try others and a silent provider does not use them all up, and the declines of one
// user, so that nobody tries out stolen cards with many orders.
//
// Few orders have a second attempt, or one that stood in the line (line.go), and few users a
// declined one: they have a record in a table each, in the order in which the records were made, and the look-ups follow from
// those.

// tries is what is kept of an order that had a second attempt, a declined one, or one that stood
// in the line.
type tries struct {
	at       int64 // log time at which its newest attempt began; 0 before the second
	lineEnd  int64 // until when its newest attempt may stand in the line, by the holds' clock; 0 when it does not
	order    uint32
	voidsDue uint32 // as order.voidsDue, of the attempts from the 9th on
	voided   uint32 // as order.voided, of the attempts from the 9th on
	declines uint8
}

// decliner is a user of whom an attempt was declined.
type decliner struct {
	since    int64  // log time of the first decline of the current window
	order    uint32 // that brought the first of all: it says who the user is
	declines uint8  // in the current window; no more are counted than a byte has
}

// attempts are all of these.
type attempts struct {
	tries      paged[tries]
	decliners  paged[decliner]
	ofOrder    map[uint32]uint32  // by the order's number: the place in tries
	ofUser     map[textRef]uint32 // the place in decliners
	hash       uint64             // sum of the fingerprints of tries
	usersHash  uint64             // and of decliners
	unfinished tries              // the zero record, for orders that have none
}

// wideAttempt is the first attempt whose bits are in tries.
const wideAttempt = 9

// nextAttempt returns why an order, or its user, must not begin another attempt, and from
// which log time on it may: CodeOK for at once.
func (s *State) nextAttempt(number uint32, o *order) (code Code, at int64) {
	if o.attempts >= AttemptsMax {
		return CodeAttemptsExceeded, TimeMax
	}
	if t := s.triesOf(number); t.declines >= DeclinesFree || o.attempts >= AttemptsFree {
		code, at = CodeAttemptTooSoon, later(t.at, AttemptPause)
	}
	if place, any := s.attempts.ofUser[o.user]; any {
		d := s.attempts.decliners.at(place)
		if over := later(d.since, UserDeclinesWindow); d.declines >= UserDeclinesMax && over > at {
			code, at = CodeDeclinesExceeded, over
		}
	}
	if at <= s.now {
		return CodeOK, 0
	}
	return code, at
}

// triesOf returns an order's record for reading, the zero one when it has none.
func (s *State) triesOf(number uint32) *tries {
	if place, any := s.attempts.ofOrder[number]; any {
		return s.attempts.tries.at(place)
	}
	return &s.attempts.unfinished
}

// editTries changes an order's record, which it makes when there is none.
func (s *State) editTries(number uint32, change func(*tries)) {
	a, seq := &s.attempts, s.orders.at(number).seq
	place, any := a.ofOrder[number]
	if !any {
		place = a.tries.length
		a.tries.push(tries{order: number})
		a.ofOrder[number] = place
	} else {
		a.hash -= a.tries.at(place).fingerprint(seq)
	}
	t := a.tries.edit(place)
	change(t)
	a.hash += t.fingerprint(seq)
}

// began notes that an attempt of an order, which o counts already, begins.
func (s *State) began(number uint32, o *order) {
	if o.attempts > 1 {
		s.editTries(number, func(t *tries) { t.at = s.now })
	}
}

// declined notes that the newest attempt of an order was declined.
func (s *State) declined(number uint32, o *order) {
	s.editTries(number, func(t *tries) { t.declines++ })
	a := &s.attempts
	place, any := a.ofUser[o.user]
	if !any {
		place = a.decliners.length
		a.decliners.push(decliner{since: s.now, order: number})
		a.ofUser[o.user] = place
	} else {
		a.usersHash -= a.decliners.at(place).fingerprint(s.firstSeqOf(place))
	}
	d := a.decliners.edit(place)
	if s.now >= later(d.since, UserDeclinesWindow) {
		d.since, d.declines = s.now, 0
	}
	d.declines += min(1, ^d.declines)
	a.usersHash += d.fingerprint(s.firstSeqOf(place))
}

// firstSeqOf returns the seq of the order that names a decliner.
func (s *State) firstSeqOf(place uint32) uint64 {
	return s.orders.at(s.attempts.decliners.at(place).order).seq
}

func (t *tries) fingerprint(seq uint64) uint64 {
	h := mix(mix(seq, uint64(t.at)), uint64(t.lineEnd))
	return mix(mix(h, uint64(t.voidsDue)|uint64(t.voided)<<32), uint64(t.declines))
}

func (d *decliner) fingerprint(seq uint64) uint64 {
	return mix(mix(seq, uint64(d.since)), uint64(d.declines))
}

// voids returns which attempts' money must go back, and which went back: bit n-1 for
// attempt n.
func (s *State) voids(number uint32, o *order) (due, done uint32) {
	due, done = uint32(o.voidsDue), uint32(o.voided)
	if o.attempts >= wideAttempt {
		t := s.triesOf(number)
		due, done = due|t.voidsDue, done|t.voided
	}
	return due, done
}

// setVoids sets for one attempt whether its money must go back, and whether it went. o is
// the order, for writing.
func (s *State) setVoids(number uint32, o *order, attempt uint8, due, done bool) {
	set := func(bits uint32, to bool) uint32 {
		bits &^= 1 << (attempt - 1)
		if to {
			bits |= 1 << (attempt - 1)
		}
		return bits
	}
	if attempt < wideAttempt {
		o.voidsDue, o.voided = uint8(set(uint32(o.voidsDue), due)), uint8(set(uint32(o.voided), done))
		return
	}
	s.editTries(number, func(t *tries) { t.voidsDue, t.voided = set(t.voidsDue, due), set(t.voided, done) })
}

// NextAttempt returns the log time before which no attempt to pay an order begins because of
// those that were made before; 0 for one that is not there or may be paid at once, TimeMax
// for one that had all its attempts, or is paying beyond its hold: none follows that attempt.
func (s *State) NextAttempt(seq uint64) int64 {
	number, known := s.orderNumber(seq)
	if !known {
		return 0
	}
	o := s.orders.at(number)
	if o.state == StatePaying && o.deadline <= s.holdNow() {
		return TimeMax
	}
	_, at := s.nextAttempt(number, o)
	return at
}
