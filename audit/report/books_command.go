package report

import (
	"onsale/api/contract"
	"onsale/sequencer"
)

// othersMax bounds the other sales that are told when the wanted one is missing.
const othersMax = 20

// create books the sale that the books are of.
func (b *books) create(c *sequencer.Command, r *sequencer.Result) {
	if r.Code != sequencer.CodeOK {
		return
	}
	spec, err := sequencer.DecodeSaleSpec(c.Body)
	if err != nil || spec.ID != b.id {
		if len(b.others) < othersMax {
			b.others = append(b.others, spec.ID)
		}
		return
	}
	b.touched = true
	spec.StartNow(b.now)
	b.view = sequencer.SaleView{SaleSpec: spec, Number: r.Sale, Revision: 1, CreatedAt: b.now}
	b.total.available = int64(spec.Quantity)
	b.course = newCourse(max(spec.StartsAt, b.now))
	b.noteChange(c, r, contract.Settings(nil, b.now))
}

func (b *books) buy(c *sequencer.Command, r *sequencer.Result, events []sequencer.Event) {
	if r.Replayed {
		b.total.counters.Replayed++
		return
	}
	b.total.counters.Buys[r.Code]++
	switch {
	case r.Code != sequencer.CodeOK:
	case r.State == sequencer.StateWaitlisted || promotedAtOnce(r.Seq, events):
		b.orders[r.Seq] = liveOrder{sequencer.StateWaitlisted, c.Quantity}
		b.total.waiting++
		b.waitingTickets += int64(c.Quantity)
		b.enter(sequencer.StateWaitlisted, int64(c.Quantity))
		b.promoting = b.view.SkipUnfit
	default:
		b.reserve(r.Seq, r.Quantity)
	}
}

// promotedAtOnce reports whether a buy waited, and was promoted by the decision
// that made it: it fitted where who is first did not.
func promotedAtOnce(seq uint64, events []sequencer.Event) bool {
	for i := 0; i < len(events) && events[i].Before == events[0].Before; i++ {
		if events[i].Kind == sequencer.EventPromoted && events[i].Order == seq {
			return true
		}
	}
	return false
}

// step books what a command did to an order. One that changed nothing, because
// it had been done before, is told alike: the order is not live any more then, or
// in the state already.
func (b *books) step(c *sequencer.Command, r *sequencer.Result) {
	o, live := b.orders[r.Order]
	switch {
	case r.Code == sequencer.CodeLateSuccess && live && o.state == sequencer.StatePaying && r.State == sequencer.StateCancelled:
		b.release(r.Order, r.State) // accepted after the sale was cancelled: the money goes back
	case r.Code != sequencer.CodeOK || !live:
	case c.Kind == sequencer.KindCancel || c.Kind == sequencer.KindWithdraw:
		b.cancel(c, r, o)
	case c.Kind == sequencer.KindPayBegin:
		b.orders[r.Order] = liveOrder{sequencer.StatePaying, o.tickets}
		b.enter(sequencer.StatePaying, int64(o.tickets))
	case (c.Kind == sequencer.KindPayResult || c.Kind == sequencer.KindSettle) && o.state == sequencer.StatePaying:
		b.settle(c, r, o)
	case c.Kind == sequencer.KindRefund && o.state == sequencer.StatePaid:
		b.takeBack(c, r, o)
	}
}

func (b *books) cancel(c *sequencer.Command, r *sequencer.Result, o liveOrder) {
	seq := r.Order
	if b.part(c, r, o, sequencer.StateCancelled) {
		return
	}
	if o.state == sequencer.StateWaitlisted {
		delete(b.orders, seq)
		b.leaveWaitlist(o)
		b.enter(sequencer.StateCancelled, int64(o.tickets))
	} else {
		b.release(seq, sequencer.StateCancelled)
	}
	b.promoting = true
}

// takeBack books a refund, of all that an order has or of a part.
func (b *books) takeBack(c *sequencer.Command, r *sequencer.Result, o liveOrder) {
	if !b.part(c, r, o, sequencer.StateRefunded) {
		b.refund(r.Order)
	}
}

