package api

import (
	"net/http"
	"net/http/pprof"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"onsale/api/auth"
	"onsale/sequencer"
)

// The roles that the private routes need.
const (
	rolesToChange = auth.RoleSeller | auth.RoleOperator
	rolesToRead   = auth.RoleSeller | auth.RoleOperator | auth.RoleAuditor
	// rolesToMonitor see the metrics, and nothing else of what the others see.
	rolesToMonitor = auth.RoleMonitor | auth.RoleOperator
)

// newMux has every route of the private listener.
func (p *Private) newMux() *patternMux {
	mux := new(patternMux)
	if p.backend != nil {
		p.addSales(mux)
	}
	mux.Handle("GET /v1/node", p.routed(routeNode, rolesToRead, p.node))
	for pattern, step := range p.operations.Cluster {
		mux.Handle(pattern, p.routed(routeCluster, step.Roles, p.cluster(step)))
	}
	for pattern, stream := range p.operations.Streams {
		mux.Handle(pattern, p.routed(routeCluster, auth.RoleOperator, func(x *exchange) error { return stream(x.writer, x.request) }))
	}
	mux.HandleFunc("GET "+openAPIPath, p.openAPI)
	mux.HandleFunc("GET /livez", p.livez)
	mux.HandleFunc("GET /readyz", p.readyz)
	metrics := promhttp.HandlerFor(p.operations.Metrics, promhttp.HandlerOpts{})
	mux.Handle("GET /metrics", p.shown(rolesToMonitor, metrics.ServeHTTP))
	for name, profile := range map[string]http.HandlerFunc{"": pprof.Index, "cmdline": pprof.Cmdline, "profile": pprof.Profile,
		"symbol": pprof.Symbol, "trace": pprof.Trace} {
		mux.Handle("/debug/pprof/"+name, p.shown(auth.RoleOperator, profile))
	}
	return mux
}

// addSales adds the sellers' routes.
func (p *Private) addSales(mux *patternMux) {
	mux.Handle("POST /v1/sales", p.routed(routeSaleCreate, rolesToChange, p.createSale))
	mux.Handle("GET /v1/sales", p.routed(routeSaleList, rolesToRead, p.listSales))
	mux.Handle("GET /v1/sales/{id}", p.routed(routeSaleShow, rolesToRead, p.showSale))
	mux.Handle("PATCH /v1/sales/{id}", p.routed(routeSaleUpdate, rolesToChange, p.changeSale))
	mux.Handle("GET /v1/sales/{id}/report", p.routed(routeReport, rolesToRead, p.report))
	if p.operations.Timeline != nil {
		mux.Handle("GET /v1/sales/{id}/timeline", p.routed(routeTimeline, rolesToRead, p.timeline))
	}
	mux.Handle("POST /v1/sales/{id}/extend", p.routed(routeSaleVerb, rolesToChange, p.extendHolds))
	mux.Handle("POST /v1/sales/{id}/release", p.routed(routeSaleVerb, rolesToChange, p.releaseTickets))
	mux.Handle("POST /v1/sales/{id}/pause", p.routed(routeSaleVerb, rolesToChange, p.pauseSale(sequencer.KindSalePause)))
	mux.Handle("POST /v1/sales/{id}/resume", p.routed(routeSaleVerb, rolesToChange, p.pauseSale(sequencer.KindSaleResume)))
	for verb, kind := range saleVerbs() {
		mux.Handle("POST /v1/sales/{id}/"+verb, p.routed(routeSaleVerb, rolesToChange, p.saleVerb(kind)))
	}
	mux.Handle("GET /v1/sales/{id}/events", p.routed(routeSaleEvents, rolesToRead, p.saleEvents))
	mux.Handle("GET /v1/payments/reconciliation", p.routed(routeReconcile, rolesToRead, p.reconcile))
	mux.Handle("GET /v1/payments/orphans", p.routed(routeOrphans, rolesToRead, p.orphans))
	mux.Handle("GET /v1/payments/disputes", p.routed(routeDisputes, rolesToRead, p.disputes))
	mux.Handle("POST /v1/payments/account", p.routed(routeAccount, auth.RoleOperator, p.acceptAccount))
	mux.Handle("POST /v1/payments/orphans/refund", p.routed(routeOrphanRefund, rolesToChange, p.refundOrphan))
	mux.Handle("GET /v1/sales/{id}/orders", p.routed(routeSaleOrders, rolesToRead, p.saleOrders))
	mux.Handle("GET /v1/orders/{uid}", p.routed(routeOrderShow, rolesToRead, p.showOrder))
	mux.Handle("DELETE /v1/orders/{uid}", p.routed(routeWithdraw, rolesToChange, p.withdraw))
	mux.Handle("GET /v1/orders/{uid}/tickets/{ticket}", p.routed(routeOrderTicket, rolesToChange, p.orderTicket))
	if p.operations.Revocations != nil {
		mux.Handle("GET /v1/sales/{id}/revocations", p.routed(routeRevocations, rolesToRead, p.revocations))
	}
	if p.operations.TicketedIn != nil { // who only reads lets nobody in
		mux.Handle("GET /v1/sales/{id}/tickets", p.routed(routeSaleTickets, rolesToChange, p.saleTickets))
	}
	if p.operations.History != nil {
		mux.Handle("GET /v1/orders/{uid}/history", p.routed(routeOrderHistory, rolesToRead, p.orderHistory))
	}
	if p.operations.Feed != nil {
		mux.Handle("GET /v1/feed", p.routed(routeFeed, rolesToRead, p.feed))
	}
	mux.Handle("GET /v1/orders/{uid}/refund", p.routed(routeRefundShow, rolesToRead, p.showRefund))
	mux.Handle("POST /v1/orders/{uid}/refund", p.routed(routeRefund, rolesToChange, p.refund))
	mux.Handle("POST /v1/orders/{uid}/acknowledge", p.routed(routeAcknowledge, rolesToChange, p.acknowledge))
	mux.Handle("POST /v1/orders/{uid}/settle", p.routed(routeSettle, auth.RoleOperator, p.settle))
}

// patternMux is a mux that knows its patterns, so that the description of the API
// can be held to them.
type patternMux struct {
	http.ServeMux
	patterns []string // in the order in which they were added
}

// Handle adds a route.
func (m *patternMux) Handle(pattern string, handler http.Handler) {
	m.patterns = append(m.patterns, pattern)
	m.ServeMux.Handle(pattern, handler)
}

// HandleFunc adds a route.
func (m *patternMux) HandleFunc(pattern string, handler http.HandlerFunc) { m.Handle(pattern, handler) }
