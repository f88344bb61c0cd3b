package audit

import "onsale/sequencer"

// forgedEvents are events that must not happen, and what must and does not.
var forgedEvents = []forgery{
	{name: "an event of an order that was never made", finds: []check{checkEventOrder},
		batches: batches{at(0, sell())},
		forge:   func(f *forged) { f.happen(sequencer.Event{Kind: sequencer.EventExpired, Order: 99}) }},
	{name: "an event of an order of another sale", finds: []check{checkEventOrder},
		batches: batches{at(0, sell(), buy("ann", 1), pay(2, "ann", 1)), at(4)},
		forge:   func(f *forged) { f.event().Sale = 2 }},
	{name: "an event of an unknown kind", finds: []check{checkEventKind},
		batches: batches{at(0, sell(), buy("ann", 1)), at(1)},
		forge:   func(f *forged) { f.happen(sequencer.Event{Kind: 9, Order: 2}) }},

	{name: "a hold ends early", finds: []check{checkExpiredEarly},
		batches: batches{at(0, sell(), buy("ann", 1)), at(2)},
		forge:   func(f *forged) { f.happen(sequencer.Event{Kind: sequencer.EventExpired, Order: 2, Quantity: 1}) }},
	{name: "a hold ends late", finds: []check{checkExpiredLate},
		batches: batches{at(0, sell(), buy("ann", 1)), at(3), at(4)},
		forge:   func(f *forged) { f.later() }},
	{name: "a hold that ended ends again", finds: []check{checkStep, checkExpiredLate},
		batches: batches{at(0, sell(), buy("ann", 1)), at(3), at(4)},
		forge:   func(f *forged) { f.happen(sequencer.Event{Kind: sequencer.EventExpired, Order: 2, Quantity: 1}) }},
	{name: "a hold never ends", finds: []check{checkNeverExpired},
		batches: batches{at(0, sell(), buy("ann", 1)), at(3)},
		forge:   func(f *forged) { f.still() }},

	{name: "a payment is overdue before its time", finds: []check{checkOverdue},
		batches: batches{at(0, sell(), buy("ann", 1), pay(2, "ann", 1)), at(3)},
		forge:   func(f *forged) { f.happen(sequencer.Event{Kind: sequencer.EventOverdue, Order: 2, Quantity: 1}) }},
	{name: "a payment is overdue while it may stand in the line", finds: []check{checkOverdue},
		batches: batches{at(0, sell(), buy("ann", 1), inLine(pay(2, "ann", 1))), at(4)},
		forge:   func(f *forged) { f.happen(sequencer.Event{Kind: sequencer.EventOverdue, Order: 2, Quantity: 1}) }},
	{name: "a payment is overdue within the grace that its call began", finds: []check{checkOverdue},
		batches: batches{at(0, sell(), buy("ann", 1), inLine(pay(2, "ann", 1))), at(4, called(2)), at(4)},
		forge:   func(f *forged) { f.happen(sequencer.Event{Kind: sequencer.EventOverdue, Order: 2, Quantity: 1}) }},
	{name: "a payment is overdue of an order that left", finds: []check{checkOverdue},
		batches: batches{at(0, sell(), buy("ann", 1), cancel(2, "ann")), at(9)},
		forge:   func(f *forged) { f.happen(sequencer.Event{Kind: sequencer.EventOverdue, Order: 2, Quantity: 1}) }},

	{name: "an order is cancelled with its sale, which is not", finds: []check{checkCancelledWithSale},
		batches: batches{at(0, sell(), buy("ann", 1)), at(1)},
		forge:   func(f *forged) { f.happen(sequencer.Event{Kind: sequencer.EventCancelled, Order: 2, Quantity: 1}) }},
	{name: "an order is cancelled with its sale, which is closed", finds: []check{checkCancelledWithSale},
		batches: batches{at(0, sell(), buy("ann", 1), onSale(sequencer.KindSaleClose, 0)), at(1)},
		forge:   func(f *forged) { f.happen(sequencer.Event{Kind: sequencer.EventCancelled, Order: 2, Quantity: 1}) }},
	{name: "an order in payment is cancelled with its sale", finds: []check{checkStep},
		batches: batches{at(0, sell(), buy("ann", 1), pay(2, "ann", 1), onSale(sequencer.KindSaleCancel, 0))},
		forge: func(f *forged) {
			f.happen(sequencer.Event{Kind: sequencer.EventCancelled, Order: 2, Quantity: 1, Before: 4})
		}},
	{name: "a paid order is refunded with its sale, which is not cancelled", finds: []check{checkRefundedWithSale},
		batches: batches{at(0, sell(), buy("ann", 1), pay(2, "ann", 1), outcome(2, sequencer.PayAccepted)), at(1)},
		forge:   func(f *forged) { f.happen(sequencer.Event{Kind: sequencer.EventRefunded, Order: 2, Quantity: 1}) }},
	{name: "a reservation is refunded with its sale", finds: []check{checkStep},
		batches: batches{at(0, sell(), buy("ann", 1)), at(1, onSale(sequencer.KindSaleCancel, 0))},
		forge:   func(f *forged) { f.event().Kind = sequencer.EventRefunded }},

	{name: "a reservation is promoted", finds: []check{checkPromotedState},
		batches: batches{at(0, sell(), buy("ann", 1)), at(1)},
		forge:   func(f *forged) { f.promote(2, 0) }},
	{name: "the hold of a promoted order is too long", finds: []check{checkPromotedHold},
		batches: waitingTwo,
		forge:   func(f *forged) { f.event().Deadline++ }},
	{name: "the second who waits is promoted", finds: []check{checkPassedOver},
		batches: waitingTwo,
		forge:   func(f *forged) { f.event().Order = 5 }},
	{name: "the last who waits is promoted after the first left", finds: []check{checkPassedOver},
		batches: batches{
			at(0, sell(waitlist(3)), buy("ann", 2), buy("bob", 2), buy("cid", 1), buy("dan", 1), cancel(3, "bob")),
			at(1, more(1)),
		},
		forge: func(f *forged) { f.event().Order = 5 }},
	{name: "one is promoted past who does not fit", finds: []check{checkPassedOver},
		batches: batches{
			at(0, sell(waitlist(3)), buy("ann", 2), buy("bob", 2), buy("cid", 1)), at(1, more(1)),
		},
		forge: func(f *forged) { f.promote(4, 1) }},
	{name: "one is promoted past who just fits", finds: []check{checkPassedOver},
		batches: batches{
			at(0, sell(waitlist(3), skipUnfit), buy("ann", 2), buy("bob", 1), buy("cid", 1)), at(1, more(1)),
		},
		forge: func(f *forged) { f.event().Order = 4 }},

	{name: "a ticket that came back by a cancel stays", finds: []check{checkIdle},
		batches: waitingTwo,
		forge:   func(f *forged) { f.still() }},
	{name: "a ticket that came back by time stays", finds: []check{checkIdle},
		batches: batches{at(0, sell(waitlist(3)), buy("ann", 2), buy("bob", 1)), at(3)},
		forge:   func(f *forged) { d := &f.last().decisions; d.Events = d.Events[:1] }},
	{name: "a ticket that the seller added stays", finds: []check{checkIdle},
		batches: batches{at(0, sell(waitlist(3)), buy("ann", 2), buy("bob", 1)), at(1, more(1))},
		forge:   func(f *forged) { f.still() }},
	{name: "one is promoted without a ticket", finds: []check{checkCount},
		batches: batches{at(0, sell(waitlist(3)), buy("ann", 2), buy("bob", 1)), at(1)},
		forge:   func(f *forged) { f.promote(3, 0) }},
}

// waitingTwo is a sold out sale for which two wait, until one ticket comes back.
var waitingTwo = batches{
	at(0, sell(waitlist(3)), buy("ann", 1), buy("eve", 1), buy("bob", 1), buy("cid", 1)), at(1, cancel(2, "ann")),
}

// promote lets an order for one ticket be promoted in the newest block.
func (f *forged) promote(order uint64, before uint32) {
	f.happen(sequencer.Event{
		Kind: sequencer.EventPromoted, Order: order, Quantity: 1, Before: before,
		Deadline: f.last().decisions.Time + forgedHold,
	})
}

// later moves the event of the last block but one to the last.
func (f *forged) later() {
	early := &f.blocks[len(f.blocks)-2].decisions
	f.last().decisions.Events, early.Events = early.Events, nil
}
