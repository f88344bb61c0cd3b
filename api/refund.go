package api

import (
	"context"
	"fmt"

	"onsale/api/contract"
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
		return contract.NewProblem(contract.UnknownOrder, fmt.Sprintf("there is no such order as of seq %d", asOf.Seq))
	}
	result, err := p.decide(x, &sequencer.Command{Kind: sequencer.KindRefund, Order: at.Seq})
	if err != nil {
		return err
	}
	showDecided(&view, &result)
	return x.ok(contract.OrderIn(p.number(), &view))
}