// part books what was given back of an order whose rest goes on; false when all of it was.
// One that was given back before, under the same key, shows the order as it is booked.
func (b *books) part(c *sequencer.Command, r *sequencer.Result, o liveOrder, to sequencer.OrderState) bool {
	if c.Quantity == 0 || !r.State.Live() {
		return false
	}
	if r.State == o.state && r.Quantity == o.tickets {
		return true
	}
	tickets := int64(c.Quantity)
	switch o.state {
	case sequencer.StateWaitlisted:
		b.waitingTickets -= tickets
	case sequencer.StatePaid:
		b.total.sold -= tickets
		b.total.withheld += tickets
	default:
		b.total.held -= tickets
		b.total.available += tickets
	}
	b.promoting = b.promoting || to == sequencer.StateCancelled
	b.total.counters.Tickets[to] += uint64(tickets)
	b.orders[r.Order] = liveOrder{o.state, o.tickets - c.Quantity}
	return true
}

// settle books the outcome of a payment attempt.
func (b *books) settle(c *sequencer.Command, r *sequencer.Result, o liveOrder) {
	switch c.Outcome {
	case sequencer.PayAccepted:
		b.orders[r.Order] = liveOrder{sequencer.StatePaid, o.tickets}
		b.total.held -= int64(o.tickets)
		b.total.sold += int64(o.tickets)
		b.enter(sequencer.StatePaid, int64(o.tickets))
		return
	case sequencer.PayRejected:
		b.total.rejected++
	case sequencer.PayCancelled:
		b.total.cancelled++
	default:
		return
	}
	if r.State == sequencer.StateReserved {
		b.orders[r.Order] = liveOrder{sequencer.StateReserved, o.tickets}
		return
	}
	b.release(r.Order, r.State)
	b.promoting = true
}

// seller books a seller's command on the sale.
func (b *books) seller(c *sequencer.Command, r *sequencer.Result) {
	if r.Code != sequencer.CodeOK {
		return
	}
	seen := b.saleView()
	b.change(c)
	b.noteChange(c, r, contract.Settings(&seen, b.now))
}

// change books what a seller's command does to the sale.
func (b *books) change(c *sequencer.Command) {
	b.view.Revision++
	switch c.Kind {
	case sequencer.KindSaleUpdate:
		b.update(c)
	case sequencer.KindSalePause:
		b.view.Paused = true
	case sequencer.KindSaleResume:
		b.view.Paused, b.promoting = false, true
	case sequencer.KindSaleClose:
		b.close()
	case sequencer.KindSaleCancel:
		b.close()
		b.view.Cancelled = true
	case sequencer.KindSaleQuantity:
		b.view.Quantity = tickets(int64(b.view.Quantity) + c.Amount)
		b.total.available += c.Amount
		b.promoting = true
		b.noteSoldOut()
	case sequencer.KindSaleRelease:
		b.total.withheld -= c.Amount
		b.total.available += c.Amount
		b.promoting = true
	}
}

// update replaces the spec of a sale; of one that runs only terms that move no tickets by themselves.
func (b *books) update(c *sequencer.Command) {
	spec, err := sequencer.DecodeSaleSpec(c.Body)
	if err != nil {
		b.fault("the sale was updated by a spec that cannot be read: %v", err)
		return
	}
	if b.now >= b.view.StartsAt {
		b.view.SaleSpec, b.promoting = spec, true
		return
	}
	spec.StartNow(b.now)
	b.view.SaleSpec, b.total.available = spec, int64(spec.Quantity)
	b.course.opened = max(spec.StartsAt, b.now)
}

// close books that all who wait were sent away.
func (b *books) close() {
	if b.view.Closed {
		return
	}
	b.view.Closed = true
	for seq, o := range b.orders {
		if o.state == sequencer.StateWaitlisted {
			delete(b.orders, seq)
		}
	}
	b.total.counters.Entered[sequencer.StateCancelled] += uint64(b.total.waiting)
	b.total.counters.Tickets[sequencer.StateCancelled] += uint64(b.waitingTickets)
	b.total.waiting, b.waitingTickets = 0, 0
}
