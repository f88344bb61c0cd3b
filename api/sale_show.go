package api

import (
	"cmp"
	"fmt"

	"onsale/api/contract"
	"onsale/sequencer"
)

// sale returns the sale that the path names.
func (p *Private) sale(x *exchange) (*sequencer.SaleView, error) {
	id := x.request.PathValue("id")
	view, known := p.backend.SaleByID(id)
	if !known {
		// The leader may know a sale that has not come here yet.
		return nil, cmp.Or(p.backend.Leader(), error(contract.NewProblem(contract.UnknownSale, fmt.Sprintf("there is no sale %q", id))))
	}
	return view, nil
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
	return x.ok(contract.ReportOf(view, x.started.UnixNano()))
}

// node answers GET /v1/node.
func (p *Private) node(x *exchange) error { return x.ok(p.operations.Node()) }
