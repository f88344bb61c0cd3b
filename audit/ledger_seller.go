package audit

import (
	"fmt"

	"onsale/sequencer"
)

// seller books a seller's command, or the leader's own.
func (l *Ledger) seller(c *sequencer.Command, r *sequencer.Result) {
	switch c.Kind {
	case sequencer.KindSaleCreate:
		l.created(c, r)
		return
	case sequencer.KindSessionOpen:
		l.sessions[r.Seq] = 0
		return
	case sequencer.KindForward:
		l.forwarded(c)
		return
	case sequencer.KindBirth:
		l.allCalled(r) // header has booked the rest
		return
	case sequencer.KindAccept:
		l.account = string(c.Reference)
		return
	case sequencer.KindLevel:
		l.raised(c)
		return
	case sequencer.KindOutage:
		l.outage(c)
		return
	case sequencer.KindHoldStop:
		l.holds.Stop(l.now, l.longestHold(), c.Count)
		return
	case sequencer.KindHoldGo:
		l.holds.Go()
		return
	}
	s := l.sale(c.Sale)
	if s == nil {
		l.findings.report(checkSellerSale, 0, "a sale", fmt.Sprint(c.Sale))
		return
	}
	switch c.Kind {
	case sequencer.KindSaleUpdate:
		l.updated(s, c)
	case sequencer.KindSaleClose:
		l.closed(s)
	case sequencer.KindSaleCancel:
		l.closed(s)
		s.cancelled = true
	case sequencer.KindSaleQuantity:
		s.spec.Quantity = uint32(int64(s.spec.Quantity) + c.Amount)
		if c.Amount > 0 {
			s.refusedNeed = 0
		}
	case sequencer.KindSalePause, sequencer.KindSaleResume:
		s.paused = c.Kind == sequencer.KindSalePause
	case sequencer.KindSaleExtend:
		l.extended(s, c.Amount)
	case sequencer.KindSaleRelease:
		s.withheld -= c.Amount
		s.refusedNeed = 0
	}
	l.counted(s, 0)
}

// forwarded books that a front-end's batch was executed: of a session that was
// opened, and in the order of its numbers, so that none is executed twice.
func (l *Ledger) forwarded(c *sequencer.Command) {
	newest, opened := l.sessions[c.Order]
	if !opened || uint64(c.Amount) <= newest {
		l.findings.report(checkBatchOnce, 0, fmt.Sprintf("above %d of a session that was opened (%t)", newest, opened),
			fmt.Sprint(c.Amount), c.Amount, c.Order)
	}
	l.sessions[c.Order] = max(newest, uint64(c.Amount))
}

// raised books that the level of the formats went up by a step.
func (l *Ledger) raised(c *sequencer.Command) {
	if c.Amount != l.level+1 {
		l.findings.report(checkLevel, 0, fmt.Sprint(l.level+1), fmt.Sprint(c.Amount))
	}
	l.level = c.Amount
}

func (l *Ledger) created(c *sequencer.Command, r *sequencer.Result) {
	spec, err := sequencer.DecodeSaleSpec(c.Body)
	if err != nil || int(r.Sale) != len(l.sales)+1 {
		l.findings.report(checkSaleCreated, 0, fmt.Sprintf("sale %d", len(l.sales)+1),
			fmt.Sprintf("sale %d (%v)", r.Sale, err))
		return
	}
	l.begin(&spec)
	l.sales = append(l.sales, &bookedSale{number: r.Sale, spec: spec})
}

// begin: who names no start means now.
func (l *Ledger) begin(spec *sequencer.SaleSpec) {
	if spec.StartsAt == 0 {
		spec.StartsAt = l.now
	}
}

func (l *Ledger) updated(s *bookedSale, c *sequencer.Command) {
	spec, err := sequencer.DecodeSaleSpec(c.Body)
	if err != nil || l.now >= s.spec.StartsAt && !s.termsKept(&spec) {
		l.findings.report(checkTermsKept, 0, "sale_started or bad_request", "ok", s.number, err)
		return
	}
	if l.now < s.spec.StartsAt { // else it stays, also one that is the beginning of time
		l.begin(&spec)
	}
	if spec.Waitlist > s.spec.Waitlist {
		s.refusedNeed = 0 // who is refused now and who was before had not the same chances
	}
	s.spec = spec
}

// termsKept reports whether everything is as it was that buyers rely on once the
// sale runs: the price when somebody holds or waits for it, or ever began to pay it.
func (s *bookedSale) termsKept(changed *sequencer.SaleSpec) bool {
	old := &s.spec
	relied := s.held > 0 || s.waiting > 0 || s.begun
	return old.ID == changed.ID && old.Item == changed.Item && old.Quantity == changed.Quantity && old.Cap == changed.Cap &&
		old.StartsAt == changed.StartsAt && old.Grace == changed.Grace && old.Test == changed.Test && old.PseudonymKey == changed.PseudonymKey &&
		(!relied || old.Price == changed.Price && old.Currency == changed.Currency)
}

// closed books that all who wait were sent away.
func (l *Ledger) closed(s *bookedSale) {
	for _, o := range s.queue {
		if o.state == sequencer.StateWaitlisted {
			l.move(o, sequencer.StateCancelled, o.quantity)
		}
	}
	s.queue = nil
}

// extended gives every live hold of a sale more time.
func (l *Ledger) extended(s *bookedSale, by int64) {
	for _, o := range l.orders {
		if o.sale == s && o.state.Holds() {
			o.deadline = after(o.deadline, by)
		}
	}
}
