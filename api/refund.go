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
	view, err := p.order(x)
	if err != nil {
		return err
	}
	result, err := p.decide(x, &sequencer.Command{Kind: sequencer.KindRefund, Order: view.Seq})
	if err != nil {
		return err
	}
	showDecided(&view, &result)
	return x.ok(contract.OrderIn(p.number(), &view))
}

// acknowledge answers POST /v1/orders/{uid}/acknowledge: a seller has seen that a refund failed.
func (p *Private) acknowledge(x *exchange) error {
	var wanted contract.Acknowledgement
	if err := x.decode(&wanted); err != nil {
		return err
	}
	if !isReason(wanted.Reason) {
		return badReason()
	}
	view, err := p.order(x)
	if err != nil {
		return err
	}
	result, err := p.decide(x, &sequencer.Command{Kind: sequencer.KindAcknowledge, Order: view.Seq, Body: []byte(wanted.Reason)})
	if err != nil {
		return err
	}
	showDecided(&view, &result)
	view.Acknowledged = view.Failed
	return x.ok(contract.OrderIn(p.number(), &view))
}

// order returns the order that the path names, of whichever buyer.
func (p *Private) order(x *exchange) (view sequencer.OrderView, err error) {
	at, err := contract.PlaceOf([]byte(x.request.PathValue("uid")))
	if err != nil {
		return view, err
	}
	if at.Cluster != p.number() {
		return view, contract.NewProblem(contract.UnknownOrder, fmt.Sprintf("this order is of cluster %d; this is cluster %d", at.Cluster, p.number()))
	}
	ctx, cancel := context.WithTimeout(x.request.Context(), p.config.ReadWait)
	defer cancel()
	view, asOf, found, err := p.backend.Order(ctx, at.Seq, at.Seq)
	if err == nil && (!found || view.Sale != at.Sale) {
		err = contract.NewProblem(contract.UnknownOrder, fmt.Sprintf("there is no such order as of seq %d", asOf.Seq))
	}
	return view, err
}
