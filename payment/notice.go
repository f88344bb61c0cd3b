package payment

import (
	"fmt"
	"time"

	"onsale/sequencer"
)

// Notice takes a provider's webhook: it says which charge to ask about, and nothing
// else is believed. ErrNotice for what the provider did not sign, and ErrNoLeader.
func (d *Desk) Notice(provider, signature string, body []byte) error {
	if err := d.node.Leader(); err != nil {
		return err
	}
	if provider != d.provider.Name() {
		return fmt.Errorf("%w: the provider here is %s", ErrNotice, d.provider.Name())
	}
	key, err := d.provider.Notice(signature, body, d.config.Clock())
	if err != nil {
		d.counters.badNotices.Add(1)
		return err
	}
	d.counters.notices.Add(1)
	_, seq, _, err := sequencer.ParsePaymentRef([]byte(key))
	if err != nil || seq>>sequencer.ClusterShift != uint64(d.config.Number()) {
		return nil // about nothing of ours
	}
	d.mu.Lock()
	if r, waiting := d.retries[seq&(1<<sequencer.ClusterShift-1)]; waiting {
		r.at = time.Time{}
		d.retries[seq&(1<<sequencer.ClusterShift-1)] = r
	}
	d.mu.Unlock()
	d.Wake()
	return nil
}
