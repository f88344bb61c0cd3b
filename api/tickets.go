package api

import (
	"fmt"

	"onsale/api/contract"
	"onsale/sequencer"
)

// saleCacheControl lets caches answer for a second: at the start of a sale
// everybody asks for the same page.
const saleCacheControl = "public, max-age=1"

// tickets answers GET /v1/tickets: all sales, in the order of their creation.
// It needs no token, because what it says is everybody's to know.
func (p *Public) tickets(r *request) error {
	if problem := r.query.read(r.raw, parameterLimit|parameterCursor|parameterPretty); problem != nil {
		return problem
	}
	asOf := p.backend.AppliedSeq() // read before the sales, so that it is not ahead of them
	sales := p.backend.Sales()
	first := 0
	if len(r.query.cursor) > 0 {
		last, known := p.backend.SaleByID(string(r.query.cursor))
		if !known || int(last.Number) > len(sales) {
			return contract.BadParameter("cursor", "cursor must be what the previous page said")
		}
		first = int(last.Number)
	}
	end := min(first+r.query.limit, len(sales))
	page := contract.SalePage{Tickets: []contract.Sale{}, AsOfSeq: asOf, HasMore: end < len(sales)}
	now := r.started.UnixNano()
	var tag uint64
	for i := first; i < end; i++ {
		page.Tickets = append(page.Tickets, contract.SaleOf(&sales[i], now))
		tag = mixTag(tag, saleTag(&sales[i], now))
	}
	if page.HasMore {
		page.Cursor = sales[end-1].ID
	}
	if !r.fresh(tag) {
		r.sendJSON(200, contract.DecisionMediaType, &page)
	}
	return nil
}

// ticket answers GET /v1/tickets/{sale}.
func (p *Public) ticket(r *request) error {
	if problem := r.query.read(r.raw, parameterPretty); problem != nil {
		return problem
	}
	id := r.segment("sale")
	view, known := p.backend.SaleByID(id)
	if !known {
		return contract.NewProblem(contract.UnknownSale, fmt.Sprintf("there is no sale %q", id))
	}
	now := r.started.UnixNano()
	if !r.fresh(saleTag(view, now)) {
		sale := contract.SaleOf(view, now)
		r.sendJSON(200, contract.DecisionMediaType, &sale)
	}
	return nil
}

// fresh sets the headers of a cacheable answer, and answers 304 when the
// caller's copy is still good.
func (r *request) fresh(tag uint64) bool {
	headers := &r.ctx.Response.Header
	headers.Set("Cache-Control", saleCacheControl)
	headers.Set("ETag", formatTag(tag))
	if !etagMatches(string(r.header.ifNoneMatch), formatTag(tag)) {
		return false
	}
	r.notModified()
	return true
}

// saleTag stands for what buyers see of a sale, but for how old the view is.
func saleTag(v *sequencer.SaleView, now int64) uint64 {
	tag := uint64(v.Number)
	for _, part := range []uint64{
		uint64(v.Status(max(now, v.AsOfTime))), uint64(v.Quantity), uint64(v.Available), uint64(v.Waiting), v.ServedSeq,
		uint64(v.Price), uint64(v.StartsAt), uint64(v.Cap), textTag(v.ID), textTag(v.Item), textTag(v.Currency),
	} {
		tag = mixTag(tag, part)
	}
	return tag
}

// orderTag stands for what the buyer sees of an order, but for how old the view is.
func orderTag(v *sequencer.OrderView) string {
	tag := v.Seq
	for _, part := range []uint64{uint64(v.State), uint64(v.Quantity), uint64(v.Position), uint64(v.Deadline), uint64(v.Attempts)} {
		tag = mixTag(tag, part)
	}
	return formatTag(tag)
}
