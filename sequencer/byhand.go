package sequencer

// When an account is lost, or its books are, nobody can ask any more what became of the money
// that was charged under it. Then an operator who knows it from elsewhere says so, with a reason
// for the record. That is allowed for attempts under another account than the accepted one alone:
// what the provider can still be asked, nobody decides instead of it.

// settleByHand records what an operator says of an order's money. An accepted outcome says that
// the newest attempt's money was captured, a cancelled one that the attempt took none and never
// will, a refunded one that all that must go back is back, or was never taken.
func (s *State) settleByHand(c *Command, r *Result) {
	number, known := s.orderNumber(c.Order)
	switch {
	case c.Outcome != PayAccepted && c.Outcome != PayCancelled && c.Outcome != PayRefunded || !validNote(c.Body):
		r.Code = CodeBadRequest
		return
	case !known:
		r.Code = CodeUnknownOrder
		return
	}
	if c.Outcome == PayRefunded {
		r.Code = s.returnByHand(number)
	} else {
		r.Code = s.endByHand(number, c.Outcome)
	}
	s.show(number, s.orders.at(number), r)
}

// endByHand ends the newest attempt of an order: one that is under way as captured, or as one
// that took nothing; one that was accepted as captured.
func (s *State) endByHand(number uint32, outcome PayOutcome) Code {
	o := s.orders.at(number)
	captures := outcome == PayAccepted && o.has(isCaptureDue)
	switch {
	case s.isFree(o) || o.state != StatePaying && !captures:
		return CodeNotUnsettled
	case !s.isElsewhere(number, o.attempts):
		return CodeAccountInUse
	}
	if !captures {
		if code := s.settle(number, &Command{Outcome: outcome}); code != CodeOK || outcome != PayAccepted {
			return code
		}
	}
	o = s.edit(number)
	s.spareParts(number, s.sales[o.sale-1].spec.Price*int64(o.quantity)) // what is captured, when nobody hinders it
	o.flags.set(isCaptureDue, false)
	o.flags.set(wasCaptured, true)
	s.done(o)
	s.track(number, o)
	return CodeOK
}

// returnByHand notes that the money of an order is back that had to go, of attempts and of parts.
func (s *State) returnByHand(number uint32) Code {
	o := s.orders.at(number)
	due, _ := s.voids(number, o)
	partDue := o.has(wasCaptured) && o.state == StatePaid && s.isPartDue(number)
	if due == 0 && !partDue {
		return CodeNotUnsettled
	}
	code := CodeAccountInUse
	for attempt := uint8(1); attempt <= o.attempts; attempt++ {
		if due&(1<<(attempt-1)) != 0 && s.isElsewhere(number, attempt) {
			o = s.edit(number)
			s.setVoids(number, o, attempt, false, true)
			s.done(o)
			code = CodeOK
		}
	}
	if partDue && s.isElsewhere(number, o.attempts) {
		s.returnParts(number)
		code = CodeOK
	}
	s.track(number, o)
	return code
}

// returnParts notes that the money of all parts is back that had to go.
func (s *State) returnParts(number uint32) {
	s.eachPart(number, func(place uint32, is *part) bool {
		if is.State == PartDue {
			s.editPart(place, func(p *Part) { p.State = PartReturned })
		}
		return true
	})
}
