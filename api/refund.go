package api

import (
	"context"
	"fmt"
	"strings"

	"onsale/api/contract"
	"onsale/api/strict"
	"onsale/sequencer"
)

// refund answers POST /v1/orders/{uid}/refund, of all of an order, of q tickets or of those that
// are named: once for a key.
func (p *Private) refund(x *exchange) error { return p.takeBack(x, sequencer.KindRefund) }

// withdraw answers DELETE /v1/orders/{uid}, of all of an order that is not paid or of q tickets: a
// seller's cancel of anybody's order, once for a key.
func (p *Private) withdraw(x *exchange) error { return p.takeBack(x, sequencer.KindWithdraw) }

// takeBack decides a refund or withdraw, and answers with the order as it is then.
func (p *Private) takeBack(x *exchange, kind sequencer.Kind) error {
	if err := x.noBody(); err != nil {
		return err
	}
	view, err := p.order(x)
	if err != nil {
		return err
	}
	key, err := x.key()
	if err != nil {
		return err
	}
	c := sequencer.Command{Kind: kind, Order: view.Seq, Quantity: x.query.Quantity}
	if named := x.query.Tickets; len(named) > 0 {
		if x.query.Has(strict.Quantity) && int(c.Quantity) != len(named) {
			return contract.BadParameter("tickets", fmt.Sprintf("%d tickets are named, and q is %d", len(named), c.Quantity))
		}
		c.Quantity, c.Body = uint8(len(named)), sequencer.AppendTicketNames(nil, named)
	}
	switch {
	case c.Quantity > 0 && key == "": // repeated, it would be another part
		return contract.NewProblem(contract.BadRequest, "a part is given back once for an Idempotency-Key: make one, and send it again with the same request")
	case c.Quantity > 0:
		c.Key = sequencer.DigestKey(x.actor, []byte(key))
	}
	result, err := p.decide(x, &c)
	if err != nil {
		return err
	}
	if after, err := p.orderAt(x, view.Seq, result.Seq); err == nil { // it says what becomes of the money
		view = after
	} else {
		showDecided(&view, &result)
	}
	return x.ok(contract.OrderIn(p.number(), &view))
}

// key returns a request's idempotency key, "" for none.
func (x *exchange) key() (string, error) {
	keys := x.request.Header.Values("Idempotency-Key")
	if len(keys) == 0 {
		return "", nil
	}
	key := keys[0]
	odd := strings.ContainsFunc(key, func(c rune) bool { return c < ' ' || c > '~' })
	if len(keys) > 1 || key == "" || len(key) > sequencer.KeyBytesMax || odd {
		return "", contract.NewProblem(contract.BadRequest, fmt.Sprintf("an idempotency key has 1 to %d printable ASCII characters", sequencer.KeyBytesMax))
	}
	return key, nil
}

// showRefund answers GET /v1/orders/{uid}/refund: the order, which says where its money is.
func (p *Private) showRefund(x *exchange) error {
	view, err := p.order(x)
	if err != nil {
		return err
	}
	return x.ok(contract.OrderIn(p.number(), &view))
}

// acknowledge answers POST /v1/orders/{uid}/acknowledge: a seller has seen that a refund failed.
func (p *Private) acknowledge(x *exchange) error {
	var wanted contract.Acknowledgement
	if err := x.decode(&wanted); err != nil {
		return err
	}
	return p.word(x, &sequencer.Command{Kind: sequencer.KindAcknowledge, Attempt: wanted.Attempt, Part: wanted.Part, Body: []byte(wanted.Reason)})
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
	view, err = p.orderAt(x, at.Seq, max(at.Seq, x.query.AfterSeq))
	if err == nil && (view.Sale != at.Sale || !x.sales.Has(view.SaleID)) {
		err = unknownOrder(view.AsOfSeq)
	}
	return view, err
}

// orderAt returns an order as it is once a seq was decided.
func (p *Private) orderAt(x *exchange, seq, reached uint64) (sequencer.OrderView, error) {
	ctx, cancel := context.WithTimeout(x.request.Context(), p.config.ReadWait)
	defer cancel()
	view, asOf, found, err := p.backend.Order(ctx, seq, reached)
	if err == nil && !found {
		err = unknownOrder(asOf.Seq)
	}
	return view, err
}
