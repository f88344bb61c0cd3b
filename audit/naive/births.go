package naive

import "onsale/sequencer"

// minute is one, in milliseconds.
const minute = 60_000

// beBorn moves the seq when a batch is a birth, and says what becomes of that command.
func (m *Model) beBorn(b *sequencer.Batch) sequencer.Code {
	if len(b.Commands) != 1 || b.Commands[0].Kind != sequencer.KindBirth {
		return sequencer.CodeBadRequest
	}
	c := &b.Commands[0]
	is := sequencer.Birth{Cluster: sequencer.ClusterID(c.Key), Time: c.Amount, Cause: sequencer.BirthCause(c.Count)}
	if n := len(m.births); n > 0 && m.births[n-1].Cluster == is.Cluster {
		return sequencer.CodeOK
	}
	if !m.mayBeBorn(&is, c.Count) {
		return sequencer.CodeBadRequest
	}

	is.FirstSeq = m.seq + 1
	if len(m.births) > 0 {
		first := m.births[0]
		passed := (is.Time - first.Time) / 1_000_000 // milliseconds
		whole, rest := passed/minute, passed%minute
		jump := (whole+1)*(1<<31) + rest*(1<<31)/minute
		if at := first.FirstSeq + uint64(jump) - 1; at > is.FirstSeq {
			is.FirstSeq = at
		}
	}
	if is.FirstSeq > sequencer.SeqMax {
		return sequencer.CodeBadRequest
	}
	if is.Cause != sequencer.BirthNew {
		m.sessions = map[uint64]session{}
		for _, o := range m.orders {
			if o.lined { // perhaps it was called, in a history that went on
				m.call(o)
			}
		}
	}
	if is.Cause == sequencer.BirthCopy {
		m.births = nil
		m.account = ""
	}
	m.births = append(m.births, is)
	m.seq = is.FirstSeq - 1
	return sequencer.CodeOK
}

func (m *Model) mayBeBorn(is *sequencer.Birth, cause uint32) bool {
	if is.Cluster == (sequencer.ClusterID{}) || is.Time < 0 || is.Time > sequencer.TimeMax || cause < 1 || cause > 4 {
		return false
	}
	if is.Cause == sequencer.BirthNew {
		return m.seq == 0
	}
	for _, b := range m.births {
		if b.Cluster == is.Cluster || b.Time > is.Time {
			return false
		}
	}
	return len(m.births) > 0 && len(m.births) < sequencer.BirthsMax
}
