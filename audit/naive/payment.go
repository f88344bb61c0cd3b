package naive

import "onsale/sequencer"

func (m *Model) payBegin(c *sequencer.Command, r *sequencer.Result) {
	account := string(c.Reference)
	if named := isAccount(account); c.Amount > 0 && !named || c.Amount <= 0 && (account != "" || c.Count != 0) || c.Count > 24*60*60 {
		r.Code = sequencer.CodeBadRequest
		return
	}
	o := m.orderOf(c.Order)
	if o == nil || o.user != string(c.User) {
		r.Code = sequencer.CodeUnknownOrder
		return
	}
	switch o.state {
	case sequencer.StateReserved:
		if r.Code = m.payReserved(o, c.Amount, account); r.Code == sequencer.CodeOK {
			m.queueUp(o, c.Count)
			m.timers.set(o)
		}
	case sequencer.StatePaying:
		r.Code = sequencer.CodePaymentInFlight
	case sequencer.StatePaid:
		r.Code = sequencer.CodeAlreadyPaid
	case sequencer.StateExpired:
		r.Code = sequencer.CodeSessionExpired
	default:
		r.Code = sequencer.CodeNotPayable
	}
	m.show(o, r)
}

func (m *Model) payReserved(o *order, amount int64, account string) sequencer.Code {
	switch {
	case len(m.births) > 0 && m.birthOf(o.seq) == (sequencer.ClusterID{}):
		return sequencer.CodeNotPayable
	case amount != o.sale.spec.Price*int64(o.quantity):
		return sequencer.CodeAmountMismatch
	case o.sale.lastTicket+o.sale.held > 1<<32-1:
		return sequencer.CodeNotPayable
	}
	if code, _ := m.waits(o); code != sequencer.CodeOK {
		return code
	}
	if amount > 0 {
		if code := m.mayCharge(account); code != sequencer.CodeOK {
			return code
		}
	}
	o.attempts++
	if amount > 0 {
		o.accounts[o.attempts] = account
	}
	o.triedAt = m.now
	o.overdue, o.reason = false, sequencer.ReasonNone
	m.enter(o, sequencer.StatePaying)
	return sequencer.CodeOK
}

// tried finds the order of a command that names one of its attempts, and says what came of it.
func (m *Model) tried(c *sequencer.Command, r *sequencer.Result, sensible bool, what func(*order) sequencer.Code) {
	if !sensible {
		r.Code = sequencer.CodeBadRequest
		return
	}
	o := m.orderOf(c.Order)
	if o == nil {
		r.Code = sequencer.CodeUnknownOrder
		return
	}
	if 1 <= c.Attempt && c.Attempt <= o.attempts {
		r.Code = what(o)
	} else {
		r.Code = sequencer.CodeBadRequest
	}
	m.show(o, r)
}

func (m *Model) payResult(c *sequencer.Command, r *sequencer.Result) {
	told := c.Reason == 0 || c.Outcome == sequencer.PayRejected && c.Reason <= 7 || c.Outcome == sequencer.PayCancelled && c.Reason == 8
	m.tried(c, r, told && c.Outcome >= sequencer.PayAccepted && c.Outcome <= sequencer.PayCancelled, func(o *order) sequencer.Code {
		if o.state == sequencer.StatePaying && c.Attempt == o.attempts {
			return m.settle(o, c.Outcome, c.Reason)
		}
		return oldAttempt(o, c.Attempt, c.Outcome)
	})
}

// settle takes the provider's word on the live attempt.
func (m *Model) settle(o *order, outcome sequencer.PayOutcome, reason sequencer.PayReason) sequencer.Code {
	s := o.sale
	if outcome != sequencer.PayUnknown {
		o.reason = reason
	}
	if outcome == sequencer.PayRejected {
		m.declined(o)
	}
	if reason == sequencer.ReasonUnavailable && (o.lined || !o.leeway) {
		if until := after(m.own(), 10*60*1_000_000_000); until > o.deadline {
			o.deadline, o.leeway = until, o.leeway || !o.lined
		}
	}
	if outcome != sequencer.PayUnknown {
		o.lined = false
	}
	switch {
	case outcome == sequencer.PayUnknown:
	case outcome == sequencer.PayAccepted && s.cancelled:
		m.giveBack(o, sequencer.StateCancelled)
		m.promote(s)
		if s.spec.Price > 0 {
			o.voidsDue |= 1 << (o.attempts - 1)
		}
		return sequencer.CodeLateSuccess
	case outcome == sequencer.PayAccepted:
		o.uncaptured = s.spec.Price > 0
		s.held -= int64(o.quantity)
		s.sold += int64(o.quantity)
		m.giveTickets(o)
		m.enter(o, sequencer.StatePaid)
	case s.cancelled:
		m.giveBack(o, sequencer.StateCancelled)
		m.promote(s)
	case o.deadline > m.own():
		o.state = sequencer.StateReserved
		m.timers.set(o)
	default:
		m.giveBack(o, sequencer.StateExpired)
		m.promote(s)
	}
	return sequencer.CodeOK
}

