package export

import (
	"time"

	"onsale/sequencer"
)

// bookOrder puts an order's row.
func (b *Books) bookOrder(seq uint64) {
	if v, known := b.state.Order(seq); known {
		b.putOrder(&v)
	}
}

func (b *Books) putOrder(v *sequencer.OrderView) { b.rows.Put(Orders, b.orderRow(v)) }

// orderRow is an order as the newest block has it.
func (b *Books) orderRow(v *sequencer.OrderView) Row {
	dispute, first := any(nil), any(nil)
	if v.Dispute.Status != 0 {
		dispute = v.Dispute.Status.String()
	}
	if len(v.Tickets) > 0 {
		first = int64(v.Tickets[0].Number)
	}
	return Row{int64(v.Seq), v.UID(), v.SaleID, b.users.name(v.User), text(v.Reference), v.State.String(), int64(v.Requested), int64(v.Quantity),
		int64(v.Attempts), reason(v.Reason), dispute, first, int64(v.ValidTickets()), instant(v.CreatedAt), instant(v.Deadline),
		int64(b.position.Head.Height), b.position.At}
}

// instant is a time of the log, nil for 0.
func instant(nanoseconds int64) any {
	if nanoseconds == 0 {
		return nil
	}
	return clock(nanoseconds)
}

// clock is a time of the log in microseconds, which is what PostgreSQL keeps.
func clock(nanoseconds int64) time.Time {
	return time.Unix(0, nanoseconds).UTC().Truncate(time.Microsecond)
}

// text is nil for "".
func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func reason(r sequencer.PayReason) any {
	if r == sequencer.ReasonNone {
		return nil
	}
	return r.String()
}
