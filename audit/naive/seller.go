package naive

import (
	"slices"

	"onsale/sequencer"
)

func (m *Model) saleCreate(c *sequencer.Command, r *sequencer.Result) {
	spec, err := sequencer.DecodeSaleSpec(c.Body)
	switch {
	case err != nil:
		r.Code = sequencer.CodeBadRequest
		return
	case m.named[spec.ID] != nil:
		r.Code = sequencer.CodeSaleExists
		return
	case len(m.sales) >= sequencer.SalesMax:
		r.Code = sequencer.CodeSaleLimit
		return
	}
	s := &sale{spec: withStart(spec, m.now), number: uint16(len(m.sales) + 1), revision: 1, createdAt: m.now}
	m.sign(s, c)
	m.sales = append(m.sales, s)
	m.named[spec.ID] = s
	r.Sale = s.number
}

// withStart returns a spec with a start: its own, or now when it names none.
func withStart(spec sequencer.SaleSpec, now int64) sequencer.SaleSpec {
	if spec.StartsAt == 0 {
		spec.StartsAt = now
	}
	return spec
}

// saleCommand decides the seller's commands on a sale that should exist.
func (m *Model) saleCommand(c *sequencer.Command, r *sequencer.Result) {
	s := m.saleOf(c.Sale)
	if s == nil {
		r.Code = sequencer.CodeUnknownSale
		return
	}
	r.Sale = s.number
	if c.Revision != 0 && c.Revision != s.revision {
		r.Code = sequencer.CodeSaleChanged
		return
	}
	switch c.Kind {
	case sequencer.KindSaleUpdate:
		r.Code = m.saleUpdate(s, c.Body)
	case sequencer.KindSalePause:
		r.Code = s.setPaused(true)
	case sequencer.KindSaleResume:
		r.Code = s.setPaused(false)
		m.promote(s)
	case sequencer.KindSaleClose:
		m.saleClose(s)
	case sequencer.KindSaleCancel:
		m.saleCancel(s)
	case sequencer.KindSaleQuantity:
		r.Code = m.saleQuantity(s, c.Amount)
	case sequencer.KindSaleRelease:
		r.Code = m.saleRelease(s, c.Amount)
	case sequencer.KindSaleExtend:
		r.Code = m.saleExtend(s, c.Amount)
	}
	if r.Code == sequencer.CodeOK {
		s.revision++
		m.sign(s, c)
	}
}

// sign notes whose command a sale has just taken.
func (m *Model) sign(s *sale, c *sequencer.Command) {
	s.lastActor, s.lastSeq, s.lastTime = string(c.Actor), m.seq, m.now
}

func (m *Model) saleUpdate(s *sale, body []byte) sequencer.Code {
	spec, err := sequencer.DecodeSaleSpec(body)
	switch {
	case err != nil || spec.ID != s.spec.ID:
		return sequencer.CodeBadRequest
	case s.closed:
		return sequencer.CodeClosed
	case m.now < s.spec.StartsAt:
		s.spec = withStart(spec, m.now)
		return sequencer.CodeOK
	}
	old := s.spec
	fixed := spec.Item == old.Item && spec.Quantity == old.Quantity && spec.Cap == old.Cap && spec.StartsAt == old.StartsAt && spec.Grace == old.Grace && spec.Test == old.Test && spec.PseudonymKey == old.PseudonymKey
	samePrice := spec.Price == old.Price && spec.Currency == old.Currency
	if !fixed || !samePrice && m.isPriceSomebodys(s) {
		return sequencer.CodeSaleStarted
	}
	s.spec = spec
	m.promote(s)
	return sequencer.CodeOK
}

// isPriceSomebodys reports whether somebody holds or waits for the price of a sale, or ever
// began to pay it.
func (m *Model) isPriceSomebodys(s *sale) bool {
	return slices.ContainsFunc(m.orders, func(o *order) bool {
		return o.sale == s && (o.state.Holds() || o.state == sequencer.StateWaitlisted || o.attempts > 0)
	})
}

func (s *sale) setPaused(paused bool) sequencer.Code {
	if s.closed {
		return sequencer.CodeClosed
	}
	s.paused = paused
	return sequencer.CodeOK
}

func (m *Model) saleClose(s *sale) {
	s.closed = true
	for _, o := range s.waiting {
		m.enter(o, sequencer.StateCancelled)
	}
	s.waiting = nil
}

func (m *Model) saleCancel(s *sale) {
	m.saleClose(s)
	s.cancelled = true
	for _, o := range m.orders {
		switch {
		case o.sale != s:
		case o.state == sequencer.StateReserved:
			m.giveBack(o, sequencer.StateCancelled)
			m.tell(sequencer.EventCancelled, o, o.quantity, 0)
		case o.state == sequencer.StatePaid:
			m.takeBack(o)
			m.tell(sequencer.EventRefunded, o, o.quantity, 0)
		}
	}
}

func (m *Model) saleQuantity(s *sale, n int64) sequencer.Code {
	if n == 0 || n < -sequencer.TicketsMax || n > sequencer.TicketsMax {
		return sequencer.CodeBadRequest
	}
	if s.closed {
		return sequencer.CodeClosed
	}
	quantity := int64(s.spec.Quantity) + n
	if quantity < s.sold+s.held+s.withheld || quantity < 1 || quantity > sequencer.TicketsMax {
		return sequencer.CodeInvalidQuantity
	}
	s.spec.Quantity = uint32(quantity)
	m.promote(s)
	return sequencer.CodeOK
}

func (m *Model) saleRelease(s *sale, n int64) sequencer.Code {
	if n < 1 || n > s.withheld {
		return sequencer.CodeInvalidQuantity
	}
	s.withheld -= n
	m.promote(s)
	return sequencer.CodeOK
}
