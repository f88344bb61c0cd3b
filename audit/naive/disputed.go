package naive

import "onsale/sequencer"

// payDisputed notes what the provider says of a dispute of money that was accepted, and may
// have been taken before anybody noted it.
func (m *Model) payDisputed(c *sequencer.Command, r *sequencer.Result) {
	if c.Dispute < 1 || c.Dispute > 4 || c.Amount <= 0 {
		r.Code = sequencer.CodeBadRequest
		return
	}
	o := m.orderOf(c.Order)
	if o == nil {
		r.Code = sequencer.CodeUnknownOrder
		return
	}
	told := sequencer.Dispute{Status: c.Dispute, Amount: c.Amount, EvidenceBy: int64(c.Count) * 1_000_000_000}
	accepted := (o.state == sequencer.StatePaid || o.state == sequencer.StateRefunded) && o.sale.spec.Price > 0
	switch {
	case c.Attempt < 1 || c.Attempt > o.attempts:
		r.Code = sequencer.CodeBadRequest
	case accepted && c.Attempt == o.attempts && o.dispute != told:
		o.dispute = told
	default:
		r.Code = sequencer.CodeStaleAttempt
	}
	m.show(o, r)
}
