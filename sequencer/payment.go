package sequencer

// payBegin starts a payment attempt: from its commit on the provider may be
// called, and the order keeps its tickets until the outcome is known.
func (s *State) payBegin(c *Command, r *Result) {
	if c.Amount > 0 && !ValidAccount(c.Reference) || c.Amount <= 0 && len(c.Reference) > 0 || !validStay(c) {
		r.Code = CodeBadRequest
		return
	}
	number, known := s.orderOf(c)
	if !known {
		r.Code = CodeUnknownOrder
		return
	}
	r.Code = s.payable(number, c)
	if r.Code == CodeOK {
		o := s.edit(number)
		o.attempts++
		o.reason = ReasonNone
		s.began(number, o)
		s.queueUp(number, c)
		if c.Amount > 0 {
			s.chargeUnder(number, o.attempts, c.Reference)
		}
		s.enter(o, s.find(o.sale), StatePaying)
		s.startTimer(number, o)
		s.done(o)
		s.track(number, o)
	}
	s.show(number, s.orders.at(number), r)
}

func (s *State) payable(number uint32, c *Command) Code {
	o := s.orders.at(number)
	switch s.effective(o) {
	case StateReserved:
	case StatePaying:
		return CodePaymentInFlight
	case StatePaid:
		return CodeAlreadyPaid
	case StateExpired:
		return CodeSessionExpired
	default:
		return CodeNotPayable
	}
	switch {
	case len(s.births) > 0 && o.seq < s.births[0].FirstSeq:
		return CodeNotPayable // its cluster, of which this is a copy, sold it
	case c.Amount != s.priceOf(o)*int64(o.quantity):
		return CodeAmountMismatch
	case s.sales[o.sale-1].minted()+uint64(s.sales[o.sale-1].held) > TicketNumberMax:
		return CodeNotPayable
	}
	if code, _ := s.nextAttempt(number, o); code != CodeOK || c.Amount == 0 {
		return code
	}
	return s.accountCode(c.Reference)
}

// onAttempt decides a command about an attempt to pay an order, when is says that the rest of the
// command can be meant. It is CodeBadRequest for an attempt that never began.
func (s *State) onAttempt(c *Command, r *Result, is bool, decide func(number uint32, c *Command) Code) {
	number, known := s.orderNumber(c.Order)
	switch {
	case !is:
		r.Code = CodeBadRequest
		return
	case !known:
		r.Code = CodeUnknownOrder
		return
	}
	r.Code = CodeBadRequest
	if c.Attempt != 0 && c.Attempt <= s.orders.at(number).attempts {
		r.Code = decide(number, c)
	}
	s.show(number, s.orders.at(number), r)
}

// payResult records what the provider said of an attempt.
func (s *State) payResult(c *Command, r *Result) {
	is := c.Outcome >= PayAccepted && c.Outcome <= PayCancelled && c.Reason.fits(c.Outcome)
	s.onAttempt(c, r, is, s.result)
}

func (s *State) result(number uint32, c *Command) Code {
	switch o := s.orders.at(number); {
	case o.state == StatePaying && c.Attempt == o.attempts:
		return s.settle(number, c)
	case c.Outcome != PayAccepted:
		return CodeStaleAttempt
	case o.state != StatePaid && o.state != StateRefunded || c.Attempt != o.attempts:
		return s.lateSuccess(number, c.Attempt)
	}
	return CodeOK
}

// lateSuccess notes that an attempt took money for nothing. Told again after the
// money went back, as webhooks do, it must not go back twice.
func (s *State) lateSuccess(number uint32, attempt uint8) Code {
	o := s.orders.at(number)
	if _, done := s.voids(number, o); s.isFree(o) || done&(1<<(attempt-1)) != 0 || s.bounceOf(number, attempt).failed {
		return CodeStaleAttempt
	}
	o = s.edit(number)
	s.setVoids(number, o, attempt, true, false)
	s.done(o)
	s.track(number, o)
	return CodeLateSuccess
}

// settle ends the live attempt of a paying order.
func (s *State) settle(number uint32, c *Command) Code {
	if c.Outcome == PayUnknown {
		return CodeOK
	}
	o := s.edit(number)
	sale := s.find(o.sale)
	code := CodeOK
	o.reason = c.Reason
	if c.Outcome == PayRejected {
		s.declined(number, o)
	}
	stood := s.leaveLine(number)
	if c.Reason == ReasonUnavailable {
		s.leeway(o, stood)
	}
	switch {
	case c.Outcome == PayAccepted && sale.cancelled:
		s.setVoids(number, o, o.attempts, !s.isFree(o), false)
		s.release(o, sale, StateCancelled)
		code = CodeLateSuccess
	case c.Outcome == PayAccepted:
		sale.held -= uint32(o.quantity)
		sale.sold += uint32(o.quantity)
		o.flags.set(isOverdue, false)
		o.flags.set(isCaptureDue, !s.isFree(o))
		s.mint(number, sale)
		s.enter(o, sale, StatePaid)
		sale.check()
	case o.deadline > s.holdNow() && !sale.cancelled:
		o.state = StateReserved
		o.flags.set(isOverdue, false)
		s.startTimer(number, o)
	case sale.cancelled:
		s.release(o, sale, StateCancelled)
	default:
		s.release(o, sale, StateExpired)
	}
	s.done(o)
	s.track(number, o)
	if !o.state.Live() {
		s.promote(sale)
	}
	return code
}

