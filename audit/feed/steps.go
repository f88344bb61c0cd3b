package feed

import (
	"onsale/audit/follow"
	"onsale/sequencer"
)

// step is one event of a block before anything is known of its order.
type step struct {
	place   uint32
	name    string // of Types
	command *sequencer.Command
	result  *sequencer.Result // nil of an event
	event   *sequencer.Event  // nil of a decision
	order   uint64            // seq; 0 for none
	sale    uint16            // 0 for none, and while only the order says it
	// paid says that it is one only if the decision is the one by which the order was paid.
	paid bool
}

// placesEach is how many places a decision, or an event, of a block has: it may be told as one
// event about the payment and one about the order.
const placesEach = 4

// The places of a decision, or an event. The numbers are for good.
const (
	placeFirst = 0
	placeOrder = 1 // what became of the order by a decision about its payment
)

// steps appends what a block tells, in order: that of its decisions, and in front of each what
// happened before it was decided.
func steps(dst []step, b *follow.Block) []step {
	results, events := b.Decisions.Results, b.Decisions.Events
	next := 0
	before := func(i int) {
		for ; next < len(events) && int(events[next].Before) <= i; next++ {
			e := &events[next]
			dst = append(dst, step{place: uint32(i+next) * placesEach, name: ofEvents[e.Kind], event: e, order: e.Order, sale: e.Sale})
		}
	}
	for i := range results {
		before(i)
		dst = appendDecision(dst, uint32(i+next)*placesEach, &b.Batch.Commands[i], &results[i])
	}
	before(len(results))
	return dst
}

// appendDecision appends what a decision tells.
func appendDecision(dst []step, place uint32, c *sequencer.Command, r *sequencer.Result) []step {
	is := step{place: place + placeFirst, command: c, result: r, order: follow.OrderOf(c, r), sale: r.Sale}
	switch {
	case c.Kind == sequencer.KindForward || c.Kind == sequencer.KindSessionOpen || r.Code == sequencer.CodeNotTaken || r.Replayed:
		return dst
	case r.Code != sequencer.CodeOK && r.Code != sequencer.CodeLateSuccess:
		if is.name, is.sale = refused, c.Sale; r.Sale != 0 {
			is.sale = r.Sale
		}
		return append(dst, is)
	}
	if is.name = decisionName(c, r); is.name == "" {
		return dst
	}
	is.paid = is.name == "payment.accepted"
	dst = append(dst, is)
	if name := ofStates[r.State]; name != "" && endsPayment(c, r) {
		is.place, is.name = place+placeOrder, name
		is.paid = r.State == sequencer.StatePaid
		dst = append(dst, is)
	}
	return dst
}

// endsPayment reports whether a decision may have ended the payment of an order.
func endsPayment(c *sequencer.Command, r *sequencer.Result) bool {
	switch {
	case r.Code == sequencer.CodeLateSuccess: // of a sale that was cancelled meanwhile
		return r.State == sequencer.StateCancelled
	case c.Kind == sequencer.KindPayResult:
		return c.Outcome != sequencer.PayUnknown
	case c.Kind == sequencer.KindSettle: // of an order that is being paid only what became of that
		return c.Part == 0 && c.Outcome != sequencer.PayRefunded
	}
	return false
}

// decisionName returns the type of what a decision that was taken tells first; "" for nothing.
func decisionName(c *sequencer.Command, r *sequencer.Result) string {
	switch c.Kind {
	case sequencer.KindBuy:
		if r.State == sequencer.StateWaitlisted {
			return "order.waitlisted"
		}
		return "order.reserved"
	case sequencer.KindCancel, sequencer.KindWithdraw:
		if r.State == sequencer.StateCancelled {
			return "order.cancelled"
		}
		return "order.reduced"
	case sequencer.KindRefund:
		if r.State == sequencer.StateRefunded {
			return "order.refunded"
		}
		return "order.partly_refunded"
	case sequencer.KindPayResult:
		if r.Code == sequencer.CodeLateSuccess {
			return "payment.late"
		}
		return ofOutcomes[c.Outcome]
	case sequencer.KindPayVoided:
		if c.Outcome == sequencer.PayRefunded {
			return "payment.returned"
		}
	}
	for _, names := range [...]map[sequencer.Kind]string{ofPayments, ofSales, ofClusters} {
		if name := names[c.Kind]; name != "" {
			return name
		}
	}
	return ""
}
