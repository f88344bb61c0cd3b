package sequencer

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// A buyer may have the bank take money back that was captured: a dispute, or chargeback. Nobody
// here decides it. What the provider says of it is kept beside the order, whose tickets and
// state stay as they are: what to do about them is the seller's.
//
// Few orders have such a record. The table has them in the order in which they were told first.

// DisputeStatus is where a dispute stands. The numbers are part of the log and snapshot formats.
type DisputeStatus uint8

// The statuses of a dispute. The money is with the buyer's bank but for DisputeWon.
const (
	DisputeNone          DisputeStatus = 0
	DisputeNeedsResponse DisputeStatus = 1 // the seller may give evidence until Dispute.EvidenceBy
	DisputeUnderReview   DisputeStatus = 2 // the bank decides
	DisputeWon           DisputeStatus = 3
	DisputeLost          DisputeStatus = 4
	// DisputeStatusMax is the last of them.
	DisputeStatusMax = DisputeLost
)

var disputeNames = [...]string{"none", "needs_response", "under_review", "won", "lost"}

// String returns the status' stable name.
func (s DisputeStatus) String() string { return nameOf(disputeNames[:], uint8(s)) }

// Dispute is what a provider says of the dispute of a charge; the zero one is none.
type Dispute struct {
	Status DisputeStatus `json:"status"`
	Amount int64         `json:"amount"` // minor units
	// EvidenceBy is until when evidence may be given, nanoseconds, whole seconds; 0 for no time.
	EvidenceBy int64 `json:"evidence_by,omitempty"`
}

// disputed is what is kept of an order whose charge is disputed.
type disputed struct {
	order uint32
	Dispute
}

// disputes are all of these.
type disputes struct {
	list paged[disputed]
	at   map[uint32]uint32 // by order: the place in list
	hash uint64            // sum of the fingerprints
}

// disputeOf returns an order's dispute; the zero one when it has none.
func (s *State) disputeOf(number uint32) Dispute {
	if place, any := s.disputes.at[number]; any {
		return s.disputes.list.at(place).Dispute
	}
	return Dispute{}
}

func (s *State) setDispute(is disputed) {
	d, seq := &s.disputes, s.orders.at(is.order).seq
	place, any := d.at[is.order]
	if any {
		d.hash -= d.list.at(place).fingerprint(seq)
	} else {
		place = d.list.length
		d.list.push(is)
		d.at[is.order] = place
	}
	*d.list.edit(place) = is
	d.hash += is.fingerprint(seq)
}

// mayBeDisputed reports whether the newest attempt's money may have been captured: it was accepted,
// and a capture follows at once, whose record may be late or, once the order was refunded, never
// come. The provider knows better than the record whether there is money to dispute.
func (s *State) mayBeDisputed(o *order) bool {
	return (o.state == StatePaid || o.state == StateRefunded) && !s.isFree(o)
}

// payDisputed records what the provider says of the dispute of a charge.
func (s *State) payDisputed(c *Command, r *Result) {
	s.onAttempt(c, r, c.Dispute != DisputeNone && c.Dispute <= DisputeStatusMax && c.Amount >= 1, s.dispute)
}

func (s *State) dispute(number uint32, c *Command) Code {
	o := s.orders.at(number)
	is := disputed{number, Dispute{c.Dispute, c.Amount, int64(c.Count) * second}}
	if c.Attempt != o.attempts || !s.mayBeDisputed(o) || s.disputeOf(number) == is.Dispute {
		return CodeStaleAttempt
	}
	s.setDispute(is)
	return CodeOK
}

// Disputes returns the seqs of at most limit of the orders whose charge is or was disputed. First
// come those that need a response, by the time until which it may be given, then the others, the
// newest first. It costs time in the number of all of them, and a sort of those that need a response.
func (s *State) Disputes(limit int) []uint64 {
	var waiting, others []disputed
	for place := s.disputes.list.length; place > 0; place-- {
		if d := s.disputes.list.at(place - 1); d.Status == DisputeNeedsResponse {
			waiting = append(waiting, *d)
		} else if len(others) < limit {
			others = append(others, *d)
		}
	}
	slices.SortStableFunc(waiting, func(a, b disputed) int { return cmp.Compare(a.EvidenceBy, b.EvidenceBy) })

	all := slices.Concat(waiting, others)
	seqs := make([]uint64, min(limit, len(all)))
	for i := range seqs {
		seqs[i] = s.orders.at(all[i].order).seq
	}
	return seqs
}

// DisputeCounts returns how many disputes there are by their status, and until when evidence may
// be given for the first that needs a response; 0 for none.
func (s *State) DisputeCounts() (counts [DisputeStatusMax + 1]int, evidenceBy int64) {
	for place := range s.disputes.list.length {
		d := s.disputes.list.at(place)
		counts[d.Status]++
		if d.Status == DisputeNeedsResponse && d.EvidenceBy != 0 && (evidenceBy == 0 || d.EvidenceBy < evidenceBy) {
			evidenceBy = d.EvidenceBy
		}
	}
	return counts, evidenceBy
}

func (d *disputed) fingerprint(seq uint64) uint64 {
	return mix(mix(mix(seq, uint64(d.Status)), uint64(d.Amount)), uint64(d.EvidenceBy))
}

// disputeBytes is the length of a record in a snapshot.
const disputeBytes = 32

func appendDispute(dst []byte, d *disputed, seq uint64) []byte {
	le := binary.LittleEndian
	dst = le.AppendUint64(le.AppendUint64(le.AppendUint64(dst, seq), uint64(d.Amount)), uint64(d.EvidenceBy))
	return append(dst, byte(d.Status), 0, 0, 0, 0, 0, 0, 0)
}

// disputes reads the section of disputes.
func (r *snapshotReader) disputes(s *State, length uint64) uint64 {
	if length%disputeBytes != 0 {
		r.fail("disputes of %d bytes", length)
		return 0
	}
	le := binary.LittleEndian
	for ; length > 0 && r.err == nil; length -= disputeBytes {
		f := r.bytes(disputeBytes)
		seq := le.Uint64(f)
		number, known := s.orderNumber(seq)
		is := disputed{number, Dispute{DisputeStatus(f[24]), int64(le.Uint64(f[8:])), int64(le.Uint64(f[16:]))}}
		_, twice := s.disputes.at[number]
		if !known || twice || !s.mayBeDisputed(s.orders.at(number)) || is.Status == DisputeNone || is.Status > DisputeStatusMax || is.Amount < 1 ||
			is.EvidenceBy < 0 || is.EvidenceBy > (1<<32-1)*second || is.EvidenceBy%second != 0 || le.Uint64(f[24:])>>8 != 0 {
			r.fail("dispute of order %d, %+v, is out of bounds", seq, is.Dispute)
			return 0
		}
		s.setDispute(is)
	}
	return s.disputes.hash
}

// verify checks that every record is found, and the hash.
func (d *disputes) verify(s *State) (differs string) {
	hash := uint64(0)
	for place := range d.list.length {
		is := d.list.at(place)
		if found, any := d.at[is.order]; !any || found != place {
			return "a dispute is not found by its order"
		}
		hash += is.fingerprint(s.orders.at(is.order).seq)
	}
	if hash != d.hash || len(d.at) != int(d.list.length) {
		return "the hash or the number of disputes is kept otherwise"
	}
	return ""
}
