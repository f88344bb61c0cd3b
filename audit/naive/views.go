package naive

import "onsale/sequencer"

// Seq returns the seq of the newest command.
func (m *Model) Seq() uint64 { return m.seq }

// Now returns the log's time.
func (m *Model) Now() int64 { return m.now }

// NextDue returns the earliest time at which something happens without a
// command: a hold ends, a payment outlasts its limit, or a sale starts.
func (m *Model) NextDue() (time int64, any bool) {
	earlier := func(at int64) {
		if !any || at < time {
			time, any = at, true
		}
	}
	for _, o := range m.orders {
		if at, running := due(o); running {
			earlier(after(at, m.holds.lag+m.holds.left))
		}
	}
	for _, s := range m.sales {
		if s.spec.StartsAt > m.now && !s.closed {
			earlier(s.spec.StartsAt)
		}
	}
	return time, any
}

// SaleCount returns how many sales there are; they are numbered from 1.
func (m *Model) SaleCount() int { return len(m.sales) }

// Level is sequencer.State.Level.
func (m *Model) Level() uint16 { return uint16(1 + m.raised) }

// Users returns how many users ever made an order.
func (m *Model) Users() int { return len(m.byUser) }

// Sale returns a copy of a sale, false when there is none with that number.
func (m *Model) Sale(number uint16) (sequencer.SaleView, bool) {
	s := m.saleOf(number)
	if s == nil {
		return sequencer.SaleView{}, false
	}
	return sequencer.SaleView{
		SaleSpec: s.spec, Number: s.number, CreatedAt: s.createdAt, Revision: s.revision,
		Paused: s.paused, Closed: s.closed, Cancelled: s.cancelled,
		Sold: uint32(s.sold), Held: uint32(s.held), Withheld: uint32(s.withheld), Available: uint32(s.available()),
		Waiting: uint32(len(s.waiting)), ServedSeq: s.servedSeq, Counters: s.counters,
		ChangedBy: s.lastActor, ChangedSeq: s.lastSeq, ChangedAt: s.lastTime,
		AsOfSeq: m.seq, AsOfTime: m.now, AsOf: m.position(),
	}, true
}

// Order returns a copy of an order, false when there is none with that seq.
func (m *Model) Order(seq uint64) (sequencer.OrderView, bool) {
	o := m.orderOf(seq)
	if o == nil {
		return sequencer.OrderView{}, false
	}
	return m.view(o), true
}

// OrdersOf returns the user's orders with a seq above after, at most limit.
func (m *Model) OrdersOf(user []byte, after uint64, limit int) []sequencer.OrderView {
	var views []sequencer.OrderView
	for _, o := range m.byUser[string(user)] {
		if o.seq > after && len(views) < limit {
			views = append(views, m.view(o))
		}
	}
	return views
}

// OrdersIn returns all orders that a query is for.
func (m *Model) OrdersIn(q *sequencer.OrderQuery) []sequencer.OrderView {
	var views []sequencer.OrderView
	for _, o := range m.orders {
		view := m.view(o)
		if view.Sale == q.Sale && view.Seq > q.After && (q.State == sequencer.StateNone || view.State == q.State) &&
			(q.User == "" || view.User == q.User) && (q.Reference == "" || view.Reference == q.Reference) {
			views = append(views, view)
		}
	}
	return views
}

// Unsettled returns the orders with a seq above after that the provider must still
// be asked about, at most limit.
func (m *Model) Unsettled(after uint64, limit int) []sequencer.OrderView {
	var views []sequencer.OrderView
	for _, o := range m.orders {
		if open := o.state == sequencer.StatePaying || o.uncaptured || o.voidsDue > 0 || o.isPartDue(); open && o.seq > after && len(views) < limit {
			views = append(views, m.view(o))
		}
	}
	return views
}

// Waiting returns the seqs of a sale's waiting orders, the head first.
func (m *Model) Waiting(number uint16) []uint64 {
	var seqs []uint64
	for _, o := range m.saleOf(number).waiting {
		seqs = append(seqs, o.seq)
	}
	return seqs
}

// position says which batch of which birth was the last.
func (m *Model) position() sequencer.Position {
	p := sequencer.Position{Height: m.height}
	if len(m.births) > 0 {
		p.Birth = m.births[len(m.births)-1].Tag()
	}
	return p
}

func (m *Model) view(o *order) sequencer.OrderView {
	v := sequencer.OrderView{
		Seq: o.seq, Sale: o.sale.number, SaleID: o.sale.spec.ID, User: o.user, State: o.state,
		Quantity: o.quantity, Requested: o.requested, Min: o.min, Attempts: o.attempts, VoidsDue: o.voidsDue,
		Position: position(o), CreatedAt: o.createdAt, Deadline: m.holds.Shown(o.deadline),
		Voided: o.voided, CaptureDue: o.uncaptured, Captured: o.captured, Reason: o.reason,
		Overdue: o.overdue && o.state == sequencer.StatePaying, Lined: o.lined, AsOfSeq: m.seq, AsOf: m.position(), Reference: o.reference,
		Birth: m.birthOf(o.seq), Dispute: o.dispute,
	}
	o.showBounced(&v)
	v.Parts = o.shownParts()
	if len(o.tickets) > 0 {
		v.Tickets, v.PaidSeq, v.PaidBirth = append(v.Tickets, o.tickets...), o.paidSeq, m.birthOf(o.paidSeq)
	}
	return v
}

// birthOf returns the id of the birth in which a seq lies, zero for one before the first.
func (m *Model) birthOf(seq uint64) (id sequencer.ClusterID) {
	for _, b := range m.births {
		if b.FirstSeq <= seq {
			id = b.Cluster
		}
	}
	return id
}
