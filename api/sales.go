package api

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"onsale/api/contract"
	"onsale/internal/amount"
	"onsale/internal/localtime"
	"onsale/sequencer"
)

// createSale answers POST /v1/sales.
func (p *Private) createSale(x *exchange) error {
	var wanted contract.NewSale
	if err := x.decode(&wanted); err != nil {
		return err
	}
	if wanted.Price == nil {
		return contract.BadParameter("price", "price is missing: what one ticket costs, in minor units of the currency; 0 sells for nothing")
	}
	if err := x.checkStart(wanted.StartsAt); err != nil {
		return err
	}
	spec := specOf(&wanted)
	spec.PseudonymKey = p.tokens.Pseudonyms().Newest()
	if err := validateSpec(&spec, wanted.StartsAt); err != nil {
		return err
	}
	if err := p.checkPrice(&spec); err != nil {
		return err
	}
	if slices.Contains([]string{"payment", "events"}, spec.ID) {
		return contract.BadParameter("id", "the id "+spec.ID+" is taken by a route of the buyers")
	}
	if !x.sales.Has(spec.ID) {
		return contract.NewProblem(contract.Forbidden, fmt.Sprintf("the token is for sales named %s", x.sales.String()))
	}
	c := sequencer.Command{Kind: sequencer.KindSaleCreate, Body: sequencer.AppendSaleSpec(nil, &spec)}
	result, err := p.decide(x, &c)
	if err != nil {
		return err
	}
	view, known := p.backend.SaleByID(spec.ID)
	if !known { // decided, but this replica could not show it in time
		spec.StartNow(x.started.UnixNano())
		view = &sequencer.SaleView{SaleSpec: spec, Number: result.Sale, Available: spec.Quantity, AsOfSeq: result.Seq}
	}
	x.writer.Header().Set("Location", "/v1/sales/"+spec.ID)
	x.answer(http.StatusCreated, contract.DecisionMediaType, contract.DetailOf(view, x.started.UnixNano()))
	return nil
}

// specOf fills in the defaults. What does not fit the spec's fields becomes
// something that validation refuses.
func specOf(wanted *contract.NewSale) sequencer.SaleSpec {
	spec := sequencer.SaleSpec{
		ID: wanted.ID, Item: wanted.Item, Quantity: wanted.Quantity, Cap: contract.DefaultCap, Waitlist: wanted.Waitlist,
		Price: *wanted.Price, Currency: wanted.Currency, Hold: int64(contract.DefaultHold),
		Grace: int64(contract.DefaultGrace), SkipUnfit: wanted.SkipUnfit, ExpiredHoldsMax: wanted.ExpiredHoldsMax,
		Zone: wanted.Zone, Test: wanted.Test, BuysPerSecond: wanted.BuysPerSecond,
	}
	if wanted.Cap != nil {
		spec.Cap = *wanted.Cap
	}
	if wanted.StartsAt != nil {
		spec.StartsAt = logTime(*wanted.StartsAt)
	}
	if wanted.Hold != nil {
		spec.Hold = int64(*wanted.Hold)
	}
	if wanted.PromotedHold != nil {
		spec.PromotedHold = int64(*wanted.PromotedHold)
	}
	if wanted.Grace != nil {
		spec.Grace = int64(*wanted.Grace)
	}
	if wanted.CoolDown != nil {
		spec.CoolDown = int64(*wanted.CoolDown)
	}
	return spec
}

// logTime returns a time as the log counts it: 0, the epoch, stands for the moment of
// the decision; -1, which no sale may have, for one that nanoseconds cannot hold.
func logTime(t time.Time) int64 {
	if t.Year() < 1970 || t.Year() > 2200 {
		return -1
	}
	return t.UnixNano()
}

// validateSpec returns the problem that says which field is wrong. The start is told as it
// was sent, nil when it was not: the spec may not have room for it.
func validateSpec(spec *sequencer.SaleSpec, startsAt *time.Time) error {
	if _, err := localtime.Zone(spec.Zone); err != nil {
		return contract.BadParameter("zone", "zone: "+err.Error())
	}
	if err := spec.Validate(); err != nil {
		_, what, _ := strings.Cut(err.Error(), ": ")
		field, _, _ := strings.Cut(what, " ")
		if _, allowed, _ := strings.Cut(what, ", "); field == "starts_at" && startsAt != nil {
			what = fmt.Sprintf("starts_at is %s, %s", startsAt.Format(time.RFC3339), allowed)
		}
		return contract.BadParameter(field, what)
	}
	return nil
}

// pastStartMax is how long ago a start may be that is taken for one of now: clocks differ, and
// a request may be repeated.
const pastStartMax = time.Minute

// checkStart refuses a start in the past, which is a slip of the pen more often than a wish,
// and cannot be taken back: a sale would be open.
func (x *exchange) checkStart(at *time.Time) error {
	if at == nil || at.Equal(contract.AtOnce()) || x.started.Sub(*at) <= pastStartMax {
		return nil
	}
	return contract.BadParameter("starts_at", fmt.Sprintf("starts_at is in the past: %s; the time of %s opens a sale at once, or none in a new one",
		at.UTC().Format(time.RFC3339), contract.AtOnce().Format(time.RFC3339)))
}

