package sequencer

import (
	"encoding/binary"
	"unicode/utf8"
)

// A provider may take a refund and say days later that it failed: the card is closed, the bank
// sends the money back, or the charge is disputed. What went back is due again then, and is
// sent once more. When that fails too, or the provider refuses for good, the return has
// failed: nobody sends it a third time, and a seller has to find another way. It is an alarm until
// a seller has taken note, and a record for ever.
//
// Few attempts have such a record. The table has them in the order in which they were made,
// and the look-ups follow from it.

// bounce is what is kept of an attempt of which a refund failed.
type bounce struct {
	order        uint32
	attempt      uint8
	fails        uint8     // refunds that failed
	reason       PayReason // of the newest of them
	failed       bool      // no more are sent
	acknowledged bool      // a seller has taken note that it failed
}

// bounces are all of these.
type bounces struct {
	list paged[bounce]
	at   map[uint64]uint32 // by bounceKey: the place in list
	hash uint64            // sum of the fingerprints
	open uint32            // records that failed, and of which nobody has taken note
}

// isOpen reports whether somebody has to see that a return failed.
func (b *bounce) isOpen() bool { return b.failed && !b.acknowledged }

func bounceKey(order uint32, attempt uint8) uint64 { return uint64(order)<<8 | uint64(attempt) }

// bounceOf returns the record of an attempt for reading; the zero one when it has none.
func (s *State) bounceOf(number uint32, attempt uint8) bounce {
	if place, any := s.bounces.at[bounceKey(number, attempt)]; any {
		return *s.bounces.list.at(place)
	}
	return bounce{order: number, attempt: attempt}
}

// setBounce keeps the record of an attempt.
func (s *State) setBounce(is bounce) {
	b, seq := &s.bounces, s.orders.at(is.order).seq
	key := bounceKey(is.order, is.attempt)
	place, any := b.at[key]
	if any {
		b.hash -= b.list.at(place).fingerprint(seq)
		b.open -= uint32(flagBits(b.list.at(place).isOpen()))
	} else {
		place = b.list.length
		b.list.push(is)
		b.at[key] = place
	}
	*b.list.edit(place) = is
	b.hash += is.fingerprint(seq)
	b.open += uint32(flagBits(is.isOpen()))
}

// payBounced records that a refund of an attempt failed at the provider: the first, or the
// second, whose number says which, so that one failure is counted once however often it is
// told.
func (s *State) payBounced(c *Command, r *Result) {
	decide := s.bounced
	if c.Part != 0 {
		decide = s.partBounced
	}
	s.onAttempt(c, r, c.Count != 0 && c.Reason >= ReasonRefundLost && c.Reason <= PayReasonMax, decide)
}

func (s *State) bounced(number uint32, c *Command) Code {
	o := s.orders.at(number)
	due, done := s.voids(number, o)
	is := s.bounceOf(number, c.Attempt)
	if (due|done)&(1<<(c.Attempt-1)) == 0 || c.Count != uint32(min(is.fails+1, RefundsMax)) {
		return CodeStaleAttempt
	}
	is.fails, is.reason = min(is.fails+1, RefundsMax), c.Reason
	is.failed, is.acknowledged = is.fails >= RefundsMax || c.Reason.isFinal(), false
	s.setBounce(is)
	o = s.edit(number)
	s.setVoids(number, o, c.Attempt, !is.failed, false)
	s.done(o)
	s.track(number, o)
	return CodeOK
}

// returned ends a failed return: the money is back by another way.
func (s *State) returned(number uint32, attempt uint8) {
	if is := s.bounceOf(number, attempt); is.failed {
		is.failed, is.acknowledged = false, false
		s.setBounce(is)
	}
}

// acknowledge records that a seller has seen that the refund of an attempt, or of a part, failed,
// and why that is as it should be: the alarm ends, the record stays. It names which: repeated late,
// it must not end the alarm of another one that failed since and that nobody has seen.
func (s *State) acknowledge(c *Command, r *Result) {
	decide := s.acknowledgeAttempt
	if c.Part != 0 {
		decide = s.acknowledgePart
	}
	s.onAttempt(c, r, validNote(c.Body), decide)
}

func (s *State) acknowledgeAttempt(number uint32, c *Command) Code {
	is := s.bounceOf(number, c.Attempt)
	if !is.failed {
		return CodeNotFailed
	}
	is.acknowledged = true
	s.setBounce(is)
	return CodeOK
}

// validNote reports whether a text may stand in the record.
func validNote(note []byte) bool {
	return len(note) > 0 && len(note) <= NoteBytesMax && utf8.Valid(note)
}

// showBounces shows which attempts' refunds failed once, and which for good.
func (s *State) showBounces(number uint32, v *OrderView) {
	if s.bounces.list.length == 0 {
		return
	}
	for attempt := uint8(1); attempt <= v.Attempts; attempt++ {
		is := s.bounceOf(number, attempt)
		if is.fails == 0 {
			continue
		}
		v.Bounced |= 1 << (attempt - 1)
		v.RefundReason = is.reason
		if is.failed {
			v.Failed |= 1 << (attempt - 1)
		}
		if is.acknowledged {
			v.Acknowledged |= 1 << (attempt - 1)
		}
	}
}

func (b *bounce) fingerprint(seq uint64) uint64 {
	return mix(mix(seq, uint64(b.attempt)), uint64(b.fails)|uint64(b.reason)<<8|flagBits(b.failed, b.acknowledged)<<16)
}

// bounceBytes is the length of a record in a snapshot.
const bounceBytes = 16

func appendBounce(dst []byte, b *bounce, seq uint64) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, seq)
	return append(dst, b.attempt, b.fails, byte(b.reason), byte(flagBits(b.failed, b.acknowledged)), 0, 0, 0, 0)
}

// bounces reads the section of refunds that failed.
func (r *snapshotReader) bounces(s *State, length uint64) uint64 {
	if length%bounceBytes != 0 {
		r.fail("failed refunds of %d bytes", length)
		return 0
	}
	le := binary.LittleEndian
	for ; length > 0 && r.err == nil; length -= bounceBytes {
		f := r.bytes(bounceBytes)
		seq := le.Uint64(f)
		number, known := s.orderNumber(seq)
		is := bounce{order: number, attempt: f[8], fails: f[9], reason: PayReason(f[10]), failed: f[11]&1 != 0, acknowledged: f[11]&2 != 0}
		_, twice := s.bounces.at[bounceKey(number, is.attempt)]
		if !known || twice || is.attempt == 0 || is.attempt > s.orders.at(number).attempts || is.fails == 0 || is.fails > RefundsMax ||
			is.reason < ReasonRefundLost || is.reason > PayReasonMax || f[11] > 3 || is.acknowledged && !is.failed || le.Uint32(f[12:]) != 0 {
			r.fail("failed refund of order %d, %+v, is out of bounds", seq, is)
			return 0
		}
		s.setBounce(is)
	}
	return s.bounces.hash
}

// verify checks that every record is found, and the hash.
func (b *bounces) verify(s *State) (differs string) {
	hash, open := uint64(0), uint32(0)
	for place := range b.list.length {
		is := b.list.at(place)
		if found, any := b.at[bounceKey(is.order, is.attempt)]; !any || found != place {
			return "a failed refund is not found by its attempt"
		}
		hash += is.fingerprint(s.orders.at(is.order).seq)
		open += uint32(flagBits(is.isOpen()))
	}
	if hash != b.hash || open != b.open || len(b.at) != int(b.list.length) {
		return "the hash or the number of failed refunds is kept otherwise"
	}
	return ""
}
