package sequencer

// saleCreate adds a sale.
func (s *State) saleCreate(c *Command, r *Result) {
	spec, err := DecodeSaleSpec(c.Body)
	switch {
	case err != nil:
		r.Code = CodeBadRequest
	case s.saleNumber[spec.ID] != 0:
		r.Code = CodeSaleExists
	case len(s.sales) >= SalesMax:
		r.Code = CodeSaleLimit
	default:
		spec.StartNow(s.now)
		sale := &sale{spec: spec, number: uint16(len(s.sales) + 1), revision: 1, createdAt: s.now, changed: s.changeBy(c), available: spec.Quantity}
		s.addSale(sale)
		s.touch(sale)
		if starts := spec.StartsAt; starts > s.now && (s.nextStart == 0 || starts < s.nextStart) {
			s.nextStart = starts
		}
		r.Sale = sale.number
	}
}

// StartNow gives a sale without a start the time of its decision: the clock of who
// asked may be ahead of the log's, and buyers would be told to come back later.
func (s *SaleSpec) StartNow(now int64) {
	if s.StartsAt == 0 {
		s.StartsAt = now
	}
}

// addSale puts a sale into the tables.
func (s *State) addSale(sale *sale) {
	s.sales = append(s.sales, sale)
	s.saleNumber[sale.spec.ID] = sale.number
}

// changeSale decides the seller's commands on a sale that exists.
func (s *State) changeSale(c *Command, r *Result) {
	sale := s.find(c.Sale)
	if sale == nil {
		r.Code = CodeUnknownSale
		return
	}
	r.Sale = sale.number
	if c.Revision != 0 && c.Revision != sale.revision {
		r.Code = CodeSaleChanged
		return
	}
	switch c.Kind {
	case KindSaleUpdate:
		r.Code = s.update(sale, c.Body)
	case KindSalePause:
		r.Code = sale.pause(true)
	case KindSaleResume:
		r.Code = sale.pause(false)
		s.promote(sale)
	case KindSaleClose:
		s.close(sale)
	case KindSaleCancel:
		s.cancelSale(sale)
	case KindSaleQuantity:
		r.Code = s.changeQuantity(sale, c.Amount)
	case KindSaleRelease:
		r.Code = s.releaseWithheld(sale, c.Amount)
	case KindSaleExtend:
		r.Code = s.extend(sale, c.Amount)
	}
	if r.Code == CodeOK {
		sale.revision++
		sale.changed = s.changeBy(c)
	}
	sale.check()
}

// changeBy returns who makes the change that is being decided.
func (s *State) changeBy(c *Command) change { return change{string(c.Actor), s.seq, s.now} }

// update replaces the spec of a sale: all of it before the start, when nothing is
// sold yet, and only what sameTerms leaves out after it, and the price as long as it is
// nobody's.
func (s *State) update(sale *sale, body []byte) Code {
	spec, err := DecodeSaleSpec(body)
	switch {
	case err != nil || spec.ID != sale.spec.ID:
		return CodeBadRequest
	case sale.closed:
		return CodeClosed
	case s.now < sale.spec.StartsAt:
		spec.StartNow(s.now)
		sale.spec, sale.available = spec, spec.Quantity
		s.findNextStart()
		return CodeOK
	case !spec.sameTerms(&sale.spec, sale.isPriceFree()):
		return CodeSaleStarted
	}
	sale.spec = spec
	s.promote(sale) // who did not fit may be passed over now
	return CodeOK
}

// isPriceFree reports whether a wrong price may still be put right: nobody holds tickets or
// waits for that price, and no attempt to pay it ever began. So the amount that an attempt
// began with is that of its order's sale for good.
func (s *sale) isPriceFree() bool {
	return s.held == 0 && s.waiting == 0 && s.counters.Entered[StatePaying] == 0 && s.counters.Entered[StatePaid] == 0
}

// sameTerms reports whether two specs differ only in what may change while the
// sale runs: what buyers were told when they decided to come stays.
func (s *SaleSpec) sameTerms(running *SaleSpec, priceFree bool) bool {
	terms := *s
	if priceFree {
		terms.Price, terms.Currency = running.Price, running.Currency
	}
	terms.Waitlist, terms.Hold, terms.PromotedHold, terms.SkipUnfit = running.Waitlist, running.Hold, running.PromotedHold, running.SkipUnfit
	terms.ExpiredHoldsMax, terms.CoolDown = running.ExpiredHoldsMax, running.CoolDown
	terms.BuysPerSecond = running.BuysPerSecond
	terms.Zone = running.Zone // in which the times are shown; they stay the same
	return terms == *running
}

func (s *sale) pause(paused bool) Code {
	if s.closed {
		return CodeClosed
	}
	s.paused = paused
	return CodeOK
}

// close ends the buying. Who waits is cancelled by effective, not one by one.
func (s *State) close(sale *sale) {
	if sale.closed {
		return
	}
	sale.closed = true
	sale.counters.Entered[StateCancelled] += uint64(sale.waiting)
	sale.counters.Tickets[StateCancelled] += sale.waitingTickets
	sale.waiting, sale.waitingTickets, sale.wait = 0, 0, waitlist{}
	s.findNextStart()
}

// cancelSale closes a sale, ends its reservations and refunds what is paid. It looks at every order of
// the cluster once (about 0.1 s at ten million), which a sale does at most once.
func (s *State) cancelSale(sale *sale) {
	if sale.cancelled {
		return
	}
	s.close(sale)
	sale.cancelled = true
	for number := range s.orders.length {
		o := s.orders.at(number)
		switch {
		case o.sale != sale.number:
		case o.state == StateReserved:
			o = s.edit(number)
			s.release(o, sale, StateCancelled)
			s.done(o)
			s.event(EventCancelled, o, 0)
		case o.state == StatePaid:
			s.refundOrder(number, sale)
			s.event(EventRefunded, s.orders.at(number), 0)
		}
	}
}

func (s *State) changeQuantity(sale *sale, change int64) Code {
	if change == 0 || change > TicketsMax || change < -TicketsMax {
		return CodeBadRequest
	}
	if sale.closed {
		return CodeClosed
	}
	quantity := int64(sale.spec.Quantity) + change
	if quantity < 1 || quantity > TicketsMax || int64(sale.available)+change < 0 {
		return CodeInvalidQuantity
	}
	sale.spec.Quantity = uint32(quantity)
	sale.available = uint32(int64(sale.available) + change)
	s.promote(sale)
	return CodeOK
}

func (s *State) releaseWithheld(sale *sale, tickets int64) Code {
	if tickets < 1 || tickets > int64(sale.withheld) {
		return CodeInvalidQuantity
	}
	sale.withheld -= uint32(tickets)
	sale.available += uint32(tickets)
	s.promote(sale)
	return CodeOK
}

// extend gives every running hold of a sale more time. It looks at every order once.
func (s *State) extend(sale *sale, by int64) Code {
	if by < 1 || by > DurationMax {
		return CodeBadRequest
	}
	for number := range s.orders.length {
		if o := s.orders.at(number); o.sale != sale.number || !o.state.Holds() {
			continue
		}
		o := s.edit(number)
		o.deadline = later(o.deadline, by)
		s.done(o)
		s.startTimer(number, o)
	}
	return CodeOK
}
