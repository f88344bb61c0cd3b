package sequencer

// When an account is lost, or its books are, nobody can ask any more what became of the money
// that was charged under it. Then an operator who knows it from elsewhere says so, with a reason
// for the record. That is allowed for attempts under another account than the accepted one alone:
// what the provider can still be asked, nobody decides instead of it.
//
// The word is about one attempt, or one part of an order, and one amount, which it names: an
// answer may be lost, and the word repeated when a later attempt is under way, or another part
// must go back. What is so already is said again and changes nothing, whoever said it first.

// settleByHand records what an operator says of an attempt's money.
func (s *State) settleByHand(c *Command, r *Result) {
	s.onAttempt(c, r, validNote(c.Body) && validWord(c), s.byHand)
}

// validWord reports whether an outcome, amount and part go together: money that moved has an
// amount, and only what goes back has parts.
func validWord(c *Command) bool {
	switch c.Outcome {
	case PayAccepted:
		return c.Amount > 0 && c.Part == 0
	case PayCancelled:
		return c.Amount == 0 && c.Part == 0
	}
	return c.Outcome == PayRefunded && c.Amount > 0
}

func (s *State) byHand(number uint32, c *Command) Code {
	switch o := s.orders.at(number); {
	case s.isFree(o):
		return CodeNotUnsettled
	case c.Outcome == PayCancelled:
		return s.nothingByHand(number, c)
	case c.Outcome == PayAccepted:
		return s.captureByHand(number, c)
	case c.Part != 0:
		return s.returnPartByHand(number, c)
	}
	return s.returnByHand(number, c)
}

// nothingByHand ends an attempt as one that took nothing.
func (s *State) nothingByHand(number uint32, c *Command) Code {
	o := s.orders.at(number)
	due, done := s.voids(number, o)
	newest := c.Attempt == o.attempts
	switch {
	case newest && o.state == StatePaying && !s.isElsewhere(number, c.Attempt):
		return CodeAccountInUse
	case newest && o.state == StatePaying:
		return s.settle(number, c)
	case newest && (o.state == StatePaid || o.state == StateRefunded), (due|done)&(1<<(c.Attempt-1)) != 0, s.bounceOf(number, c.Attempt).failed:
		return CodeNotUnsettled // it took money
	}
	return CodeOK
}

// captureByHand notes that the newest attempt's money was captured, of a paying order as of one
// that was accepted.
func (s *State) captureByHand(number uint32, c *Command) Code {
	o := s.orders.at(number)
	due, done := s.voids(number, o)
	open := o.state == StatePaying || o.has(isCaptureDue)
	switch v := s.view(number); {
	case c.Attempt != o.attempts:
		return CodeStaleAttempt
	case open && !s.isElsewhere(number, c.Attempt):
		return CodeAccountInUse
	case o.state == StatePaying && c.Amount != s.priceOf(o)*v.TicketsOf(c.Attempt), o.has(wasCaptured) && c.Amount != s.priceOf(o)*v.TakenTickets():
		return CodeAmountMismatch
	case o.has(wasCaptured):
		return CodeOK
	case o.state == StateCancelled && (due|done)&(1<<(c.Attempt-1)) != 0: // it was told before
		if c.Amount != s.priceOf(o)*v.TicketsOf(c.Attempt) {
			return CodeAmountMismatch
		}
		return CodeLateSuccess
	case !open:
		return CodeNotUnsettled
	}
	if o.state == StatePaying {
		if code := s.settle(number, c); code != CodeOK {
			return code
		}
	}
	return s.capture(number, c)
}

// returnByHand notes that the money of an attempt is back that had to go, or was never taken.
func (s *State) returnByHand(number uint32, c *Command) Code {
	o := s.orders.at(number)
	due, done := s.voids(number, o)
	bit := uint32(1) << (c.Attempt - 1)
	v := s.view(number)
	switch {
	case (due|done)&bit == 0:
		return CodeNotUnsettled
	case due&bit != 0 && !s.isElsewhere(number, c.Attempt):
		return CodeAccountInUse
	case c.Amount != s.priceOf(o)*v.RestOf(c.Attempt):
		return CodeAmountMismatch
	case due&bit != 0:
		o = s.edit(number)
		s.setVoids(number, o, c.Attempt, false, true)
		s.done(o)
		s.track(number, o)
	}
	return CodeOK
}

// returnPartByHand notes that the money of a part is back that had to go.
func (s *State) returnPartByHand(number uint32, c *Command) Code {
	place, known := s.partAt(number, c.Part)
	if !known {
		return CodeBadRequest
	}
	o := s.orders.at(number)
	is := s.parts.list.at(place)
	due := is.State == PartDue && o.state == StatePaid && o.has(wasCaptured)
	switch {
	case c.Attempt != o.attempts:
		return CodeStaleAttempt
	case !due && is.State != PartReturned:
		return CodeNotUnsettled
	case due && !s.isElsewhere(number, c.Attempt):
		return CodeAccountInUse
	case c.Amount != s.priceOf(o)*int64(is.Quantity):
		return CodeAmountMismatch
	case due:
		s.editPart(place, func(p *Part) { p.State = PartReturned })
		s.track(number, o)
	}
	return CodeOK
}
