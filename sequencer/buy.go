package sequencer

import (
	"bytes"
	"unicode/utf8"
)

// buy decides a buy; doc.go has the order of the checks.
func (s *State) buy(c *Command, hash uint64, r *Result) {
	sale := s.find(c.Sale)
	if c.Quantity == 0 || c.Min > c.Quantity || !validUser(c.User) || !validReference(c.Reference) {
		r.Code = CodeBadRequest
	} else if sale == nil {
		r.Code = CodeUnknownSale
	} else if PseudonymKeyOf(c.User) != sale.spec.PseudonymKey {
		r.Code = CodeBadRequest // nobody is two users in one sale
	} else if own := s.ownedBy(c.User, hash, c.Sale); !s.replay(c, own, r) {
		s.decideBuy(c, sale, own, r)
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

// validActor reports whether a command's actor is one, or is not said.
func validActor(actor []byte) bool { return len(actor) == 0 || validUser(actor) }

// validReference reports whether a reference is one, or there is none.
func validReference(reference []byte) bool {
	for _, c := range reference {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return len(reference) <= ReferenceBytesMax
}

// replay answers a buy whose key already has an order of this user, in whichever sale;
// false when it has none.
func (s *State) replay(c *Command, own owned, r *Result) bool {
	if c.Key == (KeyDigest{}) {
		return false
	}
	number, bound := s.orderByKey(&c.Key, own)
	if bound {
		s.replayOrder(c, number, s.orders.at(number), r)
	}
	return bound
}

func (s *State) replayOrder(c *Command, number uint32, o *order, r *Result) {
	if !o.sameBody(c) || !bytes.Equal(s.reference(number), c.Reference) {
		r.Code = CodeKeyReused
		return
	}
	r.Seq, r.Replayed = o.seq, true
	s.show(number, o, r)
}

// decideBuy decides a buy that is well formed and whose key has no order. Only an order
// binds its key: a refusal leaves nothing behind.
func (s *State) decideBuy(c *Command, sale *sale, own owned, r *Result) {
	if r.Code = s.refusal(c, sale, own); r.Code != CodeOK {
		if r.Code == CodeNotEnough {
			r.Quantity = uint8(sale.available) // fewer than the least of a buy, which is a byte
		}
		return
	}

	number := s.orders.length
	s.addOrder(order{
		seq: s.seq, createdAt: s.now, key: c.Key, sale: c.Sale,
		quantity: c.Quantity, requested: c.Quantity, min: leastOf(c),
	}, c.User, own)
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
	s.refer(number, c.Reference)
	s.ordersHash += o.fixedFingerprint(c.User)
	s.done(o)
	if o.state == StateWaitlisted && sale.spec.SkipUnfit {
		s.promote(sale) // it may fit where the head does not
	}
	s.show(number, s.orders.at(number), r)
}

// refusal returns why a buy gets no order, or CodeOK.
func (s *State) refusal(c *Command, sale *sale, own owned) Code {
	switch saleStatus(sale.paused, sale.closed, sale.cancelled, sale.spec.StartsAt, s.now) {
	case SaleClosed, SaleCancelled:
		return CodeClosed
	case SalePaused:
		return CodePaused
	case SaleScheduled:
		return CodeNotStarted
	}
	live, orders, expired := s.holdings(own.inSale, sale)
	switch {
	case int(c.Quantity)+live > int(sale.spec.Cap):
		return CodeCapExceeded
	case orders >= OrdersPerUserMax || s.orders.length >= OrdersMax:
		return CodeOrderLimit
	case sale.spec.ExpiredHoldsMax > 0 && expired >= int(sale.spec.ExpiredHoldsMax):
		return CodeCoolingDown
	case reservable(sale, c) || sale.waiting < sale.spec.Waitlist:
		return CodeOK
	case sale.waiting == 0 && sale.available > 0:
		return CodeNotEnough
	}
	return CodeSoldOut // what is available while somebody waits is for who waits
}

// reservable reports whether a buy gets tickets at once: nobody may wait.
func reservable(sale *sale, c *Command) bool {
	return sale.waiting == 0 && sale.available >= uint32(leastOf(c))
}

// holdings walks the user's orders in a sale, at most OrdersPerUserMax, from the newest
// on: the live tickets, how many orders there are, and how many holds ran out, or
// nearly so, within the sale's cool-down.
func (s *State) holdings(newest uint32, sale *sale) (live, orders, expired int) {
	for ; newest != 0; newest = s.previousInSale(newest - 1) {
		o := s.orders.at(newest - 1)
		orders++

		if o.state.Live() {
			live += int(o.quantity)
		}
		if (o.state == StateExpired || o.has(gaveBackLate)) && later(o.deadline, sale.spec.CoolDown) > s.holdNow() {
			expired++
		}
	}
	return live, orders, expired
}

// holdOf returns how long an order's hold is, as the sale says now.
func (s *sale) holdOf(o *order) int64 {
	if o.has(wasPromoted) && s.spec.PromotedHold != 0 {
		return s.spec.PromotedHold
	}
	return s.spec.Hold
}

// reserve gives an order its tickets and starts its hold.
func (s *State) reserve(number uint32, o *order, sale *sale) {
	o.deadline = later(s.holdNow(), sale.holdOf(o))
	sale.available -= uint32(o.quantity)
	sale.held += uint32(o.quantity)
	s.enter(o, sale, StateReserved)
	s.startTimer(number, o)
	sale.check()
}
