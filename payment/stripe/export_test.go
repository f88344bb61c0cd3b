package stripe

import (
	"context"
	"net"

	"onsale/payment"
)

// DialBy lets the provider reach Stripe by another network, before it speaks for the first time.
func (p *Provider) DialBy(dial func(ctx context.Context, network, address string) (net.Conn, error)) {
	p.transport.DialContext = dial
}

// Requests returns each single request about an intent, for tests.
func (p *Provider) Requests(ctx context.Context, c payment.Charge, id string) map[string]func() error {
	return map[string]func() error{
		"create request":   func() error { _, err := p.create(ctx, c); return err },
		"search request":   func() error { _, err := p.search(ctx, c); return err },
		"retrieve request": func() error { _, err := p.fetch(ctx, c, id); return err },
		"confirm request":  func() error { _, err := p.confirm(ctx, c, id, "pm_card_visa"); return err },
		"void request":     func() error { return p.void(ctx, id) },
		"refund request":   func() error { return p.refund(ctx, c, id, 1) },
		"capture request":  func() error { _, err := p.capture(ctx, c, id, c.Amount-1); return err },
		"part request": func() error {
			_, err := p.refundPart(ctx, c, id, payment.Part{Number: 1, Refund: 1, Amount: 1}, 0)
			return err
		},
		"refunds request": func() error { _, err := p.refundsOf(ctx, id); return err },
	}
}
