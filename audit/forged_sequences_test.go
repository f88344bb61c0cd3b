package audit

import (
	"time"

	"onsale/sequencer"
)

// forgedSequences are decisions at other times and places than the log's.
var forgedSequences = []forgery{
	{name: "a batch is decided later than its time", finds: []check{checkTime},
		batches: batches{at(0, sell()), at(1)},
		forge:   func(f *forged) { f.last().decisions.Time++ }},
	{name: "time runs back", finds: []check{checkTime},
		batches: batches{at(1, sell()), at(0)},
		forge:   func(f *forged) { f.last().decisions.Time = storyStart }},
	{name: "a seq is missing between two blocks", finds: []check{checkFirstSeq},
		batches: batches{at(0, sell()), at(1)},
		forge:   func(f *forged) { f.last().decisions.FirstSeq++ }},
	{name: "a restore goes on where the backup ended", finds: []check{checkBirth},
		batches: batches{at(0, birth(1, sequencer.BirthNew, 0)), at(0, sell()), at(0, birth(2, sequencer.BirthRestore, 0))},
		forge:   func(f *forged) { f.move(3) }},
	{name: "a restore goes on where one of two minutes before did", finds: []check{checkBirth},
		batches: batches{at(0, birth(1, sequencer.BirthNew, 0)), at(0, birth(2, sequencer.BirthRestore, 125))},
		forge:   func(f *forged) { f.move(3<<31 - 1) }},
	{name: "a restore goes on beyond what JavaScript can read", finds: []check{checkBirth},
		batches: batches{at(0, birth(1, sequencer.BirthNew, 0)), at(0, birth(2, sequencer.BirthRestore, 0))},
		forge:   func(f *forged) { f.move(1 << 53) }},
	{name: "a new cluster does not begin at 1", finds: []check{checkBirth},
		batches: batches{at(0, birth(1, sequencer.BirthNew, 0))},
		forge:   func(f *forged) { f.move(2) }},
	{name: "the sequence jumps at a birth that was refused", finds: []check{checkFirstSeq},
		batches: batches{at(0, sell()), at(0, birth(1, sequencer.BirthNew, 0))},
		forge:   func(f *forged) { f.move(1 << 31) }},
	{name: "the sequence jumps at a birth again", finds: []check{checkFirstSeq},
		batches: batches{at(0, birth(1, sequencer.BirthNew, 0)), at(0, birth(1, sequencer.BirthNew, 0))},
		forge:   func(f *forged) { f.move(1 << 31) }},
	{name: "a session outlives a restore", finds: []check{checkBatchOnce},
		batches: batches{at(0, birth(1, sequencer.BirthNew, 0)), at(0, session()), at(0, birth(2, sequencer.BirthRestore, 0)),
			at(0, forward(2, 1, 1), nobody())},
		forge: func(f *forged) { f.execute(1<<31+1, 1) }},
	{name: "the level is raised by two steps", finds: []check{checkLevel},
		batches: batches{at(0, level(2), level(4))},
		forge:   func(f *forged) { f.result(2).Code = sequencer.CodeOK }},
	{name: "the level is raised to where it is", finds: []check{checkLevel},
		batches: batches{at(0, level(2), level(2))},
		forge:   func(f *forged) { f.result(2).Code = sequencer.CodeOK }},
	{name: "an outage is taken twice", finds: []check{checkOutage},
		batches: batches{at(0, sell()), at(1, nobody()), at(1, outage(1, 9)), at(9, outage(1, 9))},
		forge:   func(f *forged) { f.result(4).Code = sequencer.CodeOK }},
	{name: "a decision has its neighbour's seq", finds: []check{checkSeq},
		batches: batches{at(0, sell(), nobody(), nobody())},
		forge:   func(f *forged) { f.result(3).Seq = 2 }},
	{name: "a decision told again is its own first", finds: []check{checkReplayedSeq},
		batches: batches{at(0, sell(), keyed(buy("ann", 1)), keyed(buy("ann", 1)))},
		forge:   func(f *forged) { f.result(3).Seq = 3 }},
	{name: "a refusal is told again", finds: []check{checkReplayedSeq},
		batches: batches{at(0, sell(), keyed(buy("ann", 9)), keyed(buy("ann", 9)))},
		forge:   func(f *forged) { f.result(3).Seq, f.result(3).Replayed = 2, true }},
	{name: "a decision told again is none", finds: []check{checkReplayedSeq},
		batches: batches{at(0, sell(), keyed(buy("ann", 1)), keyed(buy("ann", 1)))},
		forge:   func(f *forged) { f.result(3).Seq = 0 }},

	{name: "a command of a refused batch is decided", finds: []check{checkNotTaken},
		batches: batches{at(0, forward(7, 1, 2), nobody(), nobody())},
		forge:   func(f *forged) { f.result(3).Code = sequencer.CodeUnknownOrder }},
	{name: "a command of an executed batch is not taken", finds: []check{checkNotTaken},
		batches: batches{at(0, session(), forward(1, 1, 2), nobody(), nobody())},
		forge:   func(f *forged) { f.result(4).Code = sequencer.CodeNotTaken }},
	{name: "a command of nobody's batch is not taken", finds: []check{checkNotTaken},
		batches: batches{at(0, forward(7, 1, 1), nobody(), nobody())},
		forge:   func(f *forged) { f.result(3).Code = sequencer.CodeNotTaken }},
	{name: "a command that is not taken has an order", finds: []check{checkNotTaken},
		batches: batches{at(0, sell(), buy("ann", 1), forward(7, 1, 1), cancel(2, "ann"))},
		forge:   func(f *forged) { f.show(4, sequencer.CodeNotTaken, 2, sequencer.StateReserved, 1) }},
	{name: "a forward within a batch announces nothing", finds: []check{checkNotTaken},
		batches: batches{at(0, session(), forward(1, 1, 1), forward(1, 2, 1), nobody())},
		forge:   func(f *forged) { f.result(4).Code = sequencer.CodeNotTaken }},
	{name: "a refused batch ends with its block", finds: []check{checkNotTaken},
		batches: batches{at(0, forward(7, 1, 3), nobody()), at(1, nobody())},
		forge:   func(f *forged) { f.result(3).Code = sequencer.CodeNotTaken }},
	{name: "an executed batch ends with its block", finds: []check{checkNotTaken},
		batches: batches{at(0, session(), forward(1, 1, 3), nobody()), at(1, forward(7, 1, 1), nobody())},
		forge:   func(f *forged) { f.result(5).Code = sequencer.CodeUnknownOrder }},

	{name: "a batch is executed twice", finds: []check{checkBatchOnce},
		batches: batches{at(0, session(), forward(1, 1, 1), nobody(), forward(1, 1, 1), nobody())},
		forge:   func(f *forged) { f.execute(4, 1) }},
	{name: "a batch is executed after a later one", finds: []check{checkBatchOnce},
		batches: batches{at(0, session(), forward(1, 4, 1), nobody()), at(1, forward(1, 3, 1), nobody())},
		forge:   func(f *forged) { f.execute(4, 1) }},
	{name: "a batch is executed after it was refused for its number", finds: []check{checkBatchOnce},
		batches: batches{
			at(0, session(), forward(1, 4, 1), nobody(), forward(1, 3, 1), nobody(), forward(1, 4, 1), nobody()),
		},
		forge: func(f *forged) { f.execute(4, 1); f.execute(6, 1) }},
	{name: "a batch is executed for nobody", finds: []check{checkBatchOnce},
		batches: batches{at(0, nobody(), forward(1, 1, 1), nobody())},
		forge:   func(f *forged) { f.execute(2, 1) }},

	{name: "an event before a command that does not exist", finds: []check{checkEventPlace},
		batches: batches{at(0, sell(), buy("ann", 1), pay(2, "ann", 1)), at(5)},
		forge:   func(f *forged) { f.event().Before = 7 }},
	{name: "an event behind one that comes later", finds: []check{checkEventPlace},
		batches: batches{
			at(0, sell(), buy("ann", 1), pay(2, "ann", 1), buy("bob", 1), pay(4, "bob", 1)), at(5, nobody()),
		},
		forge: func(f *forged) { f.last().decisions.Events[0].Before = 1 }},
}

