package api

import "onsale/api/contract"

// reconcile answers GET /v1/payments/reconciliation: the provider's books against the
// orders. It may take a while: all of both are read.
func (p *Private) reconcile(x *exchange) error {
	if p.payments == nil {
		return contract.ErrPaymentsOff
	}
	found, err := p.payments.Reconcile(x.request.Context())
	if err != nil {
		return err
	}
	return x.ok(found)
}
