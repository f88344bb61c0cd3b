package api

import (
	"context"
	"fmt"
	"io"

	"onsale/api/contract"
	"onsale/sequencer"
)

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
