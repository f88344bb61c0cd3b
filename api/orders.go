package api

import (
	"context"
	"fmt"

	"onsale/api/contract"
	"onsale/sequencer"
)

// orders answers GET /v1/orders: the caller's orders by seq.
func (p *Public) orders(r *request) error {
	if err := p.buyer(r, parameterLimit|parameterCursor|parameterPretty); err != nil {
		return err
	}
	after := uint64(0)
	if len(r.query.cursor) > 0 {
		_, seq, err := sequencer.ParseUID(r.query.cursor)
		if err != nil {
			return contract.BadParameter("cursor", "cursor must be what the previous page said")
		}
		after = seq
	}
	page := contract.OrderPage{Orders: []contract.Order{}, AsOfSeq: p.backend.AppliedSeq()}
	views := p.backend.OrdersOf(r.who.User, after, r.query.limit+1)
	if page.HasMore = len(views) > r.query.limit; page.HasMore {
		views = views[:r.query.limit]
		page.Cursor = views[len(views)-1].UID()
	}
	for i := range views {
		page.Orders = append(page.Orders, contract.OrderOf(&views[i]))
	}
	r.sendJSON(200, contract.DecisionMediaType, &page)
	return nil
}

// order answers GET /v1/orders/{uid}.
func (p *Public) order(r *request) error {
	if err := p.buyer(r, parameterPretty); err != nil {
		return err
	}
	view, err := p.ownOrder(r)
	if err != nil {
		return err
	}
	tag := orderTag(&view)
	r.ctx.Response.Header.Set("ETag", tag)
	if etagMatches(string(r.header.ifNoneMatch), tag) {
		r.notModified()
		return nil
	}
	order := contract.OrderOf(&view)
	r.sendJSON(200, contract.DecisionMediaType, &order)
	return nil
}

// cancel answers DELETE /v1/orders/{uid}. It is idempotent: what is cancelled
// stays so.
func (p *Public) cancel(r *request) error {
	if err := p.buyer(r, parameterPretty); err != nil {
		return err
	}
	view, err := p.ownOrder(r)
	if err != nil {
		return err
	}
	r.command = sequencer.Command{Kind: sequencer.KindCancel, Order: view.Seq, User: r.who.User}
	result, err := p.decide(r)
	if err != nil {
		return err
	}
	view.State, view.Quantity, view.Position, view.AsOfSeq = result.State, result.Quantity, result.Position, result.Seq
	order := contract.OrderOf(&view)
	r.sendJSON(200, contract.DecisionMediaType, &order)
	return nil
}

// buyer lets only buyers in and reads the query. What it answers is theirs
// alone and is not to be stored.
func (p *Public) buyer(r *request, allowed parameter) (err error) {
	r.ctx.Response.Header.SetCanonical(nameCacheControl, valueNoStore)
	r.who, err = authorize(p.tokens, r.header.authorization, RoleBuyer, r.started.Unix(), r.shard)
	if err != nil {
		return err
	}
	if problem := r.query.read(r.raw, allowed); problem != nil {
		return problem
	}
	return nil
}

// ownOrder returns the order that the path names, when it is the caller's. A
// uid that this replica has not reached yet is waited for: its owner may hold
// the answer of a replica that is ahead.
func (p *Public) ownOrder(r *request) (sequencer.OrderView, error) {
	sale, seq, err := sequencer.ParseUID([]byte(r.segment("uid")))
	if err != nil {
		return sequencer.OrderView{}, contract.NewProblem(contract.UnknownOrder, "this is not an order's uid")
	}
	if seq > p.backend.AppliedSeq() {
		p.waitFor(seq)
	}
	asOf := p.backend.AppliedSeq() // read before the order, so that it is not ahead of it
	view, known := p.backend.Order(seq)
	if !known || view.Sale != sale || view.User != string(r.who.User) {
		problem := contract.NewProblem(contract.UnknownOrder, fmt.Sprintf("you have no such order as of seq %d", asOf))
		problem.AsOfSeq = &asOf
		return sequencer.OrderView{}, problem
	}
	return view, nil
}

// waitFor waits until this replica has reached seq, for a bounded time and with
// a bounded number of others. The caller looks itself whether it has.
func (p *Public) waitFor(seq uint64) {
	select {
	case p.waiters <- struct{}{}:
		defer func() { <-p.waiters }()
	default:
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), p.config.ReadWait)
	defer cancel()
	_ = p.backend.WaitApplied(ctx, seq)
}

// notModified answers that the caller's copy is still good.
func (r *request) notModified() {
	r.outcome = outcomeNotModified
	r.ctx.Response.SetStatusCode(304)
}
