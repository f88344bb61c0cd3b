package raftfsm

import (
	"time"

	"onsale/sequencer"
	"onsale/sequencer/inbox"
)

// While a hold lives, a leader commits a batch every half of OutageGrace at least, an empty
// one when nobody asks for anything. So a longer gap in the log's time is an outage, in which
// nobody could pay, and no quiet hour. Whoever leads next, or still, commits first that it
// was one, and the holds get its time back (sequencer.KindOutage).
//
// What if we die here? The outage is in the log, which goes on where it ended, or it is not,
// and the next leader finds it from its beginning, and longer. It is never taken twice: it is
// refused unless it begins where the log is.

// outageOf returns the batch that says that nobody led between two times of the log.
func outageOf(from, to int64, most time.Duration) []byte {
	c := sequencer.Command{Kind: sequencer.KindOutage, Order: uint64(from), Amount: to, Count: uint32(most / time.Second)}
	return sequencer.AppendCommand(make([]byte, sequencer.BatchHeaderBytes), &c)
}

// sayOutages says the outage that there is since the log's last time, and the one that comes
// while it is stored, and returns the stamp of the batch behind them: ErrStopping when this node
// stops, and who leads when raft does not take an outage. The batch behind it is not sent then.
func (b *batcher) sayOutages() (now int64, err error) {
	for said := int64(-1); ; {
		drained, going := b.drain()
		_, from, _ := b.machine.stateHash()
		switch {
		case !going:
			return 0, sequencer.ErrStopping
		case !drained || from == said:
			return 0, b.leaderError()
		case said >= 0:
			b.noteOutage(said, from)
		}
		if now = b.clock.stamp(); !b.isOutage(from, now) {
			return now, nil
		}
		outage := &inbox.Chunk{Data: outageOf(from, now, b.outageMax), Count: 1, Since: time.Now()}
		if !b.put(outage, from) { // its stamp is the log's last time, so that nothing falls due before it
			return 0, sequencer.ErrStopping
		}
		said = from
	}
}

// drain waits until nothing is under way: then the state's time is the log's. What is under way
// may be refused by raft, or have waited in front of raft since an office before: that goes into
// the log with the stamp of then. drained is false when the office is lost meanwhile, and going
// when this node stops.
func (b *batcher) drain() (drained, going bool) {
	for len(b.inFlight) > 0 {
		select {
		case <-b.answered:
		case <-time.After(watchInterval):
			if !b.leading.Load() {
				return false, true
			}
		case <-b.stop:
			return false, false
		}
	}
	return true, true
}

// isOutage reports whether nobody led for so long, while a hold lives, that it is to be said.
func (b *batcher) isOutage(from, to int64) bool {
	return to-from > int64(b.outageGrace) && b.machine.holdsLive()
}

// noteOutage notes an outage that is in the log: this leader is the first of its office to send
// something, or it was suspended, or its disk hung.
func (b *batcher) noteOutage(from, to int64) {
	b.counters.outages.Add(1)
	b.counters.outageTime.Add(uint64(to - from))
	b.logger.Warn("nobody led for a time in which holds were running; they get it back",
		"outage", time.Duration(to-from).String(), "from", time.Unix(0, from).UTC().Format(time.RFC3339Nano))
}
