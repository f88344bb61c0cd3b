package sequencer

import "encoding/binary"

// partBytes is the length of a record in the section of parts.
const partBytes = 32

func (p *part) fingerprint(seq uint64) uint64 {
	h := mix(seq, binary.LittleEndian.Uint64(p.key[:8]))
	h = mix(h, binary.LittleEndian.Uint64(p.key[8:]))
	return mix(h, uint64(p.number)|uint64(p.Quantity)<<8|uint64(p.State)<<16|uint64(p.Attempts)<<24|uint64(p.Fails)<<32|uint64(p.Reason)<<40)
}

func appendPart(dst []byte, p *part, seq uint64) []byte {
	dst = append(binary.LittleEndian.AppendUint64(dst, seq), p.key[:]...)
	return append(dst, p.Quantity, byte(p.State), p.Attempts, p.Fails, byte(p.Reason), 0, 0, 0)
}

// parts reads the section of parts of orders.
func (r *snapshotReader) parts(s *State, length uint64) uint64 {
	if length%partBytes != 0 {
		r.fail("parts of %d bytes", length)
		return 0
	}
	le := binary.LittleEndian
	for ; length > 0 && r.err == nil; length -= partBytes {
		f := r.bytes(partBytes)
		seq := le.Uint64(f)
		number, known := s.orderNumber(seq)
		is := part{key: KeyDigest(f[8:]), order: number, number: 1,
			Part: Part{Quantity: f[24], State: PartState(f[25]), Attempts: f[26], Fails: f[27], Reason: PayReason(f[28])}}
		if !known || f[29]|f[30]|f[31] != 0 || !s.partFits(&is) {
			r.fail("part of order %d, %+v, is out of bounds", seq, is.Part)
			return 0
		}
		s.pushPart(is)
		s.track(number, s.orders.at(number))
	}
	return s.parts.hash
}

// partFits reports whether a record can be the next part of its order, and numbers it.
func (s *State) partFits(is *part) bool {
	o, tickets := s.orders.at(is.order), int(is.Quantity)
	is.before = s.parts.newest[is.order]
	if is.before != 0 {
		is.number = s.parts.list.at(is.before-1).number + 1
	}
	s.eachPart(is.order, func(_ uint32, earlier *part) bool {
		tickets += int(earlier.Quantity)
		return true
	})
	failed := is.Fails > 0
	return is.Quantity > 0 && tickets+int(o.quantity) <= int(o.requested) && is.State >= PartUnpaid && is.State <= PartStateMax &&
		is.Attempts <= o.attempts && is.Fails <= RefundsMax && failed == (is.Reason != ReasonNone) &&
		(!failed || is.Reason >= ReasonRefundLost && is.Reason <= PayReasonMax) && (is.State != PartDue || o.state == StatePaid)
}

// verify checks that every record is found, and the hash.
func (p *parts) verify(s *State) (differs string) {
	hash, newest := uint64(0), map[uint32]uint32{}
	for place := range p.list.length {
		is := p.list.at(place)
		if is.before != newest[is.order] {
			return "a part does not follow its order's part before"
		}
		newest[is.order] = place + 1
		if p.newest[is.order] <= place {
			return "a part is not found by its order"
		}
		hash += is.fingerprint(s.orders.at(is.order).seq)
	}
	if hash != p.hash || len(newest) != len(p.newest) {
		return "the hash or the orders of the parts are kept otherwise"
	}
	return ""
}
