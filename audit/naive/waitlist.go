package naive

import (
	"slices"

	"onsale/sequencer"
)

// promote gives free tickets to those that wait, the longest waiting first.
func (m *Model) promote(s *sale) {
	for !s.paused && s.available() > 0 && len(s.waiting) > 0 {
		i := s.nextToServe()
		if i < 0 {
			s.counters.PromoteBlocked++
			return
		}
		o := s.waiting[i]
		s.leaveWaitlist(o)
		o.promoted = true
		s.servedSeq = max(s.servedSeq, o.seq)
		m.reserve(o)
		m.tell(sequencer.EventPromoted, o, o.quantity, m.holds.Shown(o.deadline))
	}
}

// nextToServe returns the index of the waiting order that is served next, -1
// when the head blocks.
func (s *sale) nextToServe() int {
	last := 0
	if s.spec.SkipUnfit {
		last = sequencer.SkipScanMax
	}
	for i := 0; i <= last && i < len(s.waiting); i++ {
		if s.available() >= s.waiting[i].atLeast() {
			return i
		}
	}
	return -1
}

func (s *sale) leaveWaitlist(o *order) {
	i := int(position(o)) - 1
	if i == 0 {
		s.waiting = s.waiting[1:]
		return
	}
	s.waiting = slices.Delete(s.waiting, i, i+1)
}

// cancel ends an order, or a part of it, by its user's will, or by a seller's.
func (m *Model) cancel(c *sequencer.Command, r *sequencer.Result) {
	o, own := m.orderOf(c.Order), c.Kind == sequencer.KindCancel
	if o == nil || own && o.user != string(c.User) {
		r.Code = sequencer.CodeUnknownOrder
		return
	}
	tickets, code := o.wanted(c)
	if tickets == 0 {
		r.Code = code
		m.show(o, r)
		return
	}
	switch o.state {
	case sequencer.StateWaitlisted:
		if tickets < o.quantity {
			o.split(c, o.state, sequencer.StateCancelled, sequencer.PartUnpaid)
			break
		}
		o.sale.leaveWaitlist(o)
		m.enter(o, sequencer.StateCancelled)
	case sequencer.StateReserved:
		o.ranOut = o.ranOut || own && o.deadline-m.own() < o.hold()/2
		if tickets < o.quantity {
			o.split(c, o.state, sequencer.StateCancelled, sequencer.PartUnpaid)
			break
		}
		m.giveBack(o, sequencer.StateCancelled)
	case sequencer.StateCancelled:
		m.show(o, r)
		return
	default:
		r.Code = sequencer.CodeNotCancellable
		m.show(o, r)
		return
	}
	m.promote(o.sale)
	m.show(o, r)
}
