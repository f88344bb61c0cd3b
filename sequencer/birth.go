package sequencer

import (
	"errors"
	"fmt"
)

// ErrBirth is returned when a cluster cannot have a birth; the message says why.
var ErrBirth = errors.New("no such birth")

// ClusterID names a cluster from one birth to the next: 16 random bytes, never all zero.
type ClusterID [16]byte

// String returns the id in hexadecimal.
func (c ClusterID) String() string { return fmt.Sprintf("%x", c[:]) }

// BirthCause says why a cluster drew a new id. The numbers are part of the log format.
type BirthCause uint8

// The causes of a birth.
const (
	// BirthNew is the first entry of an empty cluster.
	BirthNew BirthCause = 1
	// BirthRestore is of a cluster that was made from a backup, and succeeds the one that
	// made the backup.
	BirthRestore BirthCause = 2
	// BirthRecover is of a cluster that goes on from one node's data after a majority was
	// lost for good.
	BirthRecover BirthCause = 3
	// BirthCopy is of an unrelated cluster that was made from a backup, for an exercise or
	// staging: it succeeds nobody, and what was sold before it is not its own.
	BirthCopy BirthCause = 4
)

var birthCauseNames = [...]string{"", "new", "restore", "recover", "copy"}

// String returns the cause's name.
func (c BirthCause) String() string { return nameOf(birthCauseNames[:], uint8(c)) }

// Birth begins a stretch of history that no other cluster can have written. All seqs from
// FirstSeq up to the next birth's belong to it, and with them what is made of seqs: uids,
// payment keys, sessions.
type Birth struct {
	FirstSeq uint64    // of the command that noted the birth
	Cluster  ClusterID // drawn for it
	Time     int64     // of the wall clock where it was drawn, nanoseconds since the Unix epoch
	Cause    BirthCause
	// After is the last decision of the history from which it goes on: what the birth before
	// decided behind that is lost. 0 for a new cluster.
	After uint64
}

const (
	// SeqMax is the highest seq: JavaScript, jq and every IEEE 754 double read it exactly.
	SeqMax = 1<<53 - 1
	// BirthsMax bounds the births of a cluster.
	BirthsMax = 1 << 10
	// seqsPerMinute is how far the place where a birth goes on moves with each minute since
	// the first birth: no cluster decides so many commands within a minute.
	seqsPerMinute = 1 << 31
)

// NextBirth returns the birth that a command of KindBirth makes in a cluster with these
// births whose last decision has seq. It returns ErrBirth for a command that makes none.
//
// A birth goes on behind every number that any history of this cluster can have given out
// by then, however often and from whichever backup it was restored: at (whole minutes since
// the first birth + 1) << 31, and as much of the next 2^31 as has passed of the minute under
// way, because a history that began at an earlier birth, even one in the same minute, has
// not decided as many commands since. A counter of restores would not do: one backup may be
// restored twice.
func NextBirth(births []Birth, seq uint64, c *Command) (Birth, error) {
	next := Birth{FirstSeq: seq + 1, Cluster: ClusterID(c.Key), Time: c.Amount, Cause: BirthCause(c.Count), After: seq}
	switch {
	case c.Kind != KindBirth || c.Count < uint32(BirthNew) || c.Count > uint32(BirthCopy):
		return Birth{}, fmt.Errorf("%w: a %s command with cause %d", ErrBirth, c.Kind, c.Count)
	case next.Cluster == ClusterID{}:
		return Birth{}, fmt.Errorf("%w: it has no cluster id", ErrBirth)
	case next.Time < 0 || next.Time > TimeMax:
		return Birth{}, fmt.Errorf("%w: its time is %s, allowed is a time between 1970 and 2116", ErrBirth, spellTime(next.Time))
	case len(births) == 0 && next.Cause == BirthNew && seq == 0:
		return next, nil
	case len(births) == 0 || next.Cause == BirthNew:
		return Birth{}, fmt.Errorf("%w: cause %s after %d births, at seq %d", ErrBirth, next.Cause, len(births), seq)
	case len(births) >= BirthsMax:
		return Birth{}, fmt.Errorf("%w: the cluster has had %d already", ErrBirth, len(births))
	}

	for i := range births {
		if births[i].Cluster == next.Cluster {
			return Birth{}, fmt.Errorf("%w: cluster id %s was drawn before", ErrBirth, next.Cluster)
		}
	}
	last := births[len(births)-1]
	if next.Time < last.Time {
		return Birth{}, fmt.Errorf("%w: its time is %s before that of the last birth; the clock is wrong", ErrBirth, spellDuration(last.Time-next.Time))
	}
	const millisecond, minute = 1_000_000, 60_000_000_000
	passed := uint64(next.Time - births[0].Time)
	jump := (passed/minute+1)*seqsPerMinute + passed%minute/millisecond*seqsPerMinute/(minute/millisecond)
	next.FirstSeq = max(next.FirstSeq, births[0].FirstSeq-1+jump)
	if next.FirstSeq > SeqMax {
		return Birth{}, fmt.Errorf("%w: seq %d is beyond %d", ErrBirth, next.FirstSeq, uint64(SeqMax))
	}
	return next, nil
}

// Births returns a copy of the cluster's births, oldest first.
func (s *State) Births() []Birth { return append([]Birth(nil), s.births...) }

// BirthOf returns the birth in which a seq lies; false for one before the first, which is
// another cluster's.
func (s *State) BirthOf(seq uint64) (Birth, bool) {
	for i := len(s.births) - 1; i >= 0; i-- { // most are asked about the newest
		if s.births[i].FirstSeq <= seq {
			return s.births[i], true
		}
	}
	return Birth{}, false
}

// bornBy returns the birth that a batch makes, nil for none: the command must be alone,
// because it moves the seq of its batch. It allocates for a birth only: it is asked for
// every batch.
func (s *State) bornBy(b *Batch) *Birth {
	if len(b.Commands) != 1 || b.Commands[0].Kind != KindBirth {
		return nil
	}
	next, err := NextBirth(s.births, s.seq, &b.Commands[0])
	if err != nil {
		return nil
	}
	return &next
}

// birth decides a birth; begin has moved the seq. One that the cluster has had last is OK
// again: a leader may propose what the one before it proposed.
func (s *State) birth(c *Command, r *Result) {
	if s.born == nil {
		alone := len(s.out.Results) == 1
		if last := len(s.births) - 1; !alone || last < 0 || s.births[last].Cluster != ClusterID(c.Key) {
			r.Code = CodeBadRequest
		}
		return
	}

	next := *s.born
	if next.Cause == BirthCopy {
		s.births, s.birthsHash = nil, 0 // what was before is another cluster's
		s.accept(0)                     // and so is its account
	}
	if next.Cause != BirthNew {
		s.sessions = sessions{} // what front-ends sent before was sent to another history
		s.callAll()
	}
	s.addBirth(next)
}

func (s *State) addBirth(b Birth) {
	s.births = append(s.births, b)
	s.birthsHash = mix(s.birthsHash, b.fingerprint())
}

// fingerprint covers a birth for the state's hash.
func (b *Birth) fingerprint() uint64 {
	h := mixBytes(b.FirstSeq, b.Cluster[:])
	return mix(mix(h, uint64(b.Time)^uint64(b.Cause)<<62), b.After)
}
