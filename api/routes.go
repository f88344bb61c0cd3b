package api

import (
	"github.com/fasthttp/router"
	"github.com/valyala/fasthttp"

	"onsale/api/contract"
)

// buyPath is where tickets are bought and seen.
const buyPath = "/v1/tickets"

// challengePath is where buyers get a challenge.
const challengePath = "/v1/challenge"

// keysPath is where the keys are that tickets are checked with.
const keysPath = "/v1/keys"

// requestKey finds the *request in the HTTP library's context.
const requestKey = "request"

// newRouter has every route but the buy, which is matched before.
func (p *Public) newRouter() *router.Router {
	routes := router.New()
	// One spelling of a path, and no automatic answers.
	routes.RedirectTrailingSlash, routes.RedirectFixedPath, routes.HandleOPTIONS = false, false, false
	routes.HandleMethodNotAllowed = true
	routes.NotFound = func(ctx *fasthttp.RequestCtx) {
		requestOf(ctx).fail(contract.NewProblem(contract.NotFound, "there is no such route"))
	}
	routes.MethodNotAllowed = func(ctx *fasthttp.RequestCtx) {
		allow := string(ctx.Response.Header.Peek("Allow"))
		requestOf(ctx).fail(contract.NewProblem(contract.MethodNotAllowed, "allowed are "+allow))
	}
	get := func(path string, which route, handler func(*request) error) {
		routes.GET(path, p.routed(which, handler))
		routes.HEAD(path, p.routed(which, handler))
	}
	routes.POST(buyPath, p.routed(routeBuy, p.buy)) // so that Allow names it
	get(buyPath, routeTickets, p.tickets)
	get(buyPath+"/{sale}", routeTicket, p.ticket)
	routes.POST(paymentPath, p.routed(routePay, p.pay))
	routes.POST(webhookPath+"{provider}", p.routed(routeWebhook, p.webhook))
	get(challengePath, routeChallenge, p.challenge)
	get("/v1/orders", routeOrders, p.orders)
	get("/v1/orders/{uid}", routeOrder, p.order)
	get("/v1/orders/{uid}/tickets/{ticket}", routeOrderTicket, p.orderTicket)
	get(keysPath, routeTicketKeys, p.ticketKeys)
	get(openAPIPath, routeOpenAPI, p.openAPI)
	routes.GET(buyPath+"/events", p.routed(routeTicketEvents, p.saleEvents))
	routes.GET("/v1/orders/{uid}/events", p.routed(routeOrderEvents, p.orderEvents))
	routes.DELETE("/v1/orders/{uid}", p.routed(routeCancel, p.cancel))
	return routes
}

// dispatch routes a request that was checked.
func (p *Public) dispatch(r *request) {
	r.ctx.SetUserValue(requestKey, r)
	p.routes.Handler(r.ctx)
	r.ctx.RemoveUserValue(requestKey)
}

func (p *Public) routed(which route, handler func(*request) error) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		r := requestOf(ctx)
		r.route = which
		if err := handler(r); err != nil {
			r.fail(err)
		}
	}
}

func requestOf(ctx *fasthttp.RequestCtx) *request { return ctx.UserValue(requestKey).(*request) }

// segment returns a named part of the path.
func (r *request) segment(name string) string {
	text, _ := r.ctx.UserValue(name).(string)
	return text
}
