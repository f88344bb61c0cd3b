package sequencer

// payBegin starts a payment attempt: from its commit on the provider may be
// called, and the order keeps its tickets until the outcome is known.
func (s *State) payBegin(c *Command, r *Result) {
	number, known := s.orderOf(c)
	if !known {
		r.Code = CodeUnknownOrder
		return
	}
	r.Code = s.payable(s.orders.at(number), c.Amount)
	if r.Code == CodeOK {
		o := s.edit(number)
		o.attempts++
		o.reason = ReasonNone
		s.enter(o, s.find(o.sale), StatePaying)
		s.startTimer(number, o)
		s.done(o)
		s.track(number, o)
	}
	s.show(number, s.orders.at(number), r)
}

func (s *State) payable(o *order, amount int64) Code {
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
	case amount != s.sales[o.sale-1].spec.Price*int64(o.quantity):
		return CodeAmountMismatch
	case o.attempts >= AttemptsMax:
		return CodeAttemptsExceeded
	}
	return CodeOK
}

// payResult records what the provider said of an attempt.
func (s *State) payResult(c *Command, r *Result) {
	number, known := s.orderNumber(c.Order)
	switch {
	case c.Outcome < PayAccepted || c.Outcome > PayCancelled || c.Reason > PayReasonMax, c.Reason != ReasonNone && c.Outcome != PayRejected:
		r.Code = CodeBadRequest
		return
	case !known:
		r.Code = CodeUnknownOrder
		return
	}
	o := s.orders.at(number)
	switch {
	case c.Attempt == 0 || c.Attempt > o.attempts:
		r.Code = CodeBadRequest
	case o.state == StatePaying && c.Attempt == o.attempts:
		r.Code = s.settle(number, c)
	case c.Outcome != PayAccepted:
		r.Code = CodeStaleAttempt
	case o.state != StatePaid && o.state != StateRefunded || c.Attempt != o.attempts:
		r.Code = s.lateSuccess(number, c.Attempt)
	}
	s.show(number, s.orders.at(number), r)
}

// lateSuccess notes that an attempt took money for nothing. Told again after the
// money went back, as webhooks do, it must not go back twice.
func (s *State) lateSuccess(number uint32, attempt uint8) Code {
	if s.orders.at(number).voided&(1<<(attempt-1)) != 0 {
		return CodeStaleAttempt
	}
	o := s.edit(number)
	o.voidsDue |= 1 << (attempt - 1)
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
	switch {
	case c.Outcome == PayAccepted && sale.cancelled:
		o.voidsDue |= 1 << (o.attempts - 1)
		s.release(o, sale, StateCancelled)
		code = CodeLateSuccess
	case c.Outcome == PayAccepted:
		sale.held -= uint32(o.quantity)
		sale.sold += uint32(o.quantity)
		o.overdue, o.captureDue = false, true
		s.enter(o, sale, StatePaid)
		sale.check()
	case o.deadline > s.now && !sale.cancelled:
		o.state, o.overdue = StateReserved, false
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

// payCaptured records that the money of an accepted attempt was captured.
func (s *State) payCaptured(c *Command, r *Result) {
	number, known := s.orderNumber(c.Order)
	if !known {
		r.Code = CodeUnknownOrder
		return
	}
	o := s.orders.at(number)
	switch {
	case c.Attempt == 0 || c.Attempt > o.attempts:
		r.Code = CodeBadRequest
	case !o.captureDue || c.Attempt != o.attempts:
		r.Code = CodeStaleAttempt
	default:
		o = s.edit(number)
		o.captureDue = false
		s.done(o)
		s.track(number, o)
	}
	s.show(number, s.orders.at(number), r)
}

// track notes whether the provider must still be spoken to about an order.
func (s *State) track(number uint32, o *order) {
	if o.state == StatePaying || o.captureDue || o.voidsDue != 0 {
		s.unsettled[number] = struct{}{}
	} else {
		delete(s.unsettled, number)
	}
}

// payVoided records that the money of a late success was given back.
func (s *State) payVoided(c *Command, r *Result) {
	number, known := s.orderNumber(c.Order)
	if !known {
		r.Code = CodeUnknownOrder
		return
	}
	o := s.orders.at(number)
	switch {
	case c.Attempt == 0 || c.Attempt > o.attempts:
		r.Code = CodeBadRequest
	case o.voidsDue&(1<<(c.Attempt-1)) == 0:
		r.Code = CodeStaleAttempt
	default:
		o = s.edit(number)
		o.voidsDue &^= 1 << (c.Attempt - 1)
		o.voided |= 1 << (c.Attempt - 1)
		s.done(o)
		s.track(number, o)
	}
	s.show(number, s.orders.at(number), r)
}

// refund takes a paid order back. Its tickets are withheld until the seller
// releases them: who refunds does not always want to sell again.
func (s *State) refund(c *Command, r *Result) {
	number, known := s.orderNumber(c.Order)
	if !known {
		r.Code = CodeUnknownOrder
		return
	}
	switch s.orders.at(number).state {
	case StatePaid:
		s.refundOrder(number, s.find(s.orders.at(number).sale))
	case StateRefunded:
	default:
		r.Code = CodeNotPaid
	}
	s.show(number, s.orders.at(number), r)
}

// refundOrder takes a paid order back and notes that its money must go back.
func (s *State) refundOrder(number uint32, sale *sale) {
	o := s.edit(number)
	sale.sold -= uint32(o.quantity)
	sale.withheld += uint32(o.quantity)
	o.captureDue = false // the provider voids what was not captured
	o.voidsDue |= 1 << (o.attempts - 1)
	s.enter(o, sale, StateRefunded)
	s.done(o)
	s.track(number, o)
	sale.check()
}
