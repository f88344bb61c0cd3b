package main

import (
	"context"
	"time"

	"onsale/api/client"
	"onsale/api/contract"
)

// endedWithin is within what the product ends a payment whose deadline is over: it asks the
// provider again at once, and after a failure with a pause of at most 10 s; an attempt of which
// the provider has no answer is given up after 15 s.
const endedWithin = 45 * time.Second

// payingUntil is until when an order may be paying, as it says itself: its hold, which is longer
// after a call that failed, and the grace of its sale. The zero time is for one that says nothing.
func payingUntil(o *contract.Order) time.Time {
	if o.ExpiresAt == nil {
		return time.Time{}
	}
	return o.ExpiresAt.Add(saleGrace)
}

// isStuck reports whether at a time an order is paying whose deadline, and the time to end it, are
// over.
func isStuck(o *contract.Order, at time.Time) bool {
	return at.After(payingUntil(o).Add(endedWithin))
}

// deadline is the payment that ends last of those that are open.
type deadline struct {
	order string
	until time.Time // the zero time when nobody is paying
}

// latest asks all sales for the orders that are paying.
func (r *run) latest(ctx context.Context) (last deadline, err error) {
	seller := r.seller.at()
	for cursor := ""; ; {
		page, err := seller.Sales(ctx, 0, cursor)
		if err != nil {
			return last, err
		}
		for i := range page.Sales {
			if err := last.look(ctx, seller, page.Sales[i].ID); err != nil {
				return last, err
			}
		}
		if cursor = page.Cursor; !page.HasMore {
			return last, nil
		}
	}
}

// look takes the orders of a sale into account that are paying.
func (d *deadline) look(ctx context.Context, seller *client.Seller, sale string) error {
	for o, err := range seller.AllOrders(ctx, sale, client.OrderFilter{State: statePaying}) {
		if err != nil {
			return err
		}
		if until := payingUntil(o); until.After(d.until) {
			*d = deadline{o.UID, until}
		}
	}
	return nil
}

// waits says why the end waits, and until when; once for each deadline.
func (r *run) waits(said *reconciliation, last deadline) {
	if time.Since(last.until) > endedWithin || last == r.waited {
		return
	}
	r.waited = last
	r.log("%d orders are not settled; %s may be paying until %s, by its own hold and grace: the end waits until then, and %v more",
		said.Unsettled, last.order, last.until.Local().Format("15:04:05"), endedWithin)
}
