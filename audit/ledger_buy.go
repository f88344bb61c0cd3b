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
		l.findings.report(checkBuySale, r.Order, "a sale", fmt.Sprint(c.Sale))
		return
	}
	if r.Order != r.Seq || l.orders[r.Order] != nil {
		l.findings.report(checkOrderName, r.Order, fmt.Sprint(r.Seq), fmt.Sprint(r.Order))
		return
	}
	if name, own := sequencer.PseudonymKeyOf(c.User), s.spec.PseudonymKey; name != own {
		l.findings.report(checkBuyName, r.Order, "key "+own.String(), "key "+name.String(), c.User)
	}
	o := &bookedOrder{
		seq: r.Order, sale: s, user: string(c.User), requested: c.Quantity, min: c.Min, deadline: l.holds.Own(r.Deadline),
	}
	if o.min == 0 {
		o.min = o.requested
	}
	state, quantity := r.State, r.Quantity
	switch {
	case promoted:
		state, quantity = sequencer.StateWaitlisted, c.Quantity
		l.waits(o, uint32(s.waiting)+1)
		s.queue = append(s.queue, o)
	case state == sequencer.StateReserved:
		l.reserved(o, r)
	case state == sequencer.StateWaitlisted:
		l.waits(o, r.Position)
		s.queue = append(s.queue, o)
	default:
		l.findings.report(checkNewState, r.Order, "reserved or waitlisted", r.State.String())
	}
	l.orders[o.seq] = o
	l.users[o.user] = struct{}{}
	s.orders++
	l.move(o, state, quantity)
	l.counted(s, o.seq)
	l.capped(o)
	l.keyed(c, o)
}

// reserved checks the fairness of a buy that got tickets at once.
func (l *Ledger) reserved(o *bookedOrder, r *sequencer.Result) {
	s := o.sale
	if head := s.head(); head != nil {
		l.findings.report(checkBehindWaiting, o.seq, "waitlisted or sold_out", "reserved", head.seq)
	}
	if s.refusedNeed > 0 && s.available() >= s.refusedNeed {
		l.findings.report(checkRefusedBefore, o.seq, "sold_out", fmt.Sprintf("reserved, %d tickets", r.Quantity),
			s.refusedNeed)
	}
	l.asked(o, r.Quantity)
	if want := after(l.now, s.spec.Hold); r.Deadline != want {
		l.findings.report(checkHold, o.seq, clock(want), clock(r.Deadline))
	}
}

// asked holds how many tickets an order got against what it asked for.
func (l *Ledger) asked(o *bookedOrder, quantity uint8) {
	if quantity < o.min || quantity > o.requested {
		l.findings.report(checkQuantity, o.seq, fmt.Sprintf("%d to %d tickets", o.min, o.requested), fmt.Sprint(quantity))
	}
}

func (l *Ledger) waits(o *bookedOrder, position uint32) {
	s := o.sale
	if s.waiting >= int(s.spec.Waitlist) {
		l.findings.report(checkWaitlistFull, o.seq, "sold_out", "waitlisted", s.spec.Waitlist)
	}
	if want := uint32(s.waiting) + 1; position != want {
		l.findings.report(checkPosition, o.seq, fmt.Sprint(want), fmt.Sprint(position))
	}
	if s.waiting == 0 && s.available() >= int64(o.min) {
		l.findings.report(checkNeedlessWait, o.seq, "reserved", "waitlisted", s.available())
	}
}

// unserved checks that a buy for which there were no tickets could not have been served,
// and was told what is left.
func (l *Ledger) unserved(c *sequencer.Command, r *sequencer.Result) {
	s := l.sale(c.Sale)
	if s == nil {
		return
	}
	if r.Code == sequencer.CodeNotEnough {
		s.notEnough++
	} else {
		s.soldOut++
	}

	need := int64(c.Min)
	if need == 0 {
		need = int64(c.Quantity)
	}
	switch {
	case s.waiting == 0 && s.available() >= need:
		l.findings.report(checkRefusedTickets, 0, "reserved", r.Code.String(), need, s.available())
	case s.waiting < int(s.spec.Waitlist):
		l.findings.report(checkRefusedPlace, 0, "waitlisted", r.Code.String(), s.waiting, s.spec.Waitlist)
	default:
		l.left(s, r)
	}
	if s.refusedNeed == 0 || need < s.refusedNeed {
		s.refusedNeed = need
	}
}

// left checks what a refused buy was told is left: what lies there while others wait is
// theirs.
func (l *Ledger) left(s *bookedSale, r *sequencer.Result) {
	want := sequencer.Result{Seq: r.Seq, Code: sequencer.CodeSoldOut}
	if left := s.available(); s.waiting == 0 && left > 0 {
		want.Code, want.Quantity = sequencer.CodeNotEnough, uint8(left) // fewer than a buy asks for
	}
	if r.Code != want.Code || r.Quantity != want.Quantity {
		l.findings.report(checkLeft, 0, describe(&want), describe(r))
	}
}

func (l *Ledger) capped(o *bookedOrder) {
	if tickets := l.tickets[userOfSale{o.user, o.sale.number}]; tickets > int(o.sale.spec.Cap) {
		l.findings.report(checkCap, o.seq, fmt.Sprintf("at most %d", o.sale.spec.Cap), fmt.Sprint(tickets),
			o.user, o.sale.number)
	}
}

func (l *Ledger) keyed(c *sequencer.Command, o *bookedOrder) {
	if c.Key == (sequencer.KeyDigest{}) {
		return
	}
	if first, used := l.keys[c.Key]; used {
		l.findings.report(checkKey, o.seq, fmt.Sprintf("order %d again", first), "another order")
		return
	}
	l.keys[c.Key] = o.seq
}
