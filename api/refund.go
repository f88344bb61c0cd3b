package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"onsale/api/contract"
	"onsale/payment"
	"onsale/sequencer"
)

// refund answers POST /v1/orders/{uid}/refund.
func (p *Private) refund(x *exchange) error {
	if err := x.noBody(); err != nil {
		return err
	}
	at, err := contract.PlaceOf([]byte(x.request.PathValue("uid")))
	if err != nil {
		return err
	}
	if at.Cluster != p.number() {
		return contract.NewProblem(contract.UnknownOrder, fmt.Sprintf("this order is of cluster %d; this is cluster %d", at.Cluster, p.number()))
	}
	ctx, cancel := context.WithTimeout(x.request.Context(), p.config.ReadWait)
	defer cancel()
	view, asOf, found, err := p.backend.Order(ctx, at.Seq, at.Seq)
	if err != nil {
		return err
	}
	if !found || view.Sale != at.Sale {
		return contract.NewProblem(contract.UnknownOrder, fmt.Sprintf("there is no such order as of seq %d", asOf))
	}
	result, err := p.decide(x, &sequencer.Command{Kind: sequencer.KindRefund, Order: at.Seq})
	if err != nil {
		return err
	}
	view.State, view.Quantity, view.Position, view.AsOfSeq = result.State, result.Quantity, result.Position, result.Seq
	return x.ok(contract.OrderIn(p.number(), &view))
}

// reconcileTimeout bounds reading all books and orders: Stripe gives 100 charges in an
// answer, so 100,000 are a thousand requests, and two rounds when something differs.
const reconcileTimeout = 15 * time.Minute

// reconcile answers GET /v1/payments/reconciliation: the provider's books against the
// orders. It may take a while: all of both are read.
func (p *Private) reconcile(x *exchange) error {
	if p.payments == nil {
		return payment.ErrOff
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
