package sequencer

import (
	"encoding/binary"
	"math/bits"
)

// The state's hash is a sum of the fingerprints of its parts: a part that
// changes subtracts its old fingerprint and adds its new one, so the hash of ten
// million orders is kept at the cost of the few that change (the additive set
// hash of Bellare and Micciancio, 1997, with 64 bits: it finds divergence by
// accident, not by an adversary; the journal's SHA-256 chain is for that).

// mix folds a 128-bit product, as wyhash and its kin do.
func mix(a, b uint64) uint64 {
	high, low := bits.Mul64(a^0x9e3779b97f4a7c15, b^0xd1b54a32d192ed03)
	return high ^ low
}

// mixBytes folds a text into a fingerprint, its length included.
func mixBytes(h uint64, text []byte) uint64 {
	h = mix(h, uint64(len(text)))
	for len(text) >= 8 {
		h = mix(h, binary.LittleEndian.Uint64(text))
		text = text[8:]
	}
	var tail [8]byte
	copy(tail[:], text)
	return mix(h, binary.LittleEndian.Uint64(tail[:]))
}

// fixedFingerprint covers what an order keeps for life.
func (o *order) fixedFingerprint(user []byte) uint64 {
	h := mix(o.seq, uint64(o.createdAt))
	h = mix(h, uint64(o.sale)|uint64(o.requested)<<16|uint64(o.min)<<24)
	h = mix(h, binary.LittleEndian.Uint64(o.key[:8]))
	h = mix(h, binary.LittleEndian.Uint64(o.key[8:]))
	return mixBytes(h, user)
}

// movingFingerprint covers what changes in an order's life.
func (o *order) movingFingerprint() uint64 {
	h := mix(o.seq, uint64(o.deadline))
	return mix(h, uint64(o.state)|uint64(o.quantity)<<8|uint64(o.attempts)<<16|uint64(o.voidsDue)<<24|uint64(o.voided)<<32|uint64(o.flags)<<40|uint64(o.reason)<<48)
}

// specFingerprint covers a sale's number and spec, and who changed it last.
func (s *sale) specFingerprint() uint64 {
	h := mixBytes(uint64(s.number), AppendSaleSpec(make([]byte, 0, 512), &s.spec))
	return mixBytes(mix(mix(h, s.changed.seq), uint64(s.changed.at)), []byte(s.changed.by))
}

// knownSpecFingerprint is the same without encoding the spec again: none of it changes
// without the revision. With thousands of sales nearly each buy of a batch is of another
// one, and encoding would be a third of its cost.
func (s *sale) knownSpecFingerprint() uint64 {
	if s.specHashRevision != s.revision {
		s.specHash, s.specHashRevision = s.specFingerprint(), s.revision
	}
	return s.specHash
}

// fingerprint covers everything of a sale, given its spec's fingerprint, but its
// waitlist, which the states of its orders tell.
func (s *sale) fingerprint(h uint64) uint64 {
	flags := flagBits(s.paused, s.closed, s.cancelled)
	for _, v := range [...]uint64{flags, uint64(s.createdAt), uint64(s.revision), uint64(s.sold), uint64(s.held), uint64(s.withheld),
		uint64(s.available), uint64(s.waiting), s.waitingTickets, s.servedSeq, s.counters.Replayed, s.counters.PromoteBlocked} {
		h = mix(h, v)
	}
	for _, v := range s.counters.Buys {
		h = mix(h, v)
	}
	for i := range s.counters.Entered {
		h = mix(mix(h, s.counters.Entered[i]), s.counters.Tickets[i])
	}
	return h
}

func flagBits(flags ...bool) uint64 {
	var packed uint64
	for i, set := range flags {
		if set {
			packed |= 1 << i
		}
	}
	return packed
}
