package payment

import "onsale/sequencer"

// drop forgets the retries of orders that are settled.
func (d *Desk) drop(unsettled map[uint64]bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for order := range d.retries {
		if _, still := unsettled[order]; !still {
			delete(d.retries, order)
		}
	}
}

// turn reports whether it is time to ask about an order, and says when the next time
// is.
func (d *Desk) turn(v *sequencer.OrderView) bool {
	now := d.config.Clock()
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.retryOf(v.Seq, v.Attempts)
	if r.awaiting && v.Overdue && !r.hurried {
		r.hurried, r.at, r.pause = true, now, d.config.SettleInterval
	}
	if now.Before(r.at) {
		return false
	}
	r.at = now.Add(r.pause)
	most := d.config.RetryPauseMax
	switch {
	case r.denied: // somebody has to do something about it first
		most *= deniedPauses
	case r.awaiting && !r.hurried:
		most *= awaitingPauses
	}
	r.pause = min(2*r.pause, most)
	d.retries[v.Seq] = r
	return true
}

// setUnreached notes that an attempt failed through no fault of its buyer's.
func (d *Desk) setUnreached(order uint64, attempt uint8) {
	d.editRetry(order, attempt, func(r *retry) { r.unreached = !r.awaiting })
}

// setWaited notes that the provider was asked first after the attempt had waited in the line.
func (d *Desk) setWaited(order uint64, attempt uint8) {
	d.editRetry(order, attempt, func(r *retry) { r.waited = true })
}

// editRetry changes what is remembered of an attempt, from now on when nothing was.
func (d *Desk) editRetry(order uint64, attempt uint8, change func(*retry)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.retryOf(order, attempt)
	change(&r)
	d.retries[order] = r
}

// retryOf returns what is remembered of an attempt, from now on when nothing was. The caller
// holds the lock.
func (d *Desk) retryOf(order uint64, attempt uint8) retry {
	if r, known := d.retries[order]; known && r.attempt == attempt {
		return r
	}
	return retry{attempt: attempt, since: d.config.Clock(), pause: d.config.SettleInterval}
}

// deniedPauses is how many times as long as RetryPauseMax the pause may be before the provider
// is asked again about money that it denies to have.
const deniedPauses = 6

// setDenied notes that the provider denies what is due. It is so until the order is settled.
func (d *Desk) setDenied(order uint64, attempt uint8) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r, known := d.retries[order]; known && r.attempt == attempt {
		r.denied = true
		d.retries[order] = r
	}
}

func (d *Desk) isUnreached(v *sequencer.OrderView) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	r, known := d.retries[v.Seq]
	return known && r.attempt == v.Attempts && r.unreached
}

func (d *Desk) isCancelling(v *sequencer.OrderView) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	r, known := d.retries[v.Seq]
	return known && r.attempt == v.Attempts && r.cancelling
}

func (d *Desk) setCancelling(v *sequencer.OrderView) {
	d.editRetry(v.Seq, v.Attempts, func(r *retry) { r.cancelling = true })
}

// soon lets an order be settled on at once.
func (d *Desk) soon(order uint64) {
	d.mu.Lock()
	delete(d.retries, order)
	d.mu.Unlock()
	d.Wake()
}
