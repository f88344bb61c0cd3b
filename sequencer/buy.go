package sequencer

import (
	"bytes"
	"unicode/utf8"
)

// buy decides a buy; doc.go has the order of the checks.
func (s *State) buy(c *Command, hash uint64, r *Result) {
	sale := s.find(c.Sale)
	if c.Quantity == 0 || c.Min > c.Quantity || !validUser(c.User) {
		r.Code = CodeBadRequest
	} else if sale == nil {
		r.Code = CodeUnknownSale
	} else if slot, newest := s.user(c.User, hash); !s.replay(c, newest, sale, r) {
		s.decideBuy(c, sale, hash, slot, newest, r)
	}
	if sale != nil {
		if r.Replayed {
			sale.counters.Replayed++
		} else {
			sale.counters.Buys[r.Code]++
		}
	}
}

func validUser(user []byte) bool {
	return len(user) >= 1 && len(user) <= UserBytesMax && utf8.Valid(user)
}

// user finds the user's slot in the index and the number + 1 of the user's
// newest order; nil and 0 for a user without orders.
func (s *State) user(user []byte, hash uint64) (slot *uint64, newest uint32) {
	search := s.users.search(hash)
	for {
		slot, number, found := search.next()
		if !found {
			return nil, 0
		}
		if bytes.Equal(s.userIDs.get(s.orders.at(number).user), user) {
			return slot, number + 1
		}
	}
}

// replay answers a buy whose key is known; false when it is new.
func (s *State) replay(c *Command, newest uint32, sale *sale, r *Result) bool {
	if c.Key == (KeyDigest{}) {
		return false
	}
	for number := newest; number != 0; {
		o := s.orders.at(number - 1)
		if o.key == c.Key {
			s.replayOrder(c, number-1, o, r)
			return true
		}
		number = o.previous
	}
	known := s.refusals.find(&c.Key)
	if known == nil {
		return false
	}
	if known.sameBody(c) {
		r.Seq, r.Code, r.Replayed = known.seq, known.code, true
	} else {
		r.Code = CodeKeyReused
	}
	return true
}

func (s *State) replayOrder(c *Command, number uint32, o *order, r *Result) {
	if !o.sameBody(c) {
		r.Code = CodeKeyReused
		return
	}
	r.Seq, r.Replayed = o.seq, true
	s.show(number, o, r)
}

// decideBuy decides a buy that is well formed and new.
func (s *State) decideBuy(c *Command, sale *sale, hash uint64, slot *uint64, newest uint32, r *Result) {
	r.Code = s.refusal(c, sale, newest)
	if r.Code != CodeOK {
		if c.Key != (KeyDigest{}) {
			s.refusals.add(refusal{key: c.Key, seq: s.seq, sale: c.Sale, quantity: c.Quantity, min: leastOf(c), code: r.Code})
		}
		return
	}
	number := s.orders.length
	s.addOrder(order{
		seq: s.seq, createdAt: s.now, key: c.Key, sale: c.Sale,
		quantity: c.Quantity, requested: c.Quantity, min: leastOf(c),
	}, c.User, hash, slot, newest)
	o := s.orders.at(number) // just pushed: in no snapshot yet
	if reservable(sale, c) {
		o.quantity = uint8(min(uint32(c.Quantity), sale.available))
		s.reserve(number, o, sale)
	} else {
		s.enter(o, sale, StateWaitlisted)
		sale.wait.push(number)
		sale.waiting++
		sale.waitingTickets += uint64(o.quantity)
	}
	s.ordersHash += o.fixedFingerprint(c.User)
	s.done(o)
	if o.state == StateWaitlisted && sale.spec.SkipUnfit {
		s.promote(sale) // it may fit where the head does not
	}
	s.show(number, s.orders.at(number), r)
}

// refusal returns why a buy gets no order, or CodeOK.
func (s *State) refusal(c *Command, sale *sale, newest uint32) Code {
	switch saleStatus(sale.paused, sale.closed, sale.cancelled, sale.spec.StartsAt, s.now) {
	case SaleClosed, SaleCancelled:
		return CodeClosed
	case SalePaused:
		return CodePaused
	case SaleScheduled:
		return CodeNotStarted
	}
	live, orders, expired := s.holdings(newest, sale)
	switch {
	case int(c.Quantity)+live > int(sale.spec.Cap):
		return CodeCapExceeded
	case orders >= OrdersPerUserMax || s.orders.length >= OrdersMax:
		return CodeOrderLimit
	case sale.spec.ExpiredHoldsMax > 0 && expired >= int(sale.spec.ExpiredHoldsMax):
		return CodeCoolingDown
	case !reservable(sale, c) && sale.waiting >= sale.spec.Waitlist:
		return CodeSoldOut
	}
	return CodeOK
}

// reservable reports whether a buy gets tickets at once: nobody may wait.
func reservable(sale *sale, c *Command) bool {
	return sale.waiting == 0 && sale.available >= uint32(leastOf(c))
}

// holdings walks the user's orders, at most OrdersPerUserMax: the live tickets
// in a sale, how many orders there are, and how many of the sale's holds ended
// unpaid within its cool-down.
func (s *State) holdings(newest uint32, sale *sale) (live, orders, expired int) {
	for number := newest; number != 0; orders++ {
		o := s.orders.at(number - 1)
		switch {
		case o.sale != sale.number:
		case o.state.Live():
			live += int(o.quantity)
		case o.state == StateExpired && later(o.deadline, sale.spec.CoolDown) > s.now:
			expired++
		}
		number = o.previous
	}
	return live, orders, expired
}

// addOrder appends an order and makes it the user's newest. slot and newest are
// what user returned.
func (s *State) addOrder(o order, user []byte, hash uint64, slot *uint64, newest uint32) {
	number := s.orders.length
	o.previous = newest
	if slot != nil {
		o.user = s.orders.at(newest - 1).user
		setNumber(slot, number)
	} else {
		o.user = s.userIDs.put(user)
		s.users.insert(hash, number)
	}
	s.orders.push(o)
}

// reserve gives an order its tickets and starts its hold.
func (s *State) reserve(number uint32, o *order, sale *sale) {
	o.deadline = later(s.now, sale.spec.Hold)
	sale.available -= uint32(o.quantity)
	sale.held += uint32(o.quantity)
	s.enter(o, sale, StateReserved)
	s.startTimer(number, o)
	sale.check()
}
