package report

import (
	"fmt"

	"onsale/sequencer"
)

// liveOrder is what a later decision about an order does not say of it.
type liveOrder struct {
	state sequencer.OrderState
	// tickets are those that the order holds, or wants while it waits.
	tickets uint8
}

// books follow one sale through the recorded decisions. They hold no rules: they
// book what was decided.
type books struct {
	id     string
	others []string           // ids of sales that the journal has, some of them
	view   sequencer.SaleView // the spec, flags and number; the numbers are total's
	total  running
	orders map[uint64]liveOrder // by seq; those that can still move

	waitingTickets int64
	served         uint64 // seq of the newest waiting order that was promoted
	soldOutAt      int64  // log time at which nothing was available first; 0 never
	course         course
	history        history

	now     int64
	touched bool // the batch has to do with the sale
	// promoting is set when tickets came free, or a place before those who wait,
	// until the promotions that follow are booked.
	promoting bool

	faultCount uint64
	faultList  []string
}

func newBooks(id string) *books { return &books{id: id, orders: map[uint64]liveOrder{}} }

// read books a batch: what time made due, then each command and what it caused.
func (b *books) read(batch *sequencer.Batch, d *sequencer.Decisions) error {
	b.now, b.touched = d.Time, false
	events := d.Events
	events = b.readEvents(events, 0)
	for i := range batch.Commands {
		c, r := &batch.Commands[i], &d.Results[i]
		if b.view.Number == 0 && c.Kind != sequencer.KindSaleCreate {
			continue
		}
		b.settlePromotions()
		b.command(c, r, events)
		events = b.readEvents(events, uint32(i)+1)
	}
	b.settlePromotions()
	if b.touched {
		b.total.batches++
		b.course.mark(b.now, &b.total)
	}
	if len(b.orders) > LiveOrdersMax {
		return fmt.Errorf("%w: %d at seq %d", ErrTooManyOrders, len(b.orders), d.FirstSeq)
	}
	return nil
}

// readEvents books the events up to a command and returns those after it.
func (b *books) readEvents(events []sequencer.Event, before uint32) []sequencer.Event {
	for len(events) > 0 && events[0].Before <= before {
		if e := &events[0]; b.view.Number != 0 && e.Sale == b.view.Number {
			b.event(e)
		}
		events = events[1:]
	}
	return events
}

// command books one decision. events are those that it caused, and later ones.
func (b *books) command(c *sequencer.Command, r *sequencer.Result, events []sequencer.Event) {
	switch {
	case r.Code == sequencer.CodeNotTaken:
	case c.Kind == sequencer.KindSaleCreate:
		b.create(c, r)
	case c.Kind == sequencer.KindBuy && c.Sale == b.view.Number:
		b.touched = true
		b.buy(c, r, events)
	case c.Kind >= sequencer.KindSaleUpdate && c.Kind <= sequencer.KindSaleExtend && c.Sale == b.view.Number:
		b.touched = true
		b.seller(c, r)
	case c.Kind != sequencer.KindBuy && r.Order != 0 && r.Sale == b.view.Number:
		b.touched = true
		b.step(c, r)
	}
}

// event books what happened to an order without a command of its own.
func (b *books) event(e *sequencer.Event) {
	b.touched = true
	switch e.Kind {
	case sequencer.EventPromoted:
		b.promote(e)
	case sequencer.EventExpired:
		b.settlePromotions()
		b.release(e.Order, sequencer.StateExpired)
		b.promoting = true
	case sequencer.EventCancelled:
		b.release(e.Order, sequencer.StateCancelled)
	case sequencer.EventRefunded:
		b.refund(e.Order)
	}
}

// promote books that a waiting order got tickets, perhaps fewer than it wanted.
func (b *books) promote(e *sequencer.Event) {
	o := b.orders[e.Order]
	if o.state != sequencer.StateWaitlisted {
		b.fault("order %d was promoted and did not wait", e.Order)
		return
	}
	b.leaveWaitlist(o)
	b.total.promoted++
	b.served = max(b.served, e.Order)
	b.reserve(e.Order, e.Quantity)
}

// settlePromotions counts a promotion that ended because who is first wants more
// tickets than there are.
func (b *books) settlePromotions() {
	if b.promoting && !b.view.Paused && b.total.available > 0 && b.total.waiting > 0 {
		b.total.counters.PromoteBlocked++
	}
	b.promoting = false
}

func (b *books) enter(state sequencer.OrderState, tickets int64) {
	b.total.counters.Entered[state]++
	b.total.counters.Tickets[state] += uint64(tickets)
}

func (b *books) reserve(seq uint64, tickets uint8) {
	b.orders[seq] = liveOrder{sequencer.StateReserved, tickets}
	b.total.available -= int64(tickets)
	b.total.held += int64(tickets)
	b.enter(sequencer.StateReserved, int64(tickets))
	b.noteSoldOut()
}

func (b *books) noteSoldOut() {
	if b.soldOutAt == 0 && b.total.available <= 0 && b.now >= b.course.opened {
		b.soldOutAt = b.now
	}
}

// release books the end of an order that held tickets.
func (b *books) release(seq uint64, to sequencer.OrderState) {
	o := b.orders[seq]
	if !o.state.Holds() {
		b.fault("order %d became %s and held no tickets", seq, to)
		return
	}
	delete(b.orders, seq)
	b.total.held -= int64(o.tickets)
	b.total.available += int64(o.tickets)
	b.enter(to, int64(o.tickets))
}

// refund books that the money of a paid order goes back, and its tickets to the seller.
func (b *books) refund(seq uint64) {
	o := b.orders[seq]
	if o.state != sequencer.StatePaid {
		b.fault("order %d was refunded and was not paid", seq)
		return
	}
	delete(b.orders, seq)
	b.total.sold -= int64(o.tickets)
	b.total.withheld += int64(o.tickets)
	b.enter(sequencer.StateRefunded, int64(o.tickets))
}

func (b *books) leaveWaitlist(o liveOrder) {
	b.total.waiting--
	b.waitingTickets -= int64(o.tickets)
}

// faultsMax bounds the contradictions that are told; all are counted.
const faultsMax = 20

func (b *books) fault(format string, values ...any) {
	b.faultCount++
	if len(b.faultList) < faultsMax {
		b.faultList = append(b.faultList, fmt.Sprintf(format, values...))
	}
}

// saleView returns the sale as the books have it.
func (b *books) saleView() sequencer.SaleView {
	v, t := b.view, &b.total
	v.Sold, v.Held, v.Withheld, v.Available = tickets(t.sold), tickets(t.held), tickets(t.withheld), tickets(t.available)
	v.Waiting, v.ServedSeq, v.Counters = tickets(t.waiting), b.served, t.counters
	return v
}

// tickets makes a count fit for a view; faults tells of one that does not.
func tickets(n int64) uint32 { return uint32(max(0, min(n, 1<<32-1))) }
