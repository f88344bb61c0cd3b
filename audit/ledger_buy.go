package audit

import (
	"fmt"

	"onsale/sequencer"
)

// bought books a buy that made an order. One that is promoted at once is booked
// as waiting; the event moves it on.
func (l *Ledger) bought(c *sequencer.Command, r *sequencer.Result, promoted bool) {
	s := l.sale(c.Sale)
	if s == nil {
		l.findings.report(KindOrder, r.Order, "a sale", fmt.Sprint(c.Sale), "an order of a sale that was not created")
		return
	}
	if r.Order != r.Seq || l.orders[r.Order] != nil {
		l.findings.report(KindSequence, r.Order, fmt.Sprint(r.Seq), fmt.Sprint(r.Order), "a new order is not named by the seq of its buy")
		return
	}
	o := &bookedOrder{
		seq: r.Order, sale: s, user: string(c.User), requested: c.Quantity, min: c.Min, deadline: r.Deadline,
	}
	if o.min == 0 {
		o.min = o.requested
	}
	state, quantity := r.State, r.Quantity
	switch {
	case promoted:
		state, quantity = sequencer.StateWaitlisted, c.Quantity
		l.checkWaiting(o, uint32(s.waiting)+1)
		s.queue = append(s.queue, o)
	case state == sequencer.StateReserved:
		l.checkReservation(o, r)
	case state == sequencer.StateWaitlisted:
		l.checkWaiting(o, r.Position)
		s.queue = append(s.queue, o)
	default:
		l.findings.report(KindOrder, r.Order, "reserved or waitlisted", r.State.String(), "a new order begins in the middle of its life")
	}
	l.orders[o.seq] = o
	l.users[o.user] = struct{}{}
	s.orders++
	l.move(o, state, quantity)
	l.counted(s, o.seq)
	l.checkCap(o)
	l.checkKey(c, o)
}

// checkReservation is the fairness of a buy that got tickets at once.
func (l *Ledger) checkReservation(o *bookedOrder, r *sequencer.Result) {
	s := o.sale
	if head := s.head(); head != nil {
		l.findings.report(KindFIFO, o.seq, "waitlisted or sold_out", "reserved", "a buy got tickets while order %d was waiting since before", head.seq)
	}
	if s.refusedNeed > 0 && s.available() >= s.refusedNeed {
		l.findings.report(KindFIFO, o.seq, "sold_out", fmt.Sprintf("reserved, %d tickets", r.Quantity),
			"an earlier buy for %d tickets was refused as sold out, and no ticket has come free since", s.refusedNeed)
	}
	l.checkQuantity(o, r.Quantity)
	if want := after(l.now, s.spec.Hold); r.Deadline != want {
		l.findings.report(KindExpiry, o.seq, clock(want), clock(r.Deadline), "the hold does not end one hold from now")
	}
}

// checkQuantity holds how many tickets an order got against what it asked for.
func (l *Ledger) checkQuantity(o *bookedOrder, quantity uint8) {
	if quantity < o.min || quantity > o.requested {
		l.findings.report(KindOrder, o.seq, fmt.Sprintf("%d to %d tickets", o.min, o.requested), fmt.Sprint(quantity), "the order got another number of tickets than it asked for")
	}
}

func (l *Ledger) checkWaiting(o *bookedOrder, position uint32) {
	s := o.sale
	if s.waiting >= int(s.spec.Waitlist) {
		l.findings.report(KindFIFO, o.seq, "sold_out", "waitlisted", "the waitlist of %d is full", s.spec.Waitlist)
	}
	if want := uint32(s.waiting) + 1; position != want {
		l.findings.report(KindFIFO, o.seq, fmt.Sprint(want), fmt.Sprint(position), "the position is not behind those who wait")
	}
	if s.waiting == 0 && s.available() >= int64(o.min) {
		l.findings.report(KindFIFO, o.seq, "reserved", "waitlisted", "a buy must wait although nobody waits and %d tickets are available", s.available())
	}
}

// soldOut checks that a refused buy could not have been served.
func (l *Ledger) soldOut(c *sequencer.Command) {
	s := l.sale(c.Sale)
	if s == nil {
		return
	}
	need := int64(c.Min)
	if need == 0 {
		need = int64(c.Quantity)
	}
	switch {
	case s.waiting == 0 && s.available() >= need:
		l.findings.report(KindFIFO, 0, "reserved", "sold_out", "a buy for %d tickets was refused as sold out with %d available and nobody waiting", need, s.available())
	case s.waiting < int(s.spec.Waitlist):
		l.findings.report(KindFIFO, 0, "waitlisted", "sold_out", "a buy was refused as sold out with %d of %d places on the waitlist taken", s.waiting, s.spec.Waitlist)
	}
	if s.refusedNeed == 0 || need < s.refusedNeed {
		s.refusedNeed = need
	}
}

func (l *Ledger) checkCap(o *bookedOrder) {
	if tickets := l.tickets[userOfSale{o.user, o.sale.number}]; tickets > int(o.sale.spec.Cap) {
		l.findings.report(KindCap, o.seq, fmt.Sprintf("at most %d", o.sale.spec.Cap), fmt.Sprint(tickets), "user %q has more tickets of sale %d than one user may", o.user, o.sale.number)
	}
}

func (l *Ledger) checkKey(c *sequencer.Command, o *bookedOrder) {
	if c.Key == (sequencer.KeyDigest{}) {
		return
	}
	if first, used := l.keys[c.Key]; used {
		l.findings.report(KindKey, o.seq, fmt.Sprintf("order %d again", first), "another order", "one idempotency key made two orders")
		return
	}
	l.keys[c.Key] = o.seq
}