func (m *Model) payCaptured(c *sequencer.Command, r *sequencer.Result) {
	m.tried(c, r, true, func(o *order) sequencer.Code {
		switch {
		case c.Attempt != o.attempts || !o.uncaptured:
			return sequencer.CodeStaleAttempt
		case !o.spare(c.Amount):
			return sequencer.CodeAmountMismatch
		}
		o.uncaptured, o.captured = false, true
		return sequencer.CodeOK
	})
}

// oldAttempt takes the provider's word on an attempt that is not live.
func oldAttempt(o *order, attempt uint8, outcome sequencer.PayOutcome) sequencer.Code {
	switch {
	case outcome != sequencer.PayAccepted:
		return sequencer.CodeStaleAttempt
	case (o.state == sequencer.StatePaid || o.state == sequencer.StateRefunded) && attempt == o.attempts:
		return sequencer.CodeOK // the newest attempt is the one that paid
	case o.sale.spec.Price == 0 || o.voided&(1<<(attempt-1)) != 0 || o.bounced[attempt].over:
		return sequencer.CodeStaleAttempt
	}
	o.voidsDue |= 1 << (attempt - 1)
	return sequencer.CodeLateSuccess
}

func (m *Model) payVoided(c *sequencer.Command, r *sequencer.Result) {
	refunded := c.Outcome == sequencer.PayRefunded
	m.tried(c, r, refunded || c.Outcome == sequencer.PayCancelled, func(o *order) sequencer.Code {
		switch was := o.bounced[c.Attempt]; {
		case c.Part > 0:
			return m.onPart(o, c)
		case was.over && refunded:
			was.over, was.seen = false, false
			o.bounced[c.Attempt] = was
			o.voided |= 1 << (c.Attempt - 1)
		case o.voidsDue&(1<<(c.Attempt-1)) == 0:
			return sequencer.CodeStaleAttempt
		case o.captured && c.Attempt == o.attempts && !refunded:
			return sequencer.CodeNotCancellable
		default:
			o.voidsDue &^= 1 << (c.Attempt - 1)
			o.voided |= 1 << (c.Attempt - 1)
		}
		return sequencer.CodeOK
	})
}

func (m *Model) refund(c *sequencer.Command, r *sequencer.Result) {
	o := m.orderOf(c.Order)
	if o == nil {
		r.Code = sequencer.CodeUnknownOrder
		return
	}
	tickets, code := o.wanted(c)
	switch {
	case o.state != sequencer.StatePaid && o.state != sequencer.StateRefunded:
		r.Code = sequencer.CodeNotPaid
	case o.state == sequencer.StateRefunded || tickets == 0:
		r.Code = code
	case o.named(c) != sequencer.CodeOK:
		r.Code = o.named(c)
	case tickets < o.quantity && o.sale.spec.Price == 0:
		o.split(c, sequencer.StatePaid, sequencer.StateRefunded, sequencer.PartSpared)
		m.revokeSome(o, c)
	case tickets < o.quantity:
		o.split(c, sequencer.StatePaid, sequencer.StateRefunded, sequencer.PartDue)
		m.revokeSome(o, c)
	default:
		m.takeBack(o)
	}
	m.show(o, r)
}

// takeBack refunds a paid order: the money of the attempt that paid goes back.
func (m *Model) takeBack(o *order) {
	o.sale.sold -= int64(o.quantity)
	o.sale.withheld += int64(o.quantity)
	o.uncaptured = false
	if o.sale.spec.Price > 0 {
		o.voidsDue |= 1 << (o.attempts - 1)
	}
	for i := range o.parts {
		if p := &o.parts[i]; p.State == sequencer.PartDue || p.hasFailed() {
			p.State = sequencer.PartJoined
		}
	}
	m.revoke(o, 0, func(uint32) bool { return true })
	m.enter(o, sequencer.StateRefunded)
}
