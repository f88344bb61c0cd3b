package audit

import (
	"fmt"
	"time"

	"onsale/sequencer"
)

// lined books whether an attempt that begins stands in the line, and until when it may.
func (l *Ledger) lined(o *bookedOrder, c *sequencer.Command) {
	o.lined = c.Count > 0
	o.linedTo = after(l.own(), int64(c.Count)*int64(time.Second))
}

// called books that an attempt leaves the line for the provider. Who was not in it was called
// before, and must not be again; whose time in it is over is not called any more.
func (l *Ledger) called(o *bookedOrder, c *sequencer.Command) {
	if !o.lined || c.Attempt != o.attempts || o.linedTo <= l.own() || o.sale.cancelled {
		l.findings.report(checkCalled, o.seq, fmt.Sprintf("attempt %d, in the line until after %s", c.Attempt, clock(l.now)),
			fmt.Sprintf("attempt %d, in the line: %t, until %s", o.attempts, o.lined, clock(l.holds.Shown(o.linedTo))))
	}
	l.graced(o)
}

// graced books that the grace of an attempt counts from now on, unless its hold goes on.
func (l *Ledger) graced(o *bookedOrder) {
	o.leaveLine()
	o.deadline = max(o.deadline, after(l.own(), 1))
}

// allCalled books that after a birth the provider may have been called for everybody in the line:
// the history that it goes on from may have gone on itself. The first birth has nothing before it,
// and one that is told again is none.
func (l *Ledger) allCalled(r *sequencer.Result) {
	newest := l.births[len(l.births)-1]
	if newest.Cause == sequencer.BirthNew || newest.FirstSeq != r.Seq {
		return
	}
	for _, o := range l.orders {
		if o.lined {
			l.graced(o)
		}
	}
}

func (o *bookedOrder) leaveLine() { o.lined, o.linedTo = false, 0 }

// hardLimit is when an order's payment is overdue, by the holds' own time.
func (o *bookedOrder) hardLimit() int64 {
	if o.lined {
		return o.linedTo
	}
	return after(o.deadline, o.sale.spec.Grace)
}
