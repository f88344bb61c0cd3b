package simulation

import (
	"reflect"

	"onsale/payment"
	"onsale/sequencer"
	"onsale/sequencer/scenario"
)

// finish lets all faults end: a leader commits what there is, every replica catches up,
// every payment is settled. Then everything is compared once more.
func (w *world) finish() error {
	if w.leader == nil {
		return nil
	}
	if err := w.heal(); err != nil {
		return err
	}
	for _, key := range w.provider.keys { // what was left open has its outcome now
		if w.provider.settle(key, payment.Authorised) {
			w.seen.Authenticated++
		}
	}
	if err := w.settleBounced(); err != nil {
		return err
	}
	w.clock = max(w.clock, w.leader.machine.Now()-w.leader.skew) + 365*24*3600*1000*millisecond
	if err := w.round(); err != nil { // what is reserved expires
		return err
	}
	for _, r := range w.replicas {
		if err := w.checkAll(r); err != nil {
			return err
		}
	}
	w.ledger.Finish()
	if found := w.ledger.Findings(); len(found) > 0 {
		return violated(propertyOf[found[0].Kind], "%s", found[0].String())
	}
	return w.reconcile(w.leader)
}

// heal gives office to whoever has the newest log.
func (w *world) heal() error {
	for _, r := range w.replicas {
		term := w.term
		if err := w.elect(r, 0); err != nil {
			return err
		}
		if w.term != term {
			break
		}
	}
	return w.round()
}

// round commits a batch and has every replica decide all that there is.
func (w *world) round() error {
	w.propose(w.leader)
	for range 2 { // the second tells what is committed
		for _, r := range w.replicas {
			if err := w.replicate(w.leader, r, 1<<30, false); err != nil {
				return err
			}
			for r.applied < r.commit {
				if err := r.apply(false); err != nil {
					return err
				}
			}
		}
	}
	if w.leader.commit != w.leader.last() {
		return violated("L1", "index %d is not committed with all replicas up, only %d is", w.leader.last(), w.leader.commit)
	}
	return nil
}

// settleRoundsMax bounds how often the desk looks: an order has at most AttemptsMax
// attempts, each of which is cancelled, captured or given back once.
const settleRoundsMax = 3 * sequencer.AttemptsMax

func (w *world) settleAll() error {
	for range settleRoundsMax {
		for {
			views := w.leader.machine.Unsettled(0, 1<<20)
			if len(views) == 0 {
				return nil
			}
			for i := range min(len(views), unsettledPage) {
				if err := w.settleAtLast(&views[i]); err != nil {
					return err
				}
			}
			if len(views) <= unsettledPage {
				break
			}
			if err := w.round(); err != nil {
				return err
			}
		}
		if err := w.round(); err != nil {
			return err
		}
	}
	return violated("P6", "%d orders cannot be settled", len(w.leader.machine.Unsettled(0, 1<<20)))
}

// settleBounced settles all, and what fails of that once more.
func (w *world) settleBounced() error {
	for range settleRoundsMax {
		if err := w.settleAll(); err != nil {
			return err
		}
		moved := false
		for _, key := range w.provider.keys {
			w.changeKey(key.account) // each account's key is back once more
			moved = w.look(w.leader, key.order) || moved
		}
		if err := w.round(); err != nil {
			return err
		}
		if !moved {
			return nil
		}
	}
	return violated("P6", "money that went back is in the books again each time that it is sent")
}

// checkAll compares a whole replica with the log, the model and what clients know.
func (w *world) checkAll(r *replica) error {
	if err := r.machine.Verify(); err != nil {
		return violated("P1", "%v: %v", r, err)
	}
	if last := &w.history[len(w.history)-1]; r.applied != uint64(len(w.history)) || r.machine.Hash() != last.hash {
		return violated("P8", "%v ends at index %d with hash %016x, the log at %d with %016x", r, r.applied, r.machine.Hash(), len(w.history), last.hash)
	}
	for number := range w.sales {
		if err := w.checkCounts(r, uint16(number+1)); err != nil {
			return err
		}
	}
	if err := w.checkTickets(r); err != nil {
		return err
	}
	users := map[string]bool{}
	for _, q := range w.told {
		if err := w.checkStill(r, q); err != nil {
			return err
		}
		if q.command.Kind == sequencer.KindBuy {
			users[string(q.command.User)] = true
		}
	}
	for user := range users {
		if err := w.checkCaps(r, []byte(user)); err != nil {
			return err
		}
	}
	return w.compareOrders(r)
}

// compareOrders compares every order with the model's.
func (w *world) compareOrders(r *replica) error {
	if w.model == nil || r != w.leader { // the others have its hash
		return nil
	}
	for seq := range w.model.Seq() + 2 {
		got, known := r.machine.Order(seq)
		if want, wanted := w.model.Order(seq); known != wanted || !reflect.DeepEqual(got, want) {
			return violated("rules", "order %d:\n  got  %+v\n  want %+v", seq, got, want)
		}
		for attempt := uint8(1); attempt <= got.Attempts; attempt++ {
			if is, want := r.machine.AccountOf(seq, attempt), w.model.AccountOf(seq, attempt); is != want {
				return violated("rules", "attempt %d of order %d is under account %q, want %q", attempt, seq, is, want)
			}
		}
	}
	return nil
}

// rulesScenario writes the committed log as a scenario of package sequencer, when it
// alone is decided otherwise than the rules say; "" when it takes a cluster to fail.
func (w *world) rulesScenario() string {
	fails := func(batches []sequencer.Batch) bool { return againstRules(batches) != nil }
	batches := w.batches()
	if !fails(batches) {
		return ""
	}
	return scenario.Of(scenario.Shrink(batches, shrinkUntil(), fails), w.keyNames())
}

// batches returns the committed log, as far as it was decided and can be read.
func (w *world) batches() (batches []sequencer.Batch) {
	for i := range w.history {
		var b sequencer.Batch
		if data := w.history[i].entry.data; data != nil && sequencer.DecodeBatch(data, &b) == nil {
			batches = append(batches, b)
		}
	}
	return batches
}
