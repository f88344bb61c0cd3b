package api

import (
	"context"
	"net/http"
	"time"

	"onsale/api/contract"
)

// reconcileTimeout bounds reading all books and orders: Stripe gives 100 charges in an
// answer, so 100,000 are a thousand requests, and two rounds when something differs.
const reconcileTimeout = 15 * time.Minute

// reconcile answers GET /v1/payments/reconciliation: the provider's books against the
// orders. It may take a while: all of both are read.
func (p *Private) reconcile(x *exchange) error {
	if p.payments == nil {
		return contract.ErrPaymentsOff
	}
	ctx, cancel := context.WithTimeout(x.request.Context(), reconcileTimeout)
	defer cancel()
	// A writer without deadlines, of a test, needs none.
	_ = http.NewResponseController(x.writer).SetWriteDeadline(time.Now().Add(reconcileTimeout + privateWriteTimeout))
	found, err := p.payments.Reconcile(ctx)
	if err != nil {
		return err
	}
	return x.ok(found)
}
