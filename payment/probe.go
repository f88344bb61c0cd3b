package payment

import (
	"context"
	"time"

	"onsale/sequencer"
)

// Probe is what a process sees of its payment provider.
type Probe struct {
	Name string
	// Account is the one that the provider speaks for, NAME/test/ID or NAME/live/ID; "" when it
	// does not say. Accepted is the one that new charges are made under; "" before the first.
	Account, Accepted string
	// Error is why the provider does not answer; "" when it does.
	Error string
	// NoticeAt is when the newest webhook came that was good, since the process' start; nil for
	// none. Webhooks are checked by the node that leads.
	NoticeAt *time.Time
	// BadNotices counts the webhooks that were refused.
	BadNotices uint64
}

// Probe asks the provider for its account and for one line of its books, so that what answers is
// the provider and not what is known of it; nil when there is none. Any node may ask.
func (d *Desk) Probe(ctx context.Context) *Probe {
	if d.provider == nil {
		return nil
	}
	p := &Probe{Name: d.provider.Name(), BadNotices: d.counters.badNotices.Load()}
	if at := d.counters.noticed.Load(); at != 0 {
		noticed := time.Unix(0, at).UTC()
		p.NoticeAt = &noticed
	}
	d.node.Read(func(s sequencer.Reader) { p.Accepted = s.Account() })
	ctx, cancel := context.WithTimeout(ctx, d.config.CallTimeout)
	defer cancel()
	account, err := d.metered.account(ctx, "")
	if p.Account = account; err == nil {
		_, _, err = d.metered.Ledger(ctx, "", 1)
	}
	if err != nil {
		p.Error = err.Error()
	}
	return p
}
