package naive

import "onsale/sequencer"

// payDisputed notes what the provider says of a dispute of money that was accepted, and may
// have been taken before anybody noted it.
func (m *Model) payDisputed(c *sequencer.Command, r *sequencer.Result) {
	m.tried(c, r, c.Dispute >= 1 && c.Dispute <= 4 && c.Amount > 0, func(o *order) sequencer.Code {
		told := sequencer.Dispute{Status: c.Dispute, Amount: c.Amount, EvidenceBy: int64(c.Count) * 1_000_000_000}
		accepted := (o.state == sequencer.StatePaid || o.state == sequencer.StateRefunded) && o.sale.spec.Price > 0
		if !accepted || c.Attempt < o.attempts || o.dispute == told {
			return sequencer.CodeStaleAttempt
		}
		o.dispute = told
		return sequencer.CodeOK
	})
}
