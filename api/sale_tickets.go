package api

import (
	"context"
	"strconv"

	"onsale/api/contract"
	"onsale/sequencer"
)

// afterPlace reads behind which place a page begins; 0 when nothing is said.
func (x *exchange) afterPlace() (uint64, error) {
	if len(x.query.Cursor) == 0 {
		return 0, nil
	}
	after, err := strconv.ParseUint(string(x.query.Cursor), 10, 53)
	if err != nil {
		return 0, contract.BadParameter("after", "after must be the after of the previous page")
	}
	return after, nil
}

// pageOfSale answers with a page about a sale, as look finds it behind the place that was asked for,
// once the replica has reached what the caller has seen.
func pageOfSale[T any](p *Private, x *exchange, look func(context.Context, *exchange, *sequencer.SaleView, uint64) (*T, sequencer.Position, error)) error {
	view, err := p.sale(x)
	if err != nil {
		return err
	}
	after, err := x.afterPlace()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(x.request.Context(), p.config.ReadWait)
	defer cancel()
	var page *T
	err = untilReached(ctx, x.query.After, func() (at sequencer.Position, err error) {
		page, at, err = look(ctx, x, view, after)
		return at, err
	})
	if err != nil {
		return err
	}
	return x.ok(page)
}

// saleTickets answers GET /v1/sales/{id}/tickets: a page of the list for the entrance, with the
// tickets of at most limit orders. It is read in short looks, as orders are, and signed behind them.
func (p *Private) saleTickets(x *exchange) error { return pageOfSale(p, x, p.ticketsBehind) }

// ticketsBehind looks until a page is full, there is nothing left, or its time is over. What it says
// it is as of is the oldest look's.
func (p *Private) ticketsBehind(ctx context.Context, x *exchange, sale *sequencer.SaleView, after uint64) (*contract.SaleTicketPage, sequencer.Position, error) {
	page := &contract.SaleTicketPage{Tickets: []contract.SaleTicket{}}
	var first sequencer.AsOf
	for orders := 0; ; {
		look, err := p.operations.TicketedIn(ctx, sale.Number, after, x.query.Limit-orders, x.query.AfterSeq)
		if err != nil {
			return nil, look.AsOf.Position, err
		}
		if page.AsOf == "" {
			first = look.AsOf
			page.AsOf = first.String()
		}
		for i := range look.Orders {
			if page.Tickets, err = p.appendTickets(page.Tickets, &look.Orders[i]); err != nil {
				return nil, first.Position, err
			}
		}
		page.After, page.HasMore = look.Next, look.More
		after, orders = look.Next, orders+len(look.Orders)
		if !look.More || orders >= x.query.Limit || p.config.Clock().Sub(x.started) > searchTime {
			return page, first.Position, nil
		}
	}
}

// appendTickets appends an order's tickets, those that are valid with their codes.
func (p *Private) appendTickets(dst []contract.SaleTicket, view *sequencer.OrderView) ([]contract.SaleTicket, error) {
	codes := map[uint32]string{}
	if p.operations.Tickets != nil && view.ValidTickets() > 0 {
		coded, err := codesOf(p.operations.Tickets, view)
		if err != nil {
			return nil, err
		}
		for _, is := range coded {
			codes[is.Number] = is.Code
		}
	}
	uid := string(contract.AppendUID(nil, p.number(), view.Sale, view.Seq))
	for _, is := range view.Tickets {
		dst = append(dst, contract.SaleTicket{Number: is.Number, Revoked: is.Revoked, Order: uid, UserID: view.User, Reference: view.Reference, Code: codes[is.Number]})
	}
	return dst, nil
}