// checkPrice refuses what nobody could be charged: a currency that is none, and amounts that
// the payment provider does not take.
func (p *Private) checkPrice(spec *sequencer.SaleSpec) error {
	if !amount.IsCurrency(spec.Currency) {
		return contract.BadParameter("currency", fmt.Sprintf("currency %s is none of ISO 4217 that is in use", spec.Currency))
	}
	if spec.Price == 0 || p.operations.Chargeable == nil {
		return nil
	}
	for quantity := range int64(spec.Cap) { // of each order that there may be
		if why := p.operations.Chargeable(spec.Price*(quantity+1), spec.Currency); why != nil {
			return contract.BadParameter("price", fmt.Sprintf("price %s: %v", amount.Money(spec.Price, spec.Currency), why))
		}
	}
	return nil
}

// sale returns the sale that the path names.
func (p *Private) sale(x *exchange) (*sequencer.SaleView, error) {
	id := x.request.PathValue("id")
	if !x.sales.Has(id) {
		return nil, unknownSale(id)
	}
	view, known := p.backend.SaleByID(id)
	if !known {
		if err := p.catchUp(x); err != nil { // the leader may know a sale that has not come here yet
			return nil, err
		}
		if view, known = p.backend.SaleByID(id); !known {
			return nil, unknownSale(id)
		}
	}
	return view, nil
}

// catchUp brings what is shown here up to what the leader has decided.
func (p *Private) catchUp(x *exchange) error {
	ctx, cancel := context.WithTimeout(x.request.Context(), p.config.ReadWait)
	defer cancel()
	return p.backend.CatchUp(ctx)
}

// showSale answers GET /v1/sales/{id}.
func (p *Private) showSale(x *exchange) error {
	view, err := p.sale(x)
	if err != nil {
		return err
	}
	detail := contract.DetailOf(view, x.started.UnixNano())
	if p.payments != nil {
		if orders, known := p.payments.Unsettled(view.Number); known {
			detail.UnsettledOrders = &orders
		}
	}
	return x.ok(detail)
}

// listSales answers GET /v1/sales: a page, in the order of the sales' creation. Sales are
// never taken away, so that whoever goes on behind a cursor sees each that was there once.
func (p *Private) listSales(x *exchange) error {
	after, err := p.afterSale(x, string(x.query.Cursor))
	if err != nil {
		return err
	}
	sales := p.backend.Sales()
	sales = x.ownSales(sales[min(after, len(sales)):]) // the list may be a moment older than the cursor's sale
	shown := sales[:min(x.query.Limit, len(sales))]
	list := contract.SaleList{Sales: make([]contract.SaleDetail, 0, len(shown)), HasMore: len(shown) < len(sales)}
	for i := range shown {
		list.Sales = append(list.Sales, contract.DetailOf(&shown[i], x.started.UnixNano()))
	}
	if list.HasMore {
		list.Cursor = shown[len(shown)-1].ID
	}
	return x.ok(&list)
}

// afterSale returns the number of a cursor's sale, 0 for none. The page before may have come
// from a node that was ahead of this one.
func (p *Private) afterSale(x *exchange, cursor string) (int, error) {
	if cursor == "" {
		return 0, nil
	}
	badCursor := contract.BadParameter("cursor", "cursor must be what the previous page said")
	if !x.sales.Has(cursor) {
		return 0, badCursor
	}
	view, known := p.backend.SaleByID(cursor)
	if !known {
		if err := p.catchUp(x); err != nil {
			return 0, err
		}
		if view, known = p.backend.SaleByID(cursor); !known {
			return 0, badCursor
		}
	}
	return int(view.Number), nil
}

// report answers GET /v1/sales/{id}/report.
func (p *Private) report(x *exchange) error {
	view, err := p.sale(x)
	if err != nil {
		return err
	}
	return x.ok(p.reportOf(view, x))
}

// reportOf sums a sale up, with what buyers waited for this node's answers.
func (p *Private) reportOf(view *sequencer.SaleView, x *exchange) contract.Report {
	report := contract.ReportOf(view, x.started.UnixNano())
	report.Latency = p.metrics.buys.report(p.number(), view.Number)
	return report
}

// timeline answers GET /v1/sales/{id}/timeline: the report, and the sale's course.
func (p *Private) timeline(x *exchange) error {
	view, err := p.sale(x)
	if err != nil {
		return err
	}
	timeline, err := p.operations.Timeline(x.request.Context(), view)
	if err != nil {
		return err
	}
	return x.ok(&contract.SaleTimeline{Report: p.reportOf(view, x), Timeline: *timeline})
}

// node answers GET /v1/node.
func (p *Private) node(x *exchange) error { return x.ok(p.operations.Node()) }

// cluster answers a route of the cluster's administration.
func (p *Private) cluster(step Step) func(*exchange) error {
	return func(x *exchange) error {
		body, err := io.ReadAll(x.request.Body)
		if err != nil {
			return contract.NewProblem(contract.BodyTooLarge, "")
		}
		answer, err := step.Do(x.request.Context(), x.actor, body)
		if err != nil {
			return err
		}
		return x.ok(answer)
	}
}