// isFree reports whether an order costs nothing: there is nothing to capture and nothing to
// give back. The price of a sale stays from the first payment on.
func (s *State) isFree(o *order) bool { return s.priceOf(o) == 0 }

// priceOf returns what a ticket of an order costs, in minor units.
func (s *State) priceOf(o *order) int64 { return s.sales[o.sale-1].spec.Price }

// leeway leaves a buyer whose payment could not be made, through no fault of theirs, enough
// time for another attempt: once, and each time that the attempt stood in the line, of which the
// provider never heard.
func (s *State) leeway(o *order, stood bool) {
	least := later(s.holdNow(), PaymentLeeway)
	if o.deadline >= least || o.has(hadLeeway) && !stood {
		return
	}
	o.deadline = least
	if !stood {
		o.flags.set(hadLeeway, true)
	}
}

// payCaptured records that the money of an accepted attempt was captured: the amount, which
// is less by parts that were refunded before.
func (s *State) payCaptured(c *Command, r *Result) { s.onAttempt(c, r, true, s.capture) }

func (s *State) capture(number uint32, c *Command) Code {
	switch o := s.orders.at(number); {
	case !o.has(isCaptureDue) || c.Attempt != o.attempts:
		return CodeStaleAttempt
	case !s.spareParts(number, c.Amount):
		return CodeAmountMismatch
	}
	o := s.edit(number)
	o.flags.set(isCaptureDue, false)
	o.flags.set(wasCaptured, true)
	s.done(o)
	s.track(number, o)
	return CodeOK
}

// track notes whether the provider must still be spoken to about an order.
func (s *State) track(number uint32, o *order) {
	s.unsettled.set(number, s.isUnsettled(number, o))
}

// isUnsettled reports whether an order is paying, or has money to be captured or given back.
func (s *State) isUnsettled(number uint32, o *order) bool {
	due, _ := s.voids(number, o)
	return o.state == StatePaying || o.has(isCaptureDue) || due != 0 || s.isPartDue(number)
}

// payVoided records that the money of an attempt is back: refunded, or never taken. Of money
// that is known to have been captured only the first is believed, whatever the provider
// says: another account, or lost books, know nothing of it.
func (s *State) payVoided(c *Command, r *Result) {
	decide := s.voided
	if c.Part != 0 {
		decide = s.partReturned
	}
	s.onAttempt(c, r, c.Outcome == PayCancelled || c.Outcome == PayRefunded, decide)
}

func (s *State) voided(number uint32, c *Command) Code {
	o := s.orders.at(number)
	due, _ := s.voids(number, o)
	switch {
	case due&(1<<(c.Attempt-1)) == 0 && (c.Outcome != PayRefunded || !s.bounceOf(number, c.Attempt).failed):
		return CodeStaleAttempt
	case c.Outcome != PayRefunded && o.has(wasCaptured) && c.Attempt == o.attempts:
		return CodeNotCancellable
	}
	o = s.edit(number)
	s.setVoids(number, o, c.Attempt, false, true)
	s.returned(number, c.Attempt)
	s.done(o)
	s.track(number, o)
	return CodeOK
}

// refund takes a paid order, or a part of it, back. Its tickets are withheld until the seller
// releases them: who refunds does not always want to sell again.
func (s *State) refund(c *Command, r *Result) {
	number, known := s.orderNumber(c.Order)
	if !known {
		r.Code = CodeUnknownOrder
		return
	}
	o := s.orders.at(number)
	share, code := s.shareOf(number, c)
	switch {
	case o.state != StatePaid && o.state != StateRefunded:
		r.Code = CodeNotPaid
	case code != CodeOK:
		r.Code = code
	case share == shareDone || o.state == StateRefunded:
	case s.namedCode(number, c) != CodeOK:
		r.Code = s.namedCode(number, c)
	case share == sharePart:
		s.refundPart(number, s.find(o.sale), c)
	default:
		s.refundOrder(number, s.find(o.sale))
	}
	s.show(number, s.orders.at(number), r)
}

// refundOrder takes a paid order back and notes that its money must go back.
func (s *State) refundOrder(number uint32, sale *sale) {
	o := s.edit(number)
	sale.sold -= uint32(o.quantity)
	sale.withheld += uint32(o.quantity)
	o.flags.set(isCaptureDue, false) // the provider voids what was not captured
	s.setVoids(number, o, o.attempts, !s.isFree(o), false)
	s.joinParts(number)
	s.revokeAll(number)
	s.enter(o, sale, StateRefunded)
	s.done(o)
	s.track(number, o)
	sale.check()
}
