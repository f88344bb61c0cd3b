package api

import (
	"context"
	"fmt"
	"strings"

	"onsale/api/contract"
	"onsale/api/strict"
	"onsale/sequencer"
)

// saleOf returns the sale that a buy means and its cluster: the one it names, or
// the only one that is still selling.
func (p *Public) saleOf(q *strict.Query) (*Cluster, *sequencer.SaleView, error) {
	if !q.Has(strict.Sale) {
		return p.defaultSale()
	}
	return p.findSale(strict.AsString(q.Sale))
}

// findSale returns the sale with an id. A sale that nobody here knows may have
// been created a moment ago: the leaders are asked before it is called unknown.
func (p *Public) findSale(id string) (*Cluster, *sequencer.SaleView, error) {
	clusters := p.clusters.Clusters()
	if cluster, view := lookUpSale(clusters, id); view != nil {
		return cluster, view, nil
	}
	if err := p.catchUp(clusters, id); err != nil {
		return nil, nil, err
	}
	if cluster, view := lookUpSale(clusters, id); view != nil {
		return cluster, view, nil
	}
	return nil, nil, contract.NewProblem(contract.UnknownSale, fmt.Sprintf("there is no sale %q", strings.Clone(id)))
}

// catchUp brings what is shown here up to what the leaders of the clusters that
// may have a sale ("" for any) have decided.
func (p *Public) catchUp(clusters []Cluster, id string) error {
	ctx, cancel := context.WithTimeout(context.Background(), p.config.ReadWait)
	defer cancel()
	for i := range clusters {
		if id != "" && !clusters[i].serves(id) {
			continue
		}
		if err := clusters[i].Backend.CatchUp(ctx); err != nil {
			return err
		}
	}
	return nil
}

func lookUpSale(clusters []Cluster, id string) (*Cluster, *sequencer.SaleView) {
	for i := range clusters {
		if view, known := clusters[i].Backend.SaleByID(id); known && clusters[i].serves(id) {
			return &clusters[i], view
		}
	}
	return nil, nil
}

// defaultSale returns the only sale that is neither closed nor cancelled. A
// sale that ended never comes back, so what was found stays true until that
// sale ends or another one is created: p.sole remembers it for a cluster alone,
// in bits 63..16 how many sales there were and in bits 15..0 the number found.
func (p *Public) defaultSale() (*Cluster, *sequencer.SaleView, error) {
	clusters := p.clusters.Clusters()
	if len(clusters) == 1 {
		sales, sole := clusters[0].Backend.Sales(), p.sole.Load()
		if n := int(uint16(sole)); n > 0 && int(sole>>16) == len(sales) && !ended(&sales[n-1]) {
			return &clusters[0], &sales[n-1], nil
		}
	}
	selling, in := sellingSales(clusters)
	if len(selling) == 0 { // one may have been created a moment ago
		if err := p.catchUp(clusters, ""); err != nil {
			return nil, nil, err
		}
		selling, in = sellingSales(clusters)
	}
	if len(selling) != 1 {
		return nil, nil, chooseSale(selling)
	}
	if len(clusters) == 1 {
		p.sole.Store(uint64(len(clusters[0].Backend.Sales()))<<16 | uint64(selling[0].Number))
	}
	return in, selling[0], nil
}

func ended(v *sequencer.SaleView) bool { return v.Closed || v.Cancelled }

// sellingSales returns the sales that are neither closed nor cancelled, the
// first ProblemSalesMax of them, and the cluster of the last.
func sellingSales(clusters []Cluster) (selling []*sequencer.SaleView, in *Cluster) {
	for k := range clusters {
		sales := clusters[k].Backend.Sales()
		for i := range sales {
			if ended(&sales[i]) || !clusters[k].serves(sales[i].ID) {
				continue
			}
			selling, in = append(selling, &sales[i]), &clusters[k]
			if len(selling) == contract.ProblemSalesMax {
				return selling, in
			}
		}
	}
	return selling, in
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
