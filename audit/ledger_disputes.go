package audit

import (
	"fmt"

	"onsale/sequencer"
)

// disputed books what the provider says of a dispute: of money that was accepted, so that it may have
// been captured, and something new.
func (l *Ledger) disputed(o *bookedOrder, c *sequencer.Command) {
	told := sequencer.Dispute{Status: c.Dispute, Amount: c.Amount, EvidenceBy: int64(c.Count) * 1_000_000_000}
	accepted := (o.state == sequencer.StatePaid || o.state == sequencer.StateRefunded) && o.sale.spec.Price > 0
	if !accepted || c.Attempt != o.attempts || told == o.dispute {
		l.findings.report(checkDisputed, o.seq, "a dispute of accepted money, other than "+o.dispute.Status.String(), fmt.Sprintf("%s of attempt %d", c.Dispute, c.Attempt))
	}
	o.dispute = told
}
