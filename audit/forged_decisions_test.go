package audit

import (
	"fmt"

	"onsale/sequencer"
	"onsale/wal/journal"
)

// forgedDecisions are what the chain, the bytes and the second decisions find, and the
// ledger cannot.
var forgedDecisions = []forgery{
	{name: "a batch is decided at another time", finds: []check{checkTime, checkRedecidedTime},
		batches: batches{at(0, sell()), at(1)},
		forge:   func(f *forged) { f.last().decisions.Time++ }},
	{name: "a refusal says another reason", finds: []check{checkDecision},
		batches: batches{at(0, sell(), nobody())},
		forge:   func(f *forged) { f.result(2).Code = sequencer.CodeNotPayable }},
	{name: "an event is missing", finds: []check{checkEventMissing},
		batches: batches{at(0, sell(), buy("ann", 1), pay(2, "ann", 1)), at(4)},
		forge:   func(f *forged) { f.still() }},
	{name: "an event happens twice", finds: []check{checkEventExtra},
		batches: batches{at(0, sell(), buy("ann", 1), pay(2, "ann", 1)), at(4)},
		forge:   func(f *forged) { f.happen(*f.event()) }},
	{name: "an event tells another quantity", finds: []check{checkEventOther},
		batches: batches{at(0, sell(), buy("ann", 1)), at(3)},
		forge:   func(f *forged) { f.event().Quantity = 2 }},
	{name: "another state follows", finds: []check{checkStateHash},
		batches: batches{at(0, sell()), at(1)},
		forge:   func(f *forged) { f.last().stateHash++ }},
	{name: "the state breaks", finds: []check{checkDecidable},
		batches: batches{at(0, sell()), at(1)},
		prepare: func(a *auditor) { a.judge.state = new(sequencer.State) }},
	{name: "a possible cancel is refused", finds: []check{checkDecision, checkTotals},
		batches: batches{at(0, sell(), buy("ann", 1), cancel(2, "ann"))},
		forge:   func(f *forged) { f.show(3, sequencer.CodeNotCancellable, 2, sequencer.StateReserved, 1) }},
	{name: "the next block is damaged", finds: []check{checkDamage},
		batches: batches{at(0, sell())}, damage: fmt.Errorf("%w: a bit", journal.ErrCorrupt)},
	{name: "a batch cannot be read", finds: []check{checkReadable},
		batches: batches{at(0, sell()), at(1)},
		write:   func(b *journal.Block) { b.Batch = b.Batch[:1] }},
	{name: "decisions cannot be read", finds: []check{checkReadable},
		batches: batches{at(0, sell()), at(1)},
		write:   func(b *journal.Block) { b.Decisions = b.Decisions[:1] }},
	{name: "a refusal is written at length", finds: []check{checkEncoding},
		batches: batches{at(0, sell()), at(1, nobody())},
		write: func(b *journal.Block) {
			long := make([]byte, 38) // the code with bit 7, and the seq at offset 10
			long[0], long[10] = 0x80|byte(sequencer.CodeUnknownOrder), 2
			b.Decisions = append(b.Decisions[:len(b.Decisions)-1], long...)
		}},
	{name: "the end is not there", finds: []check{checkContains},
		batches: batches{at(0, sell())},
		prepare: func(a *auditor) { a.options.Contains = journal.Hash{1} }},
}
