package audit

import (
	"fmt"

	"onsale/audit/naive"
	"onsale/sequencer"
)

// Ledger keeps books from recorded decisions and checks the promises on them.
// It knows what must never happen, not what the rules would have decided.
type Ledger struct {
	books
	findings *findings
	now      int64 // log time of the batch that is read
	before   int64 // log time of the batch before
	holds    naive.HoldClock
	heldTo   int64 // the holds' own time of the batch before
	next     uint64
	births   []sequencer.Birth // that were read
	level    int64             // of the formats
	account  string            // for new charges; "" before the first
	sessions map[uint64]uint64 // of front-ends: the newest number that was executed
	executed uint32            // commands that are left of a forwarded batch
	notTaken uint32            // the same, when it must not be executed
}

// NewLedger returns a ledger before the first block. Each kind of finding is
// listed at most limit times.
func NewLedger(limit int) *Ledger {
	return newLedger(&findings{count: map[Kind]uint64{}, limit: limit})
}

func newLedger(f *findings) *Ledger {
	return &Ledger{books: newBooks(), findings: f, next: 1, level: sequencer.LevelFirst, sessions: map[uint64]uint64{}}
}

// Findings returns what was found so far.
func (l *Ledger) Findings() []Finding { return l.findings.list }

// Read books one batch and the decisions that were recorded for it.
func (l *Ledger) Read(b *sequencer.Batch, d *sequencer.Decisions) {
	l.header(b, d)
	events := l.events(d.Events, 0)
	l.executed, l.notTaken = 0, 0
	for i := range b.Commands {
		r := &d.Results[i]
		l.findings.at.Seq, l.findings.at.Command = d.FirstSeq+uint64(i), b.Commands[i].Kind.String()
		l.place(r, d.FirstSeq+uint64(i))
		l.taken(&b.Commands[i], r)
		l.result(&b.Commands[i], r, promotedAtOnce(events, uint32(i)+1, r.Order))
		events = l.events(events, uint32(i)+1)
		if r.Order != 0 && r.Kind != sequencer.KindForward { // whose Order is the seq of a forward
			l.shown(r)
		}
		if s := l.sale(max(r.Sale, b.Commands[i].Sale)); s != nil {
			l.idle(s)
		}
	}
	l.findings.at.Seq, l.findings.at.Command = 0, ""
	if len(events) > 0 {
		first := &events[0]
		l.findings.report(checkEventPlace, first.Order, fmt.Sprintf("at most %d", len(b.Commands)), fmt.Sprint(first.Before))
	}
}

// header checks time and sequence, which need no books.
func (l *Ledger) header(b *sequencer.Batch, d *sequencer.Decisions) {
	l.heldTo = l.holds.Own(l.now)
	l.holds.Pass(l.now, d.Time)
	l.before, l.now = l.now, d.Time
	if want := max(l.before, b.Time); d.Time != want {
		l.findings.report(checkTime, 0, clock(want), clock(d.Time), clock(b.Time))
	}
	if !l.born(b, d) && d.FirstSeq != l.next {
		l.findings.report(checkFirstSeq, 0, fmt.Sprint(l.next), fmt.Sprint(d.FirstSeq))
	}
	l.next = d.FirstSeq + uint64(len(b.Commands))
}

// place checks the seq of a result: its own, or that of its order when it is an order
// told again.
func (l *Ledger) place(r *sequencer.Result, own uint64) {
	switch {
	case !r.Replayed && r.Seq != own:
		l.findings.report(checkSeq, r.Order, fmt.Sprint(own), fmt.Sprint(r.Seq))
	case r.Replayed && (r.Seq >= own || r.Seq == 0 || r.Seq != r.Order):
		l.findings.report(checkReplayedSeq, r.Order, fmt.Sprintf("its order's, below %d", own), fmt.Sprint(r.Seq))
	}
}

// taken checks that the commands of a forwarded batch that is not executed are not.
func (l *Ledger) taken(c *sequencer.Command, r *sequencer.Result) {
	must := l.notTaken > 0
	if is := r.Code == sequencer.CodeNotTaken; must != is || is && r.Order != 0 {
		l.findings.report(checkNotTaken, r.Order, fmt.Sprintf("not taken: %t", must), r.Code.String())
	}
	switch {
	case must:
		l.notTaken--
	case l.executed > 0:
		l.executed--
	case c.Kind == sequencer.KindForward && r.Code == sequencer.CodeOK:
		l.executed = c.Count
	case c.Kind == sequencer.KindForward:
		l.notTaken = c.Count
	}
}

