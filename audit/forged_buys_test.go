package audit

import (
	"onsale/sequencer"
)

// forgedBuys are new orders, and refusals, that a fair sale does not have.
var forgedBuys = []forgery{
	{name: "an order of a sale that is not there", finds: []check{checkBuySale},
		batches: batches{at(0, sell(), buy("ann", 1), inSale(9, buy("bob", 1)))},
		forge:   func(f *forged) { f.show(3, sequencer.CodeOK, 2, sequencer.StateReserved, 1) }},
	{name: "a buy makes an order that was made before", finds: []check{checkOrderName},
		batches: batches{at(0, sell(), buy("ann", 1), buy("bob", 1))},
		forge:   func(f *forged) { f.show(3, sequencer.CodeOK, 2, sequencer.StateReserved, 1) }},
	{name: "a buy makes an order again under its seq", finds: []check{checkOrderName, checkSeq},
		batches: batches{at(0, sell(), buy("ann", 1), buy("bob", 1))},
		forge:   func(f *forged) { f.show(3, sequencer.CodeOK, 2, sequencer.StateReserved, 1).Seq = 2 }},
	{name: "a new order is in payment", finds: []check{checkNewState},
		batches: batches{at(0, sell(), buy("ann", 1))},
		forge:   func(f *forged) { f.result(2).State = sequencer.StatePaying }},

	{name: "a buy passes who waits", finds: []check{checkBehindWaiting},
		batches: batches{at(0, sell(waitlist(3)), buy("ann", 1), buy("bob", 2), buy("cid", 1))},
		forge:   func(f *forged) { f.reserve(4, 1) }},
	{name: "a buy passes who waits behind one that left", finds: []check{checkBehindWaiting},
		batches: batches{
			at(0, sell(waitlist(3)), buy("ann", 1), buy("bob", 2), buy("cid", 2), cancel(3, "bob"), buy("dan", 1)),
		},
		forge: func(f *forged) { f.reserve(6, 1) }},

	{name: "a buy gets what an earlier one was refused", finds: []check{checkRefusedTickets, checkRefusedBefore},
		batches: batches{at(0, sell(), buy("ann", 1), buy("bob", 1))},
		forge:   func(f *forged) { *f.result(2) = refused(2) }},
	{name: "a buy gets what an earlier one was refused, which took less",
		finds:   []check{checkRefusedTickets, checkRefusedBefore},
		batches: batches{at(0, sell(quantity(1)), least(buy("ann", 2), 1), buy("bob", 1))},
		forge:   func(f *forged) { *f.result(2) = refused(2); f.reserve(3, 1) }},
	{name: "the fewest that were refused count", finds: []check{checkRefusedTickets, checkRefusedBefore},
		batches: batches{at(0, sell(), buy("ann", 1), buy("bob", 2), buy("cid", 1), buy("dan", 3), buy("eve", 1))},
		forge:   func(f *forged) { *f.result(4), *f.result(5) = refused(4), tooFew(5, 1); f.reserve(6, 1) }},
	{name: "more tickets before the start, and who was refused gets none", finds: []check{checkRefusedBefore},
		batches: batches{
			at(-9, sell(quantity(1)), buy("ann", 2), update(quantity(5)), buy("bob", 1)),
		},
		forge: func(f *forged) { *f.result(2) = tooFew(2, 1); f.reserve(4, 1) }},

	{name: "a hold is too long", finds: []check{checkHold},
		batches: batches{at(0, sell(), buy("ann", 1))},
		forge:   func(f *forged) { f.result(2).Deadline++ }},
	{name: "fewer tickets than were asked for", finds: []check{checkQuantity},
		batches: batches{at(0, sell(), buy("ann", 2))},
		forge:   func(f *forged) { f.result(2).Quantity = 1 }},
	{name: "fewer tickets than the least", finds: []check{checkQuantity},
		batches: batches{at(0, sell(quantity(4)), least(buy("ann", 3), 2))},
		forge:   func(f *forged) { f.result(2).Quantity = 1 }},
	{name: "more tickets than were asked for", finds: []check{checkQuantity},
		batches: batches{at(0, sell(), buy("ann", 1))},
		forge:   func(f *forged) { f.result(2).Quantity = 2 }},
	{name: "a promoted order has more tickets than it asked for", finds: []check{checkQuantity},
		batches: batches{at(0, sell(waitlist(1)), buy("ann", 2), buy("bob", 1)), at(1, cancel(2, "ann"))},
		forge:   func(f *forged) { f.event().Quantity = 2 }},

	{name: "one waits beyond the waitlist", finds: []check{checkWaitlistFull},
		batches: batches{at(0, sell(waitlist(1)), buy("ann", 2), buy("bob", 1), buy("cid", 1))},
		forge:   func(f *forged) { f.wait(4, 1, 2) }},
	{name: "a place in the waitlist that another one has", finds: []check{checkPosition},
		batches: batches{at(0, sell(waitlist(3)), buy("ann", 2), buy("bob", 1), buy("cid", 1))},
		forge:   func(f *forged) { f.result(4).Position = 1 }},
	{name: "a buy waits for what is there", finds: []check{checkNeedlessWait},
		batches: batches{at(0, sell(waitlist(3)), buy("ann", 2))},
		forge: func(f *forged) {
			f.promote(2, 2)
			f.event().Quantity = 2
		}},
	{name: "a buy waits for what is there, and goes on waiting", finds: []check{checkNeedlessWait, checkIdle},
		batches: batches{at(0, sell(waitlist(3)), least(buy("ann", 4), 2))},
		forge:   func(f *forged) { f.wait(2, 4, 1) }},

	{name: "a buy is refused the last tickets", finds: []check{checkRefusedTickets},
		batches: batches{at(0, sell(), buy("ann", 2))},
		forge:   func(f *forged) { *f.result(2) = refused(2) }},
	{name: "a buy is refused fewer than it asked for", finds: []check{checkRefusedTickets},
		batches: batches{at(0, sell(), least(buy("ann", 3), 2))},
		forge:   func(f *forged) { *f.result(2) = refused(2) }},
	{name: "a buy is refused a place", finds: []check{checkRefusedPlace},
		batches: batches{at(0, sell(waitlist(2)), buy("ann", 2), buy("bob", 1), buy("cid", 1))},
		forge:   func(f *forged) { *f.result(4) = refused(4) }},

	{name: "one is left, and a buy for two is told that none is", finds: []check{checkLeft},
		batches: batches{at(0, sell(), buy("ann", 1), buy("bob", 2))},
		forge:   func(f *forged) { *f.result(3) = refused(3) }},
	{name: "a buy is told that more are left than there are", finds: []check{checkLeft},
		batches: batches{at(0, sell(), buy("ann", 1), buy("bob", 3))},
		forge:   func(f *forged) { f.result(3).Quantity = 2 }},
	{name: "nothing is left, and a buy is told that too little is", finds: []check{checkLeft},
		batches: batches{at(0, sell(), buy("ann", 2), buy("bob", 2))},
		forge:   func(f *forged) { *f.result(3) = tooFew(3, 1) }},
	{name: "what is left is for who waits", finds: []check{checkLeft},
		batches: batches{at(0, sell(waitlist(1)), buy("ann", 1), buy("bob", 2), buy("cid", 2))},
		forge:   func(f *forged) { *f.result(4) = tooFew(4, 1) }},
	{name: "a buy is told that too little is left for it, and gets less", finds: []check{checkRefusedTickets},
		batches: batches{at(0, sell(), least(buy("ann", 3), 2))},
		forge:   func(f *forged) { *f.result(2) = tooFew(2, 2) }},

	{name: "a user is over the cap", finds: []check{checkCap},
		batches: batches{at(0, sell(quantity(9)), buy("ann", 4), buy("ann", 1))},
		forge:   func(f *forged) { f.reserve(3, 1) }},
	{name: "a user is over the cap while waiting", finds: []check{checkCap},
		batches: batches{at(0, sell(quantity(4), waitlist(2)), buy("ann", 4), buy("ann", 1))},
		forge:   func(f *forged) { f.wait(3, 1, 1) }},
	{name: "a user has another name", finds: []check{checkBuyName},
		batches: batches{at(0, sell(pseudonyms), buy("p1.0000cafe.abcdefghijklmnopqrstuvwxy-_", 1), buy("ann", 1))},
		forge:   func(f *forged) { f.reserve(3, 1) }},
	{name: "a key makes two orders", finds: []check{checkKey},
		batches: batches{at(0, sell(), keyed(buy("ann", 1)), keyed(buy("ann", 1)))},
		forge:   func(f *forged) { f.reserve(3, 1) }},

	{name: "a ticket is sold twice", finds: []check{checkCount},
		batches: batches{at(0, sell(), buy("ann", 2), buy("bob", 1))},
		forge:   func(f *forged) { f.reserve(3, 1) }},
	{name: "a paid ticket is sold twice", finds: []check{checkCount},
		batches: batches{at(0, sell(), buy("ann", 2), pay(2, "ann", 2), outcome(2, sequencer.PayAccepted), buy("bob", 1))},
		forge:   func(f *forged) { f.reserve(5, 1) }},
	{name: "a refunded ticket is sold before it is released", finds: []check{checkCount},
		batches: batches{
			at(0, sell(), buy("ann", 2), pay(2, "ann", 2), outcome(2, sequencer.PayAccepted), refund(2), buy("bob", 1)),
		},
		forge: func(f *forged) { f.reserve(6, 1) }},
}

func least(c sequencer.Command, tickets uint8) sequencer.Command {
	c.Min = tickets
	return c
}

func keyed(c sequencer.Command) sequencer.Command {
	c.Key = sequencer.DigestKey(c.User, []byte("key"))
	return c
}

// tooFew is the decision of a buy that would take more than is left.
func tooFew(seq uint64, left uint8) sequencer.Result {
	return sequencer.Result{Seq: seq, Kind: sequencer.KindBuy, Code: sequencer.CodeNotEnough, Quantity: left}
}

// refused is the decision of a buy for which there are no tickets.
func refused(seq uint64) sequencer.Result {
	return sequencer.Result{Seq: seq, Kind: sequencer.KindBuy, Code: sequencer.CodeSoldOut}
}
