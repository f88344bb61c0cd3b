package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"onsale/api/contract"
	"onsale/sequencer"
)

// searchTime is for how long a page of orders is looked for. A search that found fewer by then
// answers with those, and a cursor from which to go on.
const searchTime = 250 * time.Millisecond

// saleOrders answers GET /v1/sales/{id}/orders: a page of a sale's orders, by seq. It is read in
// short looks (sequencer.OrdersSeenMax), between which the node goes on deciding.
func (p *Private) saleOrders(x *exchange) error {
	view, err := p.sale(x)
	if err != nil {
		return err
	}
	user, err := p.nameOf(x.query.User, view.PseudonymKey)
	if err != nil {
		return err
	}
	q := sequencer.OrderQuery{Sale: view.Number, State: x.query.State, User: string(user), Reference: string(x.query.Reference())}
	if len(x.query.Cursor) > 0 {
		at, err := contract.PlaceOf(x.query.Cursor)
		if err != nil || at.Cluster != p.number() || at.Sale != view.Number {
			return contract.BadParameter("after", "after must be the cursor of the previous page")
		}
		q.After = at.Seq
	}
	ctx, cancel := context.WithTimeout(x.request.Context(), p.config.ReadWait)
	defer cancel()
	var page *contract.OrderPage
	err = untilReached(ctx, x.query.After, func() (at sequencer.Position, err error) {
		page, at, err = p.search(ctx, x, q)
		return at, err
	})
	if err != nil {
		return err
	}
	return x.ok(page)
}

// search looks until a page is full, there is nothing left, or its time is over. What it says it
// is as of is the oldest look's: orders may have changed since it was read.
func (p *Private) search(ctx context.Context, x *exchange, q sequencer.OrderQuery) (*contract.OrderPage, sequencer.Position, error) {
	page := &contract.OrderPage{Orders: []contract.Order{}}
	var first sequencer.AsOf
	for {
		q.Limit = x.query.Limit - len(page.Orders)
		views, next, asOf, err := p.backend.OrdersIn(ctx, &q, x.query.AfterSeq)
		if err != nil {
			return nil, asOf.Position, err
		}
		if page.AsOfSeq == nil {
			first = asOf
			page.AsOfSeq, page.AsOf = &first.Seq, first.String()
		}
		for i := range views {
			page.Orders = append(page.Orders, contract.OrderIn(p.number(), &views[i]))
		}
		if page.HasMore = next != 0; page.HasMore {
			page.Cursor = string(contract.AppendUID(nil, p.number(), q.Sale, next))
		}
		if q.After = next; next == 0 || len(page.Orders) >= x.query.Limit || p.config.Clock().Sub(x.started) > searchTime {
			return page, first.Position, nil
		}
	}
}

// showOrder answers GET /v1/orders/{uid}: the order of whichever buyer, and its payments.
func (p *Private) showOrder(x *exchange) (err error) {
	ctx, cancel := context.WithTimeout(x.request.Context(), p.config.ReadWait)
	defer cancel()
	var view sequencer.OrderView
	err = untilReached(ctx, x.query.After, func() (sequencer.Position, error) {
		view, err = p.order(x)
		return view.AsOf, err
	})
	if err != nil {
		return err
	}
	tag := contract.DetailTag(&view)
	x.writer.Header().Set("ETag", tag)
	if contract.TagMatches(x.request.Header.Get("If-None-Match"), tag) {
		x.outcome = outcomeNotModified
		x.writer.WriteHeader(http.StatusNotModified)
		return nil
	}
	detail := contract.DetailOfOrder(p.number(), &view)
	if x.roles.Has(rolesToChange) { // who only reads lets nobody in
		if err := codeTickets(&detail.Order, &view, p.operations.Tickets); err != nil {
			return err
		}
	}
	return x.ok(detail)
}

// orderHistory answers GET /v1/orders/{uid}/history: what happened to the order, by whom.
func (p *Private) orderHistory(x *exchange) error {
	after := uint64(0)
	if len(x.query.Cursor) > 0 {
		var err error
		if after, err = strconv.ParseUint(string(x.query.Cursor), 10, 64); err != nil {
			return contract.BadParameter("after", "after must be the cursor of the previous page")
		}
	}
	view, err := p.order(x)
	if err != nil {
		return err
	}
	history, err := p.operations.History(x.request.Context(), &view, string(contract.AppendUID(nil, p.number(), view.Sale, view.Seq)), after)
	if err != nil {
		return err
	}
	return x.ok(history)
}
