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
// been created a moment ago: the leaders are asked before it is called unknown, and
// nobody calls it that while a cluster that may have it was never reached.
func (p *Public) findSale(id string) (*Cluster, *sequencer.SaleView, error) {
	clusters := p.clusters.Clusters()
	if cluster, view, err := lookUpSale(clusters, id); view != nil || err != nil {
		return cluster, view, err
	}
	if err := p.catchUp(clusters, id); err != nil {
		return nil, nil, err
	}
	cluster, view, err := lookUpSale(clusters, id)
	if view != nil || err != nil {
		return cluster, view, err
	}
	if err := allReached(clusters, id, nil); err != nil {
		return nil, nil, err
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

// lookUpSale returns the sale with an id as it is shown here, and its cluster; nil when no
// cluster that serves the id shows one. A sale that several clusters have is an error, and so
// is one that a cluster which was never reached may have too.
func lookUpSale(clusters []Cluster, id string) (*Cluster, *sequencer.SaleView, error) {
	found := locate(clusters, id)
	if found.live > 1 {
		return nil, nil, sharedProblem(clusters, id)
	}
	if found.view == nil {
		return nil, nil, nil
	}
	if err := allReached(clusters, id, found.in); err != nil {
		return nil, nil, err
	}
	return found.in, found.view, nil
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
	selling := sellingSales(clusters)
	if len(selling) == 0 { // one may have been created a moment ago
		if err := p.catchUp(clusters, ""); err != nil {
			return nil, nil, err
		}
		selling = sellingSales(clusters)
	}
	if len(selling) < 2 { // what was never reached may sell something else
		if err := allReached(clusters, "", nil); err != nil {
			return nil, nil, err
		}
	}
	if len(selling) != 1 {
		return nil, nil, chooseSale(selling)
	}
	if len(clusters) == 1 {
		p.sole.Store(uint64(len(clusters[0].Backend.Sales()))<<16 | uint64(selling[0].Number))
	}
	return lookUpSale(clusters, selling[0].ID)
}

func ended(v *sequencer.SaleView) bool { return v.Closed || v.Cancelled }

// sellingSales returns the sales that are neither closed nor cancelled, each id once: the
// first ProblemSalesMax of them.
func sellingSales(clusters []Cluster) (selling []*sequencer.SaleView) {
	for k := range clusters {
		sales := clusters[k].Backend.Sales()
		for i := range sales {
			if ended(&sales[i]) || !shownFrom(clusters, k, sales[i].ID) {
				continue
			}
			selling = append(selling, &sales[i])
			if len(selling) == contract.ProblemSalesMax {
				return selling
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
