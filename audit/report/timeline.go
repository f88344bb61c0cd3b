package report

import (
	"time"

	"onsale/api/contract"
	"onsale/sequencer"
)

// timeline makes rows of what was noted at their ends.
func (b *books) timeline() contract.Timeline {
	c := &b.course
	told := contract.Timeline{OpenedAt: contract.Time(c.opened), Batches: b.total.batches, Rows: []contract.TimelineRow{},
		Changes: b.history.changes, ChangesLeftOut: b.history.leftOut}
	if b.soldOutAt != 0 {
		seconds := time.Duration(b.soldOutAt - c.opened).Seconds()
		told.SoldOutSeconds = &seconds
	}
	if told.Busiest = c.busy.seconds(); len(told.Busiest) > 0 {
		told.PeakRequests = told.Busiest[0].Requests
	}
	last := running{available: int64(b.view.Quantity)}
	if before := c.before.counters; requests(&before) > 0 || before.Replayed > 0 {
		row := rowOf(&last, &c.before)
		row.Seconds = (c.opened - b.view.CreatedAt + second - 1) / second
		row.From = -row.Seconds
		told.Before = &row
	}
	last = c.before
	add := func(from, seconds int64, at *running) {
		row := rowOf(&last, at)
		row.From, row.Seconds = from, seconds
		told.Rows = append(told.Rows, row)
		last = *at
	}
	for i := range c.opening {
		add(int64(i), 1, &c.opening[i])
	}
	for i := range c.later {
		add(OpeningSeconds+int64(i)*c.seconds, c.seconds, &c.later[i])
	}
	return told
}

// rowOf is what happened between two running totals, and where it ended.
func rowOf(from, to *running) contract.TimelineRow {
	was, is := &from.counters, &to.counters
	entered := func(s sequencer.OrderState) uint64 { return is.Entered[s] - was.Entered[s] }
	row := contract.TimelineRow{
		Batches: to.batches - from.batches, Requests: requests(is) - requests(was), Replayed: is.Replayed - was.Replayed,
		Waitlisted: entered(sequencer.StateWaitlisted), Promoted: to.promoted - from.promoted,
		Expired: entered(sequencer.StateExpired), Cancelled: entered(sequencer.StateCancelled),
		Paid: entered(sequencer.StatePaid), Refunded: entered(sequencer.StateRefunded),
		PaymentAttempts: entered(sequencer.StatePaying), PaymentsRejected: to.rejected - from.rejected, PaymentsCancelled: to.cancelled - from.cancelled,
		ExpiredTickets: is.Tickets[sequencer.StateExpired] - was.Tickets[sequencer.StateExpired],
		Available:      tickets(to.available), Held: tickets(to.held), Sold: tickets(to.sold), Withheld: tickets(to.withheld), Waitlist: tickets(to.waiting),
	}
	row.Reserved = entered(sequencer.StateReserved) - row.Promoted
	for code := range is.Buys {
		refused := is.Buys[code] - was.Buys[code]
		if refused == 0 || sequencer.Code(code) == sequencer.CodeOK {
			continue
		}
		if row.ByReason == nil {
			row.ByReason = map[string]uint64{}
		}
		row.ByReason[sequencer.Code(code).String()] = refused
		row.Refused += refused
	}
	return row
}

func requests(c *sequencer.Counters) uint64 {
	total := uint64(0)
	for _, count := range c.Buys {
		total += count
	}
	return total
}
