package api

import (
	"fmt"
	"strings"

	"onsale/api/contract"
	"onsale/sequencer"
)

// saleOf returns the number of the sale that a buy means: the one it names, or
// the only one that is still selling.
func (p *Public) saleOf(q *query) (number uint16, err error) {
	if q.present&parameterSale == 0 {
		return p.defaultSale()
	}
	view, known := p.backend.SaleByID(asString(q.sale))
	if !known {
		return 0, contract.NewProblem(contract.UnknownSale, fmt.Sprintf("there is no sale %q", q.sale))
	}
	return view.Number, nil
}

// defaultSale returns the only sale that is neither closed nor cancelled. A
// sale that ended never comes back, so what was found stays true until that
// sale ends or another one is created: p.sole remembers it, in bits 63..16 how
// many sales there were and in bits 15..0 the number found.
func (p *Public) defaultSale() (number uint16, err error) {
	sales := p.backend.Sales()
	sole := p.sole.Load()
	if n := int(uint16(sole)); n > 0 && int(sole>>16) == len(sales) && !ended(&sales[n-1]) {
		return uint16(n), nil
	}
	selling := sellingSales(sales)
	if len(selling) != 1 {
		return 0, chooseSale(selling)
	}
	p.sole.Store(uint64(len(sales))<<16 | uint64(selling[0].Number))
	return selling[0].Number, nil
}

func ended(v *sequencer.SaleView) bool { return v.Closed || v.Cancelled }

// sellingSales returns the sales that are neither closed nor cancelled, the
// first ProblemSalesMax of them.
func sellingSales(sales []sequencer.SaleView) []*sequencer.SaleView {
	var selling []*sequencer.SaleView
	for i := range sales {
		if !ended(&sales[i]) {
			selling = append(selling, &sales[i])
			if len(selling) == contract.ProblemSalesMax {
				break
			}
		}
	}
	return selling
}

// chooseSale returns the problem of a buy that names no sale.
func chooseSale(selling []*sequencer.SaleView) error {
	if len(selling) == 0 {
		return contract.NewProblem(contract.SaleRequired, "no sale is on; name one: sale=ID")
	}
	problem := contract.NewProblem(contract.SaleRequired, "")
	for _, sale := range selling {
		problem.Sales = append(problem.Sales, sale.ID)
	}
	problem.Detail = "several sales are on; name one, sale=" + strings.Join(problem.Sales, " or sale=")
	return problem
}

// startOf returns when a sale starts; 0 when this replica does not know it.
func (p *Public) startOf(number uint16) int64 {
	sales := p.backend.Sales()
	if number == 0 || int(number) > len(sales) {
		return 0
	}
	return sales[number-1].StartsAt
}
