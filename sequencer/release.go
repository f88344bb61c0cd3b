package sequencer

// expire ends a hold whose time is over.
func (s *State) expire(number uint32) {
	o := s.edit(number)
	sale := s.find(o.sale)
	s.release(o, sale, StateExpired)
	s.done(o)
	s.event(EventExpired, o, 0)
	s.promote(sale)
}

// overdue marks a payment that outlasted its hard limit. Its tickets stay held:
// only the provider's word can say that no money will come.
func (s *State) overdue(number uint32) {
	o := s.edit(number)
	o.flags.set(isOverdue, true)
	s.done(o)
	s.event(EventOverdue, o, 0)
}

// release ends an order that holds tickets and returns them to the count. The
// caller edits the order and promotes.
func (s *State) release(o *order, sale *sale, state OrderState) {
	sale.held -= uint32(o.quantity)
	sale.available += uint32(o.quantity)
	o.flags.set(isOverdue, false)
	s.enter(o, sale, state)
	sale.check()
}

// promote gives free tickets to who waits, longest first. A paused sale's wait until it goes
// on: nobody's hour begins while nothing is sold.
func (s *State) promote(sale *sale) {
	for !sale.paused && sale.available > 0 && sale.waiting > 0 {
		s.skipGone(&sale.wait)
		ordinal, fits := s.firstFit(sale)
		if !fits {
			sale.counters.PromoteBlocked++
			return
		}
		s.promoteOrder(sale, ordinal)
	}
}

// firstFit returns the ordinal of the waiting order that is served next: the
// head, or with SkipUnfit the first of SkipScanMax that fits.
func (s *State) firstFit(sale *sale) (ordinal uint32, fits bool) {
	seen := 0
	for ordinal = sale.wait.head; ordinal < sale.wait.orders.length; ordinal++ {
		o := s.orders.at(*sale.wait.orders.at(ordinal))
		if o.state != StateWaitlisted {
			continue
		}
		if uint32(o.least()) <= sale.available {
			return ordinal, true
		}
		seen++
		if !sale.spec.SkipUnfit || seen > SkipScanMax {
			break
		}
	}
	return 0, false
}

func (s *State) promoteOrder(sale *sale, ordinal uint32) {
	number := *sale.wait.orders.at(ordinal)
	o := s.edit(number)
	s.leaveWaitlist(sale, o, ordinal)
	o.quantity = uint8(min(uint32(o.quantity), sale.available))
	o.flags.set(wasPromoted, true)
	s.reserve(number, o, sale)
	s.done(o)
	sale.servedSeq = max(sale.servedSeq, o.seq)
	s.event(EventPromoted, o, s.shown(o.deadline))
}

// leaveWaitlist takes an order out of its sale's waitlist.
func (s *State) leaveWaitlist(sale *sale, o *order, ordinal uint32) {
	sale.waiting--
	sale.waitingTickets -= uint64(o.quantity)
	if ordinal == sale.wait.head {
		sale.wait.head++
	} else {
		sale.wait.leave(ordinal)
	}
}

// cancel ends a buyer's own order, or a part of it, while nothing is being paid; a seller's withdraw
// ends anybody's.
func (s *State) cancel(c *Command, r *Result) {
	number, known := s.orderOf(c)
	if !known {
		r.Code = CodeUnknownOrder
		return
	}
	var share share
	share, r.Code = s.shareOf(number, c)
	if share != shareDone && r.Code == CodeOK {
		r.Code = s.giveBack(number, c, share)
	}
	s.show(number, s.orders.at(number), r)
}

// giveBack takes an order, or a part of it, back from its buyer.
func (s *State) giveBack(number uint32, c *Command, share share) Code {
	sale := s.find(s.orders.at(number).sale)
	state := s.effective(s.orders.at(number))
	switch state {
	case StateWaitlisted, StateReserved:
	case StateCancelled:
		return CodeOK
	default:
		return CodeNotCancellable
	}
	o := s.edit(number)
	if state == StateReserved && c.Kind == KindCancel && o.deadline-s.holdNow() < sale.holdOf(o)/2 {
		o.flags.set(gaveBackLate, true)
	}
	switch {
	case share == sharePart:
		s.cancelPart(number, o, sale, c)
	case state == StateReserved:
		s.release(o, sale, StateCancelled)
	default:
		s.leaveWaitlist(sale, o, sale.wait.ordinalOf(number))
		s.enter(o, sale, StateCancelled)
	}
	s.done(o)
	s.promote(sale) // also of a waiting one: it may have been the head that blocked
	return CodeOK
}

// orderOf finds the order of a command; false when there is none, or when the
// command names a user and the order is not that user's.
func (s *State) orderOf(c *Command) (number uint32, known bool) {
	number, known = s.orderNumber(c.Order)
	if !known {
		return 0, false
	}
	switch c.Kind {
	case KindCancel, KindPayBegin:
		return number, string(s.texts.get(s.orders.at(number).user)) == string(c.User)
	}
	return number, true
}

// show fills a result with an order as it stands.
func (s *State) show(number uint32, o *order, r *Result) {
	r.Order, r.Sale, r.Quantity, r.Attempt = o.seq, o.sale, o.quantity, o.attempts
	r.State = s.effective(o)
	if r.State.Holds() {
		r.Deadline = s.shown(o.deadline)
	}
	if r.State == StateWaitlisted {
		r.Position = s.sales[o.sale-1].wait.position(number)
	}
	if s.wasPaid(number) {
		r.Ticket = s.firstTicket(number)
	}
}
