package api

import (
	"fmt"

	"onsale/api/auth"
	"onsale/api/contract"
	"onsale/sequencer"
)

// A token with a sales claim sees and changes the sales that the claim names, and no other: to
// it they are as unknown as if they were not there. What is about all sales at once is refused
// to it (docs/operations.md).

// ofSales reports whether a route leaves out by itself what a token is not for, or shows
// nothing of sales: how the cluster stands is for whoever sells in it. A new route is not one of
// them before it is named here.
func ofSales(which route, wanted auth.Roles) bool {
	switch which {
	case routeSaleCreate, routeSaleList, routeSaleShow, routeSaleUpdate, routeSaleVerb, routeSaleEvents, routeReport, routeTimeline,
		routeDisputes, routeRefund, routeWithdraw, routeRefundShow, routeAcknowledge, routeSettle, routeSaleOrders, routeOrderShow, routeOrderHistory,
		routeOrderTicket, routeRevocations, routeSaleTickets, routeFeed:
		return true
	case routeNode, routeCluster:
		return wanted.Has(auth.RoleSeller)
	}
	return false
}

// notOfSales refuses what is about more sales than the token is for.
func notOfSales(x *exchange) error {
	return contract.NewProblem(contract.Forbidden, fmt.Sprintf("this is about all sales, and the token is for %s only", x.sales.String()))
}

// unknownSale is also what a token hears of a sale that it is not for.
func unknownSale(id string) error {
	return contract.NewProblem(contract.UnknownSale, fmt.Sprintf("there is no sale %q", id))
}

// unknownOrder is also what a token hears of an order in such a sale.
func unknownOrder(asOfSeq uint64) error {
	return contract.NewProblem(contract.UnknownOrder, fmt.Sprintf("there is no such order as of seq %d", asOfSeq))
}

// ownSales leaves out the sales that the token is not for.
func (x *exchange) ownSales(all []sequencer.SaleView) []sequencer.SaleView {
	if !x.sales.Limited() {
		return all
	}
	var own []sequencer.SaleView
	for i := range all {
		if x.sales.Has(all[i].ID) {
			own = append(own, all[i])
		}
	}
	return own
}

// hasOrder reports whether the token is for the sale in which an order lies, given by its uid.
func (p *Private) hasOrder(x *exchange, uid string) bool {
	if !x.sales.Limited() {
		return true
	}
	at, err := contract.PlaceOf([]byte(uid))
	sales := p.backend.Sales()
	return err == nil && int(at.Sale) <= len(sales) && x.sales.Has(sales[at.Sale-1].ID)
}
