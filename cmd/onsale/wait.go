package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"onsale/api/client"
	"onsale/api/contract"
	"onsale/sequencer"
)

// Some commands are decided before their outcome is known: the payment provider has not
// answered yet, or money is on its way back. They say so, and --wait lets them wait for it.

// errUndecided is returned when a command was taken and its outcome is not known yet.
var errUndecided = errors.New("no outcome yet")

// waitMaxDefault outlasts a payment's grace, after which every attempt has its outcome when the
// provider can be reached, but for one that waits for its buyer.
const waitMaxDefault = 15 * time.Minute

// patience is whether a command waits for its outcome, and how long.
type patience struct {
	wait bool
	most time.Duration
}

func (w *patience) flags(f *pflag.FlagSet) {
	f.BoolVar(&w.wait, "wait", false, "wait until the outcome is known")
	f.DurationVar(&w.most, "wait-max", waitMaxDefault, "how long --wait waits; what has no outcome then exits with 5")
}

// lifetime is how long a token that is made for the command is good.
func (w *patience) lifetime() time.Duration {
	if w.wait {
		return time.Minute + w.most
	}
	return time.Minute
}

// bound ends a context with the patience.
func (w *patience) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	if !w.wait {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, w.most)
}

// pay pays an order, and waits for what comes of it. When the answer was lost it asks again:
// an order is never charged twice. asked is told what the buyer must do meanwhile.
func (w *patience) pay(ctx context.Context, buyer *client.Client, uid, method string, asked func(*contract.NextAction)) (*contract.Payment, error) {
	ctx, cancel := w.bound(ctx)
	defer cancel()
	for unknown := false; ; {
		paid, err := buyer.Pay(ctx, uid, method)
		switch {
		case err == nil && paid.IsPending() && w.wait:
			if paid.NextAction != nil {
				asked(paid.NextAction)
			}
			return awaitPayment(ctx, buyer, paid)
		case err == nil:
			return paid, nil
		}
		unknown = unknown || errors.Is(err, sequencer.ErrOutcomeUnknown)
		if !w.wait || !unknown || exitCode(err) != 4 && exitCode(err) != 5 {
			return nil, err
		}
		select {
		case <-time.After(client.Pause(err)):
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", errUndecided, err)
		}
	}
}

// awaitPayment returns what came of a payment that is under way, or that nothing has yet.
func awaitPayment(ctx context.Context, buyer *client.Client, pending *contract.Payment) (*contract.Payment, error) {
	order, err := buyer.AwaitOrder(ctx, pending.Order, func(o *contract.Order) bool { return o.State != sequencer.StatePaying.String() })
	switch {
	case order == nil && ctx.Err() != nil:
		return pending, nil
	case order == nil || err != nil && ctx.Err() == nil:
		return pending, fmt.Errorf("%w: %w", errUndecided, err)
	}
	paid := contract.PaymentShown(order)
	return &paid, nil
}

// verdict is the error of a payment that was not accepted.
func verdict(paid *contract.Payment) error {
	switch {
	case paid.Status == contract.PaymentAccepted:
		return nil
	case paid.NextAction != nil:
		return fmt.Errorf("%w: the buyer of order %s must authenticate first (%s); pay again with the same method to look, or with another",
			errUndecided, paid.Order, paid.NextAction)
	case paid.IsPending():
		return fmt.Errorf("%w: the payment of order %s is under way and may still be taken; look with `onsale order get`, "+
			"or pay again with the same method (--wait waits): an order is never charged twice", errUndecided, paid.Order)
	}
	return fmt.Errorf("%w: %s, %s", errRefused, paid.Status, paid.Reason)
}

// refund takes a paid order back, and waits for its money to be back.
func (w *patience) refund(ctx context.Context, seller *client.Seller, uid string, part *some) (*contract.Order, error) {
	order, err := part.do(func() (*contract.Order, error) { return seller.RefundOrder(ctx, uid) },
		func(tickets uint8, key string) (*contract.Order, error) {
			if len(part.named) > 0 {
				return seller.RefundNamed(ctx, uid, part.numbers(), key)
			}
			return seller.RefundTickets(ctx, uid, tickets, key)
		})
	if err != nil || !w.wait || order.MoneyBack != contract.MoneyDue {
		return order, err
	}
	ctx, cancel := w.bound(ctx)
	defer cancel()
	later, err := seller.AwaitRefund(ctx, uid)
	if later != nil {
		order = later
	}
	if err != nil && ctx.Err() == nil {
		return order, fmt.Errorf("%w: %w", errUndecided, err)
	}
	return order, nil
}

// moneyBack is the error of a refund whose money is not back; who does not wait is told alone.
func (w *patience) moneyBack(p *program, order *contract.Order) error {
	switch {
	case order.MoneyBack == contract.MoneyFailed:
		return fmt.Errorf("%w: the order is %s, and its money could not be sent back (%s): find another way", errRefused, order.State, order.MoneyBackReason)
	case order.MoneyBack != contract.MoneyDue:
		return nil
	case w.wait:
		return fmt.Errorf("%w: the order is %s, and its money is still on its way back; it is sent until the provider has it, the same command looks again", errUndecided, order.State)
	}
	fmt.Fprintln(p.err, "the money is on its way back; --wait waits until it is there")
	return nil
}

// settled waits until no payment of a sale is under way and no money of it is due.
func (w *patience) settled(ctx context.Context, p *program, seller *client.Seller, sale *contract.SaleDetail) (*contract.SaleDetail, error) {
	due := func() int {
		if sale.UnsettledOrders == nil {
			return 0
		}
		return *sale.UnsettledOrders
	}
	if !w.wait {
		if due() > 0 {
			fmt.Fprintf(p.err, "%d orders wait for the payment provider; --wait waits until their money is back\n", due())
		}
		return sale, nil
	}
	ctx, cancel := w.bound(ctx)
	defer cancel()
	later, err := seller.AwaitSettled(ctx, sale.ID)
	if later != nil {
		sale = later
	}
	if err != nil {
		return sale, fmt.Errorf("%w: the sale is %s, and %d orders wait for the payment provider (%w)", errUndecided, sale.Status, due(), err)
	}
	return sale, nil
}