// birth is of a cluster whose id begins with a byte, some seconds after the story's start.
func birth(id byte, cause sequencer.BirthCause, seconds int64) sequencer.Command {
	return sequencer.Command{Kind: sequencer.KindBirth, Key: sequencer.KeyDigest{id}, Amount: storyStart + seconds*int64(time.Second), Count: uint32(cause)}
}

func outage(from, to int64) sequencer.Command {
	return sequencer.Command{Kind: sequencer.KindOutage, Order: uint64(storyStart + from*int64(time.Second)), Amount: storyStart + to*int64(time.Second), Count: 3600}
}

func level(to int64) sequencer.Command {
	return sequencer.Command{Kind: sequencer.KindLevel, Amount: to, Actor: []byte("otto")}
}

// move lets the last block, of one command, begin at another seq.
func (f *forged) move(first uint64) {
	d := &f.last().decisions
	d.FirstSeq, d.Results[0].Seq = first, first
}

func session() sequencer.Command { return sequencer.Command{Kind: sequencer.KindSessionOpen} }

// execute lets a forwarded batch of commands about nobody's order be executed.
func (f *forged) execute(seq uint64, commands uint64) {
	*f.result(seq) = sequencer.Result{Seq: seq, Kind: sequencer.KindForward}
	for next := range commands {
		f.result(seq + 1 + next).Code = sequencer.CodeUnknownOrder
	}
}
