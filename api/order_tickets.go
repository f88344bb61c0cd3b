package api

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"onsale/api/contract"
	"onsale/api/strict"
	"onsale/internal/ticket"
	"onsale/sequencer"
)

// codesWait bounds the time in which a node signs an order's tickets, or tells its keys.
const codesWait = 2 * time.Second

// codeTickets shows an order's tickets with their codes. Some may have been revoked since the view
// was made: these are left out.
func codeTickets(order *contract.Order, view *sequencer.OrderView, tickets Tickets) error {
	if tickets == nil || len(order.Tickets) == 0 {
		return nil
	}
	coded, err := codesOf(tickets, view)
	if err != nil || len(coded) == 0 {
		return err
	}
	order.Tickets = nil
	for _, is := range coded {
		order.Tickets = append(order.Tickets, contract.OrderTicket{Number: is.Number, Code: is.Code})
	}
	return nil
}

func codesOf(tickets Tickets, view *sequencer.OrderView) ([]ticket.Coded, error) {
	ctx, cancel := context.WithTimeout(context.Background(), codesWait)
	defer cancel()
	return tickets.TicketCodes(ctx, view)
}

// picture returns the picture of a ticket of an order that is named NUMBER.svg.
func picture(tickets Tickets, view *sequencer.OrderView, name string) ([]byte, error) {
	text, is := strings.CutSuffix(name, ".svg")
	number, err := strconv.ParseUint(text, 10, 32)
	if !is || err != nil || text[0] == '0' {
		return nil, contract.NewProblem(contract.NotFound, "the picture of a ticket is named by its number: 5.svg")
	}
	if tickets == nil {
		return nil, ticket.ErrOff
	}
	coded, err := codesOf(tickets, view)
	if err != nil {
		return nil, err
	}
	for _, one := range coded {
		if uint64(one.Number) == number {
			return ticket.Picture(one.Code)
		}
	}
	if len(coded) == 0 && view.ValidTickets() > 0 {
		return nil, ticket.ErrOff
	}
	return nil, contract.NewProblem(contract.UnknownTicket, "the order has no valid ticket with this number")
}

// orderTicket answers GET /v1/orders/{uid}/tickets/{ticket}: the picture of a ticket's code.
func (p *Public) orderTicket(r *request) error {
	cluster, view, err := p.polledOrder(r, strict.AfterSeq)
	if err != nil {
		return err
	}
	svg, err := picture(cluster.Tickets, &view, r.segment("ticket"))
	if err != nil {
		return err
	}
	r.send(http.StatusOK, ticket.PictureType, svg)
	return nil
}

// orderTicket is Public.orderTicket of an order of any buyer.
func (p *Private) orderTicket(x *exchange) error {
	view, err := p.order(x)
	if err != nil {
		return err
	}
	svg, err := picture(p.operations.Tickets, &view, x.request.PathValue("ticket"))
	if err != nil {
		return err
	}
	x.writer.Header().Set("Content-Type", ticket.PictureType)
	x.writer.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = x.writer.Write(svg) // a caller who left cannot be told
	return nil
}

// ticketKeys answers GET /v1/keys: what tickets are checked with, of all clusters. A cluster that
// cannot be asked makes it an error, because its tickets would be taken for forged.
func (p *Public) ticketKeys(r *request) error {
	if problem := r.query.Read(r.raw, strict.Pretty); problem != nil {
		return problem
	}
	if err := p.shed(r, p.config.ShedViewsLoad, shedView); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), codesWait)
	defer cancel()
	var keys ticket.Keys
	for _, cluster := range p.clusters.Clusters() {
		if cluster.Tickets == nil {
			return ticket.ErrOff
		}
		own, err := cluster.Tickets.TicketKeys(ctx)
		if err != nil {
			return err
		}
		keys.Clusters = append(keys.Clusters, own)
	}
	r.ctx.Response.Header.Set("Cache-Control", "no-store") // a birth that is missing turns buyers away
	r.sendJSON(http.StatusOK, contract.DecisionMediaType, &keys)
	return nil
}

// revocations answers GET /v1/sales/{id}/revocations: a page of the tickets that are not valid any
// more. It is read in short looks, as orders are.
func (p *Private) revocations(x *exchange) error { return pageOfSale(p, x, p.revokedBehind) }

// revokedBehind looks until a page is full, there is nothing left, or its time is over.
func (p *Private) revokedBehind(ctx context.Context, x *exchange, view *sequencer.SaleView, after uint64) (*ticket.Revoked, sequencer.Position, error) {
	page := &ticket.Revoked{Cluster: p.number(), Sale: view.ID, SaleNumber: view.Number, Numbers: []uint32{}}
	for {
		look, err := p.operations.Revocations(ctx, view.Number, after, x.query.Limit-len(page.Numbers), x.query.AfterSeq)
		if err != nil {
			return nil, look.AsOf.Position, err
		}
		for _, is := range look.Revoked {
			page.Numbers = append(page.Numbers, is.Number)
		}
		page.After, page.More, page.AsOf = look.Next, look.More, look.AsOf.String()
		if after = look.Next; !look.More || len(page.Numbers) >= x.query.Limit || p.config.Clock().Sub(x.started) > searchTime {
			return page, look.AsOf.Position, nil
		}
	}
}