// events books the events that stand before a command and returns the rest.
func (l *Ledger) events(events []sequencer.Event, before uint32) []sequencer.Event {
	own := events
	for len(events) > 0 && events[0].Before == before {
		l.event(&events[0])
		events = events[1:]
	}
	for i := range own[:len(own)-len(events)] {
		if s := l.sale(own[i].Sale); s != nil {
			l.idle(s)
		}
	}
	return events
}

// promotedAtOnce reports whether an order is promoted by the command that made
// it: with skip unfit, a new order may fit where those before it do not.
func promotedAtOnce(events []sequencer.Event, before uint32, order uint64) bool {
	for i := 0; i < len(events) && events[i].Before == before; i++ {
		if events[i].Kind == sequencer.EventPromoted && events[i].Order == order {
			return true
		}
	}
	return false
}

// result books one decision. promoted says that events will show how the order
// came from the waitlist to where the decision shows it.
func (l *Ledger) result(c *sequencer.Command, r *sequencer.Result, promoted bool) {
	switch {
	case c.Kind == sequencer.KindBuy && (r.Code == sequencer.CodeSoldOut || r.Code == sequencer.CodeNotEnough) && !r.Replayed:
		l.unserved(c, r)
	case c.Kind == sequencer.KindBuy && r.Code == sequencer.CodeOK && !r.Replayed:
		l.bought(c, r, promoted)
	case r.Code == sequencer.CodeOK && r.Order != 0 && !r.Replayed:
		l.step(c, r)
	case r.Code == sequencer.CodeLateSuccess:
		l.tooLate(c, r)
	case r.Code == sequencer.CodeOK && !r.Replayed:
		l.seller(c, r)
	}
}

// shown checks that a decision shows its order as the books have it.
func (l *Ledger) shown(r *sequencer.Result) {
	o := l.orders[r.Order]
	if o == nil {
		l.findings.report(checkShownOrder, r.Order, "an order that was made", "none")
		return
	}
	const life = "sale %d, %s, %d tickets, %d attempts"
	switch {
	case r.State != o.state || r.Quantity != o.quantity || r.Sale != o.sale.number || r.Attempt != o.attempts:
		l.findings.report(checkShown, r.Order, fmt.Sprintf(life, o.sale.number, o.state, o.quantity, o.attempts),
			fmt.Sprintf(life, r.Sale, r.State, r.Quantity, r.Attempt))
	case r.Ticket != o.firstTicket():
		l.findings.report(checkShownTicket, r.Order, fmt.Sprint(o.firstTicket()), fmt.Sprint(r.Ticket))
	case o.state.Holds() && r.Deadline != l.end(o):
		l.findings.report(checkShownDeadline, r.Order, clock(l.end(o)), clock(r.Deadline))
	}
}

// idle checks that no ticket lies about while the longest waiting wants it.
func (l *Ledger) idle(s *bookedSale) {
	if head := s.head(); head != nil && !s.paused && s.available() >= int64(head.min) {
		l.findings.report(checkIdle, head.seq, "promoted", "waitlisted", s.available(), s.number, head.min)
	}
}

// counted checks that no ticket of a sale was given away twice.
func (l *Ledger) counted(s *bookedSale, order uint64) {
	if s.available() < 0 || s.sold < 0 || s.held < 0 || s.withheld < 0 {
		l.findings.report(checkCount, order, fmt.Sprintf("sold + held + withheld of at most %d", s.spec.Quantity),
			fmt.Sprintf("%d + %d + %d", s.sold, s.held, s.withheld), s.number)
	}
}

// Finish checks what only the end can tell: that nothing is left that should
// have ended.
func (l *Ledger) Finish() {
	var late, first uint64
	for seq, o := range l.orders {
		if o.state == sequencer.StateReserved && o.deadline <= l.own() {
			late++
			if first == 0 || seq < first {
				first = seq
			}
		}
	}
	if late > 0 {
		l.findings.report(checkNeverExpired, first, "expired", "reserved", late)
	}
}
