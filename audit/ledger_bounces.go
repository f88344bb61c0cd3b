package audit

import (
	"fmt"

	"onsale/sequencer"
)

// refundOf is what is refunded at once: what an attempt took, or a part of it.
type refundOf struct{ attempt, part uint8 }

// bookedBounce is what the recorded decisions tell of an attempt's refunds.
type bookedBounce struct {
	failures uint32
	over     bool // its return has failed
}

// bounced books a refund that failed: the first, or the second, each once, and none of a return
// that is over.
func (l *Ledger) bounced(o *bookedOrder, c *sequencer.Command) {
	refund := refundOf{c.Attempt, c.Part}
	is := o.bounced[refund]
	next := min(is.failures+1, sequencer.RefundsMax)
	if is.over || c.Count != next {
		l.findings.report(checkBounced, o.seq, fmt.Sprintf("refund %d", next), fmt.Sprintf("refund %d", c.Count))
	}
	final := c.Reason == sequencer.ReasonDisputed || c.Reason == sequencer.ReasonRefundRefused
	if o.bounced == nil {
		o.bounced = map[refundOf]bookedBounce{}
	}
	o.bounced[refund] = bookedBounce{failures: next, over: final || next == sequencer.RefundsMax}
}

// returned books that the money of an attempt, or of a part, is back, by whatever way.
func (o *bookedOrder) returned(c *sequencer.Command) {
	refund := refundOf{c.Attempt, c.Part}
	if is, any := o.bounced[refund]; any {
		is.over = false
		o.bounced[refund] = is
	}
}

// acknowledged reports that a seller took note of a failure that there is not.
func (l *Ledger) acknowledged(o *bookedOrder, c *sequencer.Command) {
	if !o.bounced[refundOf{c.Attempt, c.Part}].over {
		l.findings.report(checkAcknowledged, o.seq, sequencer.CodeNotFailed.String(), sequencer.CodeOK.String(), c.Attempt)
	}
}
