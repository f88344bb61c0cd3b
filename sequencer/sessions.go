package sequencer

import (
	"cmp"
	"slices"
)

// A front-end's session makes its batches exactly-once across fail-overs: a
// front-end that lost the answer sends the batch again under its number, and what
// was executed is not executed again (Ongaro, "Consensus: bridging theory and
// practice", 2014, section 6.3). Sessions are numbered by the log, so an id never
// comes back: a batch that was delayed until its session was forgotten is refused.

// session is one front-end's place in its own sequence of batches.
type session struct {
	id     uint64 // seq of the command that opened it
	number uint64 // of the newest batch that was executed; 0 before the first
	first  uint64 // seq of that batch's forward command
}

// used is the seq at which the session was last used.
func (s *session) used() uint64 { return max(s.id, s.first) }

func (s *session) fingerprint() uint64 { return mix(mix(s.id, s.number), s.first) }

// sessions are all that are remembered, lowest id first.
type sessions struct {
	list []session
	hash uint64 // sum of the fingerprints
}

func (s *sessions) find(id uint64) *session {
	at, found := slices.BinarySearchFunc(s.list, id, func(one session, id uint64) int { return cmp.Compare(one.id, id) })
	if !found {
		return nil
	}
	return &s.list[at]
}

// open adds a session; when there are SessionsMax, the one that was used longest
// ago is forgotten.
func (s *sessions) open(id uint64) {
	if len(s.list) >= SessionsMax {
		oldest := 0
		for i := range s.list {
			if s.list[i].used() < s.list[oldest].used() {
				oldest = i
			}
		}
		s.hash -= s.list[oldest].fingerprint()
		s.list = slices.Delete(s.list, oldest, oldest+1)
	}
	s.add(session{id: id})
}

func (s *sessions) add(one session) {
	s.list = append(s.list, one)
	s.hash += one.fingerprint()
}

// sessionOpen makes a session whose id is the command's seq.
func (s *State) sessionOpen(r *Result) { s.sessions.open(r.Seq) }

// SessionNumber returns the number of the newest batch of a session that was executed; 0
// before the first, and for a session that is not known.
func (s *State) SessionNumber(id uint64) uint64 {
	if known := s.sessions.find(id); known != nil {
		return known.number
	}
	return 0
}

// forward decides whether the next commands of the batch, which are one batch of a
// session, are executed.
func (s *State) forward(c *Command, r *Result) {
	known := s.sessions.find(c.Order)
	number := uint64(c.Amount)
	switch {
	case c.Amount < 1 || c.Count == 0:
		r.Code = CodeBadRequest
	case known == nil:
		r.Code = CodeUnknownSession
	case number == known.number:
		r.Code, r.Order = CodeBatchRepeated, known.first
	case number < known.number:
		r.Code = CodeBatchRepeated
	default:
		s.sessions.hash -= known.fingerprint()
		known.number, known.first = number, r.Seq
		s.sessions.hash += known.fingerprint()
		s.forwarded = c.Count
		return
	}
	s.notTaken = c.Count
}

// inForward reports whether the command belongs to a forwarded batch and must not
// be decided: because that batch is not executed, because such batches do not nest, or
// because the level and the holds' clock are not a front-end's to change.
func (s *State) inForward(c *Command, r *Result) bool {
	if s.notTaken > 0 {
		s.notTaken--
		r.Code = CodeNotTaken
		return true
	}
	if s.forwarded > 0 {
		s.forwarded--
		if c.Kind.leaders() {
			r.Code = CodeBadRequest
			return true
		}
	}
	return false
}
