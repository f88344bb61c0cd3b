package sequencer

// An attempt that begins while many are ahead of it stands in the line before the provider
// first. That it stands there is a fact of the log: pay_begin says so, and pay_called that its
// call goes out from now on. So every leader knows of which attempts the provider never heard.
//
// # What if the leader dies?
//
// Before pay_called is committed, nothing was charged and nothing will be: the call follows the
// commit. The next leader, who has no means of payment, ends the attempt without asking anybody
// (cancelled, provider_unavailable), and the buyer has time to pay again. After the commit, the
// call may have gone out or not: the attempt is one like any other, and the next leader asks the
// provider about it, who says what became of it, or never heard of it.
//
// A birth is a death of which the log knows less: the history from whose backup a cluster was
// made may have gone on, and pay_called with it. So after a birth nobody stands in the line, and
// the provider is asked about all.
//
// # Time
//
// While an attempt stands in the line its order's hold cannot end it, and what the seller gives
// as grace has not begun: pay_called moves a hold that is over to its own time, so that the grace
// counts from the first call. How long an attempt may stand in the line is bounded by what
// pay_begin says, by the holds' clock: then it is overdue, and its call is not made any more,
// whoever leads: the leader ends it, as the next one does.

// validStay reports whether an attempt may stand in the line for so long. One that costs nothing
// has no line.
func validStay(c *Command) bool {
	return c.Count <= LineSecondsMax && (c.Count == 0 || c.Amount > 0)
}

// queueUp notes that an attempt that begins stands in the line, when it does.
func (s *State) queueUp(number uint32, c *Command) {
	if c.Count > 0 {
		end := later(s.holdNow(), int64(c.Count)*second)
		s.editTries(number, func(t *tries) { t.lineEnd = end })
	}
}

// isLined reports whether the newest attempt of an order stands in the line.
func (s *State) isLined(number uint32) bool { return s.triesOf(number).lineEnd != 0 }

// leaveLine notes that an order's attempt stands in the line no more, and reports whether it did.
func (s *State) leaveLine(number uint32) bool {
	if !s.isLined(number) {
		return false
	}
	s.editTries(number, func(t *tries) { t.lineEnd = 0 })
	return true
}

// payCalled records that the provider is called for an attempt that stood in the line: from its
// commit on it may be called.
func (s *State) payCalled(c *Command, r *Result) { s.onAttempt(c, r, true, s.mayCall) }

func (s *State) mayCall(number uint32, c *Command) Code {
	switch o := s.orders.at(number); {
	case c.Attempt != o.attempts || !s.isLined(number):
		return CodeStaleAttempt
	case s.sales[o.sale-1].cancelled:
		return CodeNotPayable
	case o.has(isOverdue):
		return CodeSessionExpired
	}
	s.called(number)
	return CodeOK
}

// called lets an attempt leave the line for the provider: its grace begins.
func (s *State) called(number uint32) {
	s.leaveLine(number)
	o := s.edit(number)
	o.deadline = max(o.deadline, later(s.holdNow(), 1)) // without a grace it is due next, not in the past
	s.startTimer(number, o)
	s.done(o)
}

// callAll lets all attempts leave the line: in another history they may have been called.
func (s *State) callAll() {
	for place := range s.attempts.tries.length {
		if t := s.attempts.tries.at(place); t.lineEnd != 0 {
			s.called(t.order)
		}
	}
}
