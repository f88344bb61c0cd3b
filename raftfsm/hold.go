package raftfsm

import (
	"sync/atomic"
	"time"

	"onsale/sequencer"
)

// hold is whether a leader takes buys. While storage is low it takes none, and everything
// else: payments, outcomes, cancellations, sellers' commands, and time. Nothing of it is in
// the log: a buy that is refused has no place in the order, and replicas need not agree.
//
// What was queued when a hold began is still decided; that is bounded by the inbox.
type hold struct {
	why     atomic.Pointer[held]
	refused atomic.Uint64
}

// held is why, and since when.
type held struct {
	why   error
	since time.Time
}

// HoldBuys refuses buys from now on with an error, while this node leads; nil takes them
// again. It may be called at any time.
func (n *Node) HoldBuys(why error) {
	if why == nil {
		n.hold.why.Store(nil)
		return
	}
	since := time.Now().UTC().Truncate(time.Millisecond)
	if before := n.hold.why.Load(); before != nil {
		since = before.since
	}
	n.hold.why.Store(&held{why, since})
}

// BuysHeld returns since when buys are refused, and why; nil while they are not.
func (n *Node) BuysHeld() (since time.Time, why error) {
	if is := n.hold.why.Load(); is != nil {
		return is.since, is.why
	}
	return time.Time{}, nil
}

// refuse returns why a command is not taken.
func (h *hold) refuse(kind sequencer.Kind) error {
	is := h.why.Load()
	if is == nil || kind != sequencer.KindBuy {
		return nil
	}
	h.refused.Add(1)
	return is.why
}

// refuseMany returns why encoded commands are not taken: whole, when there is a buy among
// them. A batch that was executed before is: it is told what it came to, and nothing of it
// is decided again.
func (h *hold) refuseMany(frames []byte, m *machine) error {
	is := h.why.Load()
	if is == nil {
		return nil
	}
	buys := sequencer.CountKind(frames, sequencer.KindBuy)
	if buys == 0 {
		return nil
	}
	if session, number, _, ok := sequencer.ParseForward(frames); ok && m.executed(session) >= number {
		return nil
	}
	h.refused.Add(uint64(buys))
	return is.why
}

// executed returns the number of the newest batch of a session that was executed here.
func (m *machine) executed(session uint64) (number uint64) {
	m.read(func(s *sequencer.State) { number = s.SessionNumber(session) })
	return number
}
