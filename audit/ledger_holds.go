package audit

import (
	"fmt"

	"onsale/sequencer"
)

// own is the time by which holds run.
func (l *Ledger) own() int64 { return l.holds.Own(l.now) }

// end is when an order's hold ends by the log's time.
func (l *Ledger) end(o *bookedOrder) int64 { return l.holds.Shown(o.deadline) }

// longestHold is how long the longest hold is, with its grace.
func (l *Ledger) longestHold() (longest int64) {
	for _, s := range l.sales {
		longest = max(longest, max(s.spec.Hold, s.spec.PromotedHold)+s.spec.Grace)
	}
	return longest
}

// promotedHold is how long the hold of who waited is.
func (s *bookedSale) promotedHold() int64 {
	if s.spec.PromotedHold != 0 {
		return s.spec.PromotedHold
	}
	return s.spec.Hold
}

// leewayOf books that a payment that could not be made leaves its buyer some time: once, and each
// time that it stood in the line.
func (l *Ledger) leewayOf(o *bookedOrder, c *sequencer.Command) {
	if least := after(l.own(), sequencer.PaymentLeeway); c.Reason == sequencer.ReasonUnavailable && (o.lined || !o.leeway) && o.deadline < least {
		o.deadline, o.leeway = least, o.leeway || !o.lined
	}
}

// outage books that nobody led for a time. One that begins elsewhere than where the log is
// would take time from holds that was taken already, or never was.
func (l *Ledger) outage(c *sequencer.Command) {
	if uint64(l.now) != c.Order || c.Amount <= l.now {
		l.findings.report(checkOutage, 0, "from "+clock(l.now), fmt.Sprintf("from %s to %s", clock(int64(c.Order)), clock(c.Amount)))
		return
	}
	l.holds.Outage(l.now, c.Amount, l.longestHold(), c.Count)
	l.now = c.Amount
}
