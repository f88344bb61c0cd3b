package api

import (
	"fmt"

	"onsale/api/contract"
	"onsale/api/strict"
	"onsale/sequencer"
)

// saleCacheControl lets caches answer for a second: at the start of a sale
// everybody asks for the same page.
const saleCacheControl = "public, max-age=1"

// tickets answers GET /v1/tickets: all sales, by cluster in the order of their
// creation. It needs no token, because what it says is everybody's to know. A
// cluster that cannot be reached shows what was known of it last; one that was never reached is
// named, and without any other there is no list.
func (p *Public) tickets(r *request) error {
	if problem := r.query.Read(r.raw, strict.Limit|strict.Cursor|strict.Pretty); problem != nil {
		return problem
	}
	if err := p.shed(r, p.config.ShedViewsLoad, shedView); err != nil {
		return err
	}
	clusters := p.clusters.Clusters()
	missing := neverReached(clusters) // before the sales are read: all of what is not named is shown
	if len(missing) == len(clusters) {
		return fmt.Errorf("%w: no cluster was reached yet", sequencer.ErrNoLeader)
	}
	first, after, err := p.afterCursor(clusters, string(r.query.Cursor))
	if err != nil {
		return err
	}
	page := contract.SalePage{Tickets: []contract.Sale{}, Incomplete: missing}
	if len(clusters) == 1 {
		at, asOf := clusters[0].Backend.AppliedPosition(), clusters[0].Backend.AppliedSeq() // read before the sales, so that they are not ahead of them
		page.AsOfSeq, page.AsOf = &asOf, at.String()
	}
	now, tag := r.started.UnixNano(), uint64(0)
	for ; first < len(clusters) && !page.HasMore; first, after = first+1, 0 {
		sales := clusters[first].Backend.Sales()
		for i := min(after, len(sales)); i < len(sales); i++ {
			if !shownFrom(clusters, first, sales[i].ID) {
				continue
			}
			if page.HasMore = len(page.Tickets) == r.query.Limit; page.HasMore {
				break
			}
			page.Tickets = append(page.Tickets, contract.SaleOf(&sales[i], now))
			tag = contract.MixTag(tag, contract.SaleTag(&sales[i], now))
		}
	}
	if page.HasMore {
		page.Cursor = page.Tickets[len(page.Tickets)-1].UID
	}
	if len(missing) > 0 { // a cache would go on to say so
		r.ctx.Response.Header.Set("Cache-Control", "no-store")
		r.sendJSON(200, contract.DecisionMediaType, &page)
		return nil
	}
	if !r.fresh(tag) {
		r.sendJSON(200, contract.DecisionMediaType, &page)
	}
	return nil
}

// afterCursor returns the cluster and the sale with which a page begins. The cursor may be of
// a cluster that another front-end has reached, and this one has not.
func (p *Public) afterCursor(clusters []Cluster, cursor string) (cluster, sale int, err error) {
	if cursor == "" {
		return 0, 0, nil
	}
	found := locate(clusters, cursor)
	for i := range clusters {
		if found.in == &clusters[i] {
			return i, int(found.view.Number), nil
		}
	}
	if err := allReached(clusters, cursor, nil); err != nil {
		return 0, 0, err
	}
	return 0, 0, contract.BadParameter("cursor", "cursor must be what the previous page said")
}

// ticket answers GET /v1/tickets/{sale}.
func (p *Public) ticket(r *request) error {
	if problem := r.query.Read(r.raw, strict.Pretty); problem != nil {
		return problem
	}
	if err := p.shed(r, p.config.ShedViewsLoad, shedView); err != nil {
		return err
	}
	_, view, err := p.findSale(r.segment("sale"))
	if err != nil {
		return err
	}
	now := r.started.UnixNano()
	if !r.fresh(contract.SaleTag(view, now)) {
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
	headers.Set("ETag", contract.FormatTag(tag))
	if !contract.TagMatches(string(r.header.IfNoneMatch), contract.FormatTag(tag)) {
		return false
	}
	r.notModified()
	return true
}
