package payment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"onsale/sequencer"
)

// Notice takes a provider's webhook: it says which charge to ask about, and nothing
// else is believed. ErrNotice for what the provider did not sign, ErrNoLeader, and ErrOff.
func (d *Desk) Notice(provider, signature string, body []byte) error {
	if err := d.node.Leader(); err != nil {
		return err
	}
	if d.provider == nil {
		return ErrOff
	}
	if provider != d.provider.Name() {
		return fmt.Errorf("%w: the provider here is %s", ErrNotice, d.provider.Name())
	}
	ctx, cancel := context.WithTimeout(d.stop, d.config.CallTimeout) // out of turn: few are about disputes
	defer cancel()
	notice, err := d.provider.Notice(ctx, signature, body, d.config.Clock())
	switch {
	case errors.Is(err, ErrNotice):
		d.counters.badNotices.Add(1)
		return err
	case err != nil: // it is sent again
		return fmt.Errorf("%w: what its webhook is about: %w", ErrNoAnswer, err)
	}
	d.counters.notices.Add(1)
	d.counters.noticed.Store(d.config.Clock().UnixNano())
	if order, ours := d.orderOf(notice.Key); ours {
		d.mu.Lock()
		if r, waiting := d.retries[order]; waiting {
			r.at = time.Time{}
			d.retries[order] = r
		}
		d.mu.Unlock()
		d.Wake()
		d.lookSoon(order, notice.Disputed)
	}
	return nil
}

// orderOf returns the order that a charge's key names; false for one that is nothing of
// this cluster's: by its number, its births, or the order's sale.
func (d *Desk) orderOf(key string) (seq uint64, ours bool) {
	p, err := sequencer.ParsePaymentRef([]byte(key))
	if err != nil || p.Seq>>sequencer.ClusterShift != uint64(d.config.Number()) {
		return 0, false
	}
	seq = p.Seq & (1<<sequencer.ClusterShift - 1)
	view, known := d.order(seq)
	return seq, known && view.Birth == p.Birth && view.Sale == p.Sale
}
