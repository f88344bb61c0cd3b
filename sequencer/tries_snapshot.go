package sequencer

import "encoding/binary"

// The lengths of one record in the sections of tries and decliners.
const (
	triesBytes    = 40
	declinerBytes = 24
)

// frozenAttempts are tries and decliners as a snapshot has them.
type frozenAttempts struct {
	tries           paged[tries]
	decliners       paged[decliner]
	hash, usersHash uint64
}

func (a *attempts) freeze() frozenAttempts {
	return frozenAttempts{a.tries.freeze(), a.decliners.freeze(), a.hash, a.usersHash}
}

func appendTries(dst []byte, t *tries, seq uint64) []byte {
	le := binary.LittleEndian
	dst = le.AppendUint64(le.AppendUint64(dst, seq), uint64(t.at))
	dst = le.AppendUint32(le.AppendUint32(dst, t.voidsDue), t.voided)
	return le.AppendUint64(le.AppendUint64(dst, uint64(t.declines)), uint64(t.lineEnd))
}

func appendDecliner(dst []byte, d *decliner, seq uint64) []byte {
	le := binary.LittleEndian
	dst = le.AppendUint64(le.AppendUint64(dst, seq), uint64(d.since))
	return le.AppendUint64(dst, uint64(d.declines))
}

// tries reads the section of orders that had a second or a declined attempt, or one in the line.
func (r *snapshotReader) tries(s *State, length uint64) uint64 {
	if length%triesBytes != 0 {
		r.fail("tries of %d bytes", length)
		return 0
	}
	le, a := binary.LittleEndian, &s.attempts
	for ; length > 0 && r.err == nil; length -= triesBytes {
		f := r.bytes(triesBytes)
		seq, declines := le.Uint64(f), le.Uint64(f[24:])
		number, known := s.orderNumber(seq)
		t := tries{at: int64(le.Uint64(f[8:])), order: number, voidsDue: le.Uint32(f[16:]), voided: le.Uint32(f[20:]), declines: uint8(declines),
			lineEnd: int64(le.Uint64(f[32:]))}
		if !known || !s.triesFit(&t, declines) {
			r.fail("tries of order %d, %+v with %d declines, are out of bounds", seq, t, declines)
			return 0
		}
		a.ofOrder[number] = a.tries.length
		a.tries.push(t)
		a.hash += t.fingerprint(seq)
		s.track(number, s.orders.at(number))
		if t.lineEnd != 0 { // the timer of the order alone is the hard limit's
			s.startTimer(number, s.orders.at(number))
		}
	}
	return a.hash
}

// triesFit reports whether a record can be of its order, which has none yet.
func (s *State) triesFit(t *tries, declines uint64) bool {
	o, bits := s.orders.at(t.order), t.voidsDue|t.voided
	_, twice := s.attempts.ofOrder[t.order]
	return !twice && declines <= uint64(o.attempts) && t.at >= 0 && t.at <= s.now && (t.at == 0 || o.attempts > 1) &&
		bits&(1<<(wideAttempt-1)-1) == 0 && uint64(bits) < 1<<o.attempts && o.attempts > 0 &&
		t.lineEnd >= 0 && t.lineEnd <= TimeMax && (t.lineEnd == 0 || o.state == StatePaying)
}

// decliners reads the section of users of whom an attempt was declined.
func (r *snapshotReader) decliners(s *State, length uint64) uint64 {
	if length%declinerBytes != 0 {
		r.fail("decliners of %d bytes", length)
		return 0
	}
	le, a := binary.LittleEndian, &s.attempts
	for ; length > 0 && r.err == nil; length -= declinerBytes {
		f := r.bytes(declinerBytes)
		seq, declines := le.Uint64(f), le.Uint64(f[16:])
		number, known := s.orderNumber(seq)
		d := decliner{since: int64(le.Uint64(f[8:])), order: number, declines: uint8(declines)}
		if !known || declines < 1 || declines > 0xff || d.since < 0 || d.since > s.now || s.triesOf(number).declines == 0 {
			r.fail("decliner of order %d, %d declines since %d, is out of bounds", seq, declines, d.since)
			return 0
		}
		user := s.orders.at(number).user
		if _, twice := a.ofUser[user]; twice {
			r.fail("the user of order %d is a decliner twice", seq)
			return 0
		}
		a.ofUser[user] = a.decliners.length
		a.decliners.push(d)
		a.usersHash += d.fingerprint(seq)
	}
	return a.usersHash
}

// verify checks that every record is found, and the hashes.
func (a *attempts) verify(s *State) (differs string) {
	hash, usersHash := uint64(0), uint64(0)
	for place := range a.tries.length {
		t := a.tries.at(place)
		if found, any := a.ofOrder[t.order]; !any || found != place {
			return "a record of tries is not found by its order"
		}
		hash += t.fingerprint(s.orders.at(t.order).seq)
		if o := s.orders.at(t.order); t.lineEnd != 0 && o.state != StatePaying {
			return "an order stands in the line and is not paying"
		}
	}
	for place := range a.decliners.length {
		d := a.decliners.at(place)
		if found, any := a.ofUser[s.orders.at(d.order).user]; !any || found != place {
			return "a decliner is not found by its user"
		}
		usersHash += d.fingerprint(s.orders.at(d.order).seq)
	}
	if hash != a.hash || usersHash != a.usersHash || len(a.ofOrder) != int(a.tries.length) || len(a.ofUser) != int(a.decliners.length) {
		return "the hash or the number of tries and decliners is kept otherwise"
	}
	return ""
}
