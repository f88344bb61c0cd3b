package naive

import "onsale/sequencer"

// session is what is remembered of a front-end.
type session struct {
	newest   uint64 // number of the last batch that was executed
	executed uint64 // seq of the forward command that announced it
}

// forget drops the session that was used longest ago, when there are as many as
// are remembered.
func (m *Model) forget() {
	if len(m.sessions) < sequencer.SessionsMax {
		return
	}
	oldest, used := uint64(0), uint64(0)
	for id, s := range m.sessions {
		if last := max(id, s.executed); oldest == 0 || last < used {
			oldest, used = id, last
		}
	}
	delete(m.sessions, oldest)
}

// announce decides a forward command and says how many of the next commands are
// executed as its batch, and how many are not.
func (m *Model) announce(c *sequencer.Command, r *sequencer.Result) (executed, refused uint32) {
	s, known := m.sessions[c.Order]
	if c.Amount < 1 || c.Count == 0 {
		r.Code = sequencer.CodeBadRequest
		return 0, c.Count
	}
	if !known {
		r.Code = sequencer.CodeUnknownSession
		return 0, c.Count
	}
	if number := uint64(c.Amount); number <= s.newest {
		r.Code = sequencer.CodeBatchRepeated
		if number == s.newest {
			r.Order = s.executed
		}
		return 0, c.Count
	}
	m.sessions[c.Order] = session{newest: uint64(c.Amount), executed: m.seq}
	return c.Count, 0
}
