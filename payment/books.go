package payment

import (
	"context"

	"onsale/sequencer"
)

// readBooks calls each for every charge in the provider's books.
func (d *Desk) readBooks(ctx context.Context, each func(*Entry)) error {
	for cursor := ""; ; {
		entries, next, err := d.calls.Ledger(ctx, cursor, comparePage)
		if err != nil {
			return err
		}
		for i := range entries {
			each(&entries[i])
		}
		if cursor = next; cursor == "" {
			return nil
		}
	}
}

// hasMoney reports whether a charge holds money, took some that is not back, or still may.
func (e *Entry) hasMoney() bool {
	switch e.Phase {
	case Processing, Authorised:
		return true
	}
	return e.CapturedAmount > e.RefundedAmount
}

// births are the ids of a cluster's births.
type births struct {
	ids    map[string]bool
	newest string
}

func (d *Desk) births() births {
	b := births{ids: map[string]bool{}}
	d.node.Read(func(s sequencer.Reader) {
		for _, birth := range s.Births() {
			b.newest = birth.Cluster.String()
			b.ids[b.newest] = true
		}
	})
	return b
}

// have reports whether a charge is of one of the births: as it says itself, or by its key,
// because a charge that we should not have made so is a difference too.
func (b *births) have(c *Charge) bool {
	p, err := sequencer.ParsePaymentRef([]byte(c.Key))
	return b.ids[c.Birth] || err == nil && b.ids[p.Birth.String()]
}
