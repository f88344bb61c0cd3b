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
	"onsale/sequencer"
)

// createSale answers POST /v1/sales.
func (p *Private) createSale(x *exchange) error {
	var wanted contract.NewSale
	if err := x.decode(&wanted); err != nil {
		return err
	}
	spec := specOf(&wanted)
	if err := validateSpec(&spec); err != nil {
		return err
	}
	if slices.Contains([]string{"payment", "events"}, spec.ID) {
		return contract.BadParameter("id", "the id "+spec.ID+" is taken by a route of the buyers")
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
		Price: wanted.Price, Currency: wanted.Currency, Hold: int64(contract.DefaultHold),
		Grace: int64(contract.DefaultGrace), SkipUnfit: wanted.SkipUnfit, ExpiredHoldsMax: wanted.ExpiredHoldsMax,
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

// validateSpec returns the problem that says which field is wrong.
func validateSpec(spec *sequencer.SaleSpec) error {
	if err := spec.Validate(); err != nil {
		_, what, _ := strings.Cut(err.Error(), ": ")
		field, _, _ := strings.Cut(what, " ")
		return contract.BadParameter(field, what)
	}
	return nil
}

// sale returns the sale that the path names.
func (p *Private) sale(x *exchange) (*sequencer.SaleView, error) {
	id := x.request.PathValue("id")
	view, known := p.backend.SaleByID(id)
	if !known {
		if err := p.catchUp(x); err != nil { // the leader may know a sale that has not come here yet
			return nil, err
		}
		if view, known = p.backend.SaleByID(id); !known {
			return nil, contract.NewProblem(contract.UnknownSale, fmt.Sprintf("there is no sale %q", id))
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
	return x.ok(contract.DetailOf(view, x.started.UnixNano()))
}

// listSales answers GET /v1/sales.
func (p *Private) listSales(x *exchange) error {
	sales := p.backend.Sales()
	list := contract.SaleList{Sales: make([]contract.SaleDetail, 0, len(sales))}
	for i := range sales {
		list.Sales = append(list.Sales, contract.DetailOf(&sales[i], x.started.UnixNano()))
	}
	return x.ok(&list)
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
	report.Latency = p.metrics.buys.report()
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
		answer, err := step.Do(x.request.Context(), body)
		if err != nil {
			return err
		}
		return x.ok(answer)
	}
}
