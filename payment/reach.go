package payment

import (
	"errors"
	"sync"
	"time"

	"onsale/sequencer"
)

// While the provider cannot be reached nobody can pay, and nobody's hour runs: the leader's
// desk stops the clock of holds (sequencer.KindHoldStop) when the calls for several orders
// failed for a while, and lets it go on when one succeeds again. A decline is an answer, and
// so is a provider's word that it has too much to do.
//
// What if we die here? Whether the clock is stopped is in the log: the next leader's desk
// finds it so, asks the provider, and lets it go on. A command whose answer is lost is given
// again, and stopping what is stopped changes nothing.

// unreachedOrdersMin is for how many orders calls must have failed: one may be the order's
// own fault.
const unreachedOrdersMin = 2

// reach is whether the provider is reached by the calls of this desk.
type reach struct {
	mu     sync.Mutex
	since  time.Time           // when the first call failed since the last answer; zero for none
	orders map[string]struct{} // uids of orders whose calls failed since, unreachedOrdersMin at most
	answer bool                // the last call was answered
}

// note takes in a call for an order, "" for none, that began at a time.
func (r *reach) note(order string, began time.Time, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = isAnswer(err) || errors.Is(err, ErrThrottled)
	if r.answer {
		r.since, r.orders = time.Time{}, nil
		return
	}
	if r.since.IsZero() {
		r.since, r.orders = began, map[string]struct{}{}
	}
	if order != "" && len(r.orders) < unreachedOrdersMin {
		r.orders[order] = struct{}{}
	}
}

// lost reports whether calls for several orders failed for as long.
func (r *reach) lost(now time.Time, after time.Duration) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.orders) >= unreachedOrdersMin && now.Sub(r.since) >= after
}

// answered reports whether the last call was answered.
func (r *reach) answered() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.answer
}

// forget begins anew.
func (r *reach) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.since, r.orders, r.answer = time.Time{}, nil, false
}

// probeKey is what the provider is asked about while the clock is stopped: a key that no
// attempt has.
const probeKey = "onsale-is-anybody-there"

// watchReach stops the clock of holds while nobody can pay, and lets it go on. The way out of
// this node alone may be broken: before it stops the clock another one is let lead, which finds
// out for itself. Where none can lead now, that is tried again while the clock is stopped.
//
// Who has no provider waits for none: the clock that an earlier one left stopped goes on.
func (d *Desk) watchReach() {
	var stopped, live bool
	d.node.Read(func(s sequencer.Reader) { stopped, live = s.HoldsStopped(), s.HoldsLive() })
	reach := &d.metered.reach
	lost := reach.lost(d.config.Clock(), d.config.UnreachableAfter)
	switch {
	case !stopped && live && lost:
		if d.letLead() {
			return
		}
		if d.moveClock(sequencer.Command{Kind: sequencer.KindHoldStop, Count: uint32(d.config.StopMax / time.Second)}) {
			d.config.Logger.Error("the payment provider cannot be reached: the holds' clock is stopped", "for", d.config.UnreachableAfter.String())
		}
	case stopped && d.provider != nil && !reach.answered():
		d.probe()
		if lost {
			d.letLead()
		}
	case stopped:
		if d.moveClock(sequencer.Command{Kind: sequencer.KindHoldGo}) {
			d.config.Logger.Info("the payment provider is reached again: the holds' clock goes on")
			reach.forget()
		}
	}
}

// letLeadPause lies between two attempts to let another node lead.
const letLeadPause = time.Minute

// letLead lets another node lead, if one can, and reports whether one does.
func (d *Desk) letLead() bool {
	now := d.config.Clock()
	if now.Before(d.letLeadAt) {
		return false
	}
	d.letLeadAt = now.Add(letLeadPause)
	if !d.config.HandOver() {
		return false
	}
	d.metered.reach.forget() // should this node lead again, it finds out anew
	return true
}

func (d *Desk) moveClock(c sequencer.Command) bool {
	result, err := d.node.Decide(&c)
	if err != nil && !isStopping(err) {
		d.config.Logger.Warn("the holds' clock could not be stopped or let go on; it is tried again", "error", err)
	}
	return err == nil && result.Code == sequencer.CodeOK
}

// probe asks the provider something, now and then, in case that no order is being paid.
func (d *Desk) probe() {
	now := d.config.Clock()
	if now.Before(d.probeAt) {
		return
	}
	d.probeAt = now.Add(d.config.CallTimeout)
	d.finished.Go(func() {
		_, _ = d.calls.Lookup(d.stop, probeKey) // noted by metered
	})
}
