package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"onsale/api/auth"
	"onsale/api/contract"
	"onsale/api/strict"
	"onsale/internal/accept"
	"onsale/internal/pseudonym"
	"onsale/sequencer"
)

// exchange is one request to the private listener and its answer.
type exchange struct {
	writer  http.ResponseWriter
	request *http.Request
	log     *slog.Logger
	path    string
	id      string // X-Request-Id
	started time.Time
	query   strict.Query
	outcome outcome
	aborted bool   // the connection is to be broken
	actor   []byte // whose token it is
	sales   auth.Scope
	roles   auth.Roles
	target  string // of the verb, for the audit log
	token   []byte
	who     *auth.Identity // of the token; nil before it was checked
	// pseudonyms are the keys under which buyers are known in what is written; nil for none.
	pseudonyms *pseudonym.Keys
}

// handle gives every request an id, and refuses what has more than one reading.
func (p *Private) handle(w http.ResponseWriter, req *http.Request) {
	x := &exchange{writer: w, request: req, log: p.config.Logger, started: p.config.Clock(), pseudonyms: p.tokens.Pseudonyms()}
	x.id = string(strict.UsableRequestID([]byte(req.Header.Get("X-Request-Id"))))
	if x.id == "" {
		x.id = string(appendRequestID(nil, x.started))
	}
	w.Header().Set("X-Request-Id", x.id)
	path, _, problem := strict.SplitTarget([]byte(req.RequestURI), p.config.URIBytesMax)
	if problem != nil {
		x.fail(problem)
		return
	}
	x.path = string(path)
	if problem := p.checkHost(req); problem != nil {
		x.fail(problem)
		return
	}
	if handler, pattern := p.mux.Handler(req); pattern == "" {
		x.fail(unrouted(handler, req))
		return
	}
	p.mux.ServeHTTP(w, req.WithContext(context.WithValue(req.Context(), exchangeKey{}, x)))
}

// exchangeKey finds the *exchange in a request's context.
type exchangeKey struct{}

// routed lets only the wanted roles in, reads the query, and counts.
func (p *Private) routed(which route, wanted auth.Roles, handler func(*exchange) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		x := req.Context().Value(exchangeKey{}).(*exchange)
		x.writer, x.request = w, req // the request that the mux put the path's parts in
		w.Header().Set("Cache-Control", "no-store")
		req.Body = http.MaxBytesReader(w, req.Body, int64(p.config.BodyBytesMax))
		p.guard(x, which, func() error {
			if err := p.authorize(x, wanted); err != nil {
				return err
			}
			if !ofSales(which, wanted) && x.sales.Limited() {
				err := notOfSales(x)
				p.auditRefusal(x, err)
				return err
			}
			if problem := x.query.Read([]byte(req.URL.RawQuery), parametersOf(which)); problem != nil {
				return problem
			}
			return p.audited(x, handler)
		})
		p.metrics.observe(rand.Uint64(), which, x.outcome, p.config.Clock().Sub(x.started))
		if x.aborted {
			panic(http.ErrAbortHandler)
		}
	})
}

// parametersOf returns what a request to a route may say in its query.
func parametersOf(which route) strict.Parameter {
	switch which {
	case routeSaleList:
		return strict.Limit | strict.Cursor | strict.Pretty
	case routeSaleOrders:
		return strict.State | strict.User | strict.Reference | strict.Behind | strict.Limit | strict.AfterSeq | strict.Pretty
	case routeRevocations, routeSaleTickets:
		return strict.Behind | strict.Limit | strict.AfterSeq | strict.Pretty
	case routeFeed:
		return strict.Behind | strict.Types | strict.Sale | strict.Limit | strict.Many | strict.Wait | strict.Pretty
	case routeOrderTicket:
		return strict.AfterSeq
	case routeOrderShow:
		return strict.AfterSeq | strict.Pretty
	case routeOrderHistory:
		return strict.Behind | strict.Pretty
	case routeWithdraw:
		return strict.Quantity | strict.Pretty
	case routeRefund:
		return strict.Quantity | strict.Tickets | strict.Pretty
	}
	return strict.Pretty
}

// authorize lets only tokens with one of the wanted roles in.
func (p *Private) authorize(x *exchange, wanted auth.Roles) error {
	header := []byte(x.request.Header.Get("Authorization"))
	who, err := p.tokens.Authorize(header, wanted, x.started.Unix(), rand.Uint64())
	if who != nil { // also when a role is missing: the audit log says who tried
		x.actor, x.roles = who.Actor(), who.Roles
	}
	if err != nil {
		p.auditRefusal(x, err)
		return err
	}
	accept.Prove(x.request.Context(), x.started)
	x.sales, x.who, x.token = who.Sales, who, auth.TokenOf(header)
	return nil
}

// shown lets only the wanted roles see what another package answers. A certificate that the
// listener has taken is an operator's or a node's, so that it does for a token: Prometheus and
// the profiler can show one.
func (p *Private) shown(wanted auth.Roles, handler http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		x := req.Context().Value(exchangeKey{}).(*exchange)
		x.writer, x.request = w, req
		if req.TLS == nil || len(req.TLS.PeerCertificates) == 0 {
			err := p.authorize(x, wanted)
			if err == nil && x.sales.Limited() {
				err = notOfSales(x)
			}
			if err != nil {
				x.fail(err)
				return
			}
		}
		handler(w, req)
	})
}

// guard answers the error of a handler, and keeps a bug in it from showing as a
// broken connection. What a handler aborts is broken on purpose: an answer that was begun and
// cannot be whole must not end as if it were.
func (p *Private) guard(x *exchange, which route, handler func() error) {
	defer func() {
		switch bug := recover(); bug {
		case nil:
		case http.ErrAbortHandler:
			x.aborted, x.outcome = true, outcomeOfKind(contract.Internal)
		default:
			p.config.Logger.Error("request handler panicked", "request", x.id, "route", routeNames[which], "panic", bug, "stack", string(debug.Stack()))
			x.fail(fmt.Errorf("%w: panic: %v", contract.ErrInternal, bug))
		}
	}()
	if err := handler(); err != nil {
		x.fail(err)
	}
}

// fail answers with the problem that an error is.
func (x *exchange) fail(err error) {
	problem := *contract.ProblemOf(err)
	problem.Instance = x.path + "#" + x.id
	kind := problem.Kind()
	headers := x.writer.Header()
	if retry := retryAfter(&problem); retry > 0 {
		headers.Set("Retry-After", strconv.Itoa(retry))
	}
	if problem.Status == http.StatusUnauthorized {
		headers.Set("WWW-Authenticate", wwwAuthenticate(problem.Detail, x.request.Header.Get("Authorization") != ""))
	}
	if problem.Allow != "" {
		headers.Set("Allow", problem.Allow)
	}
	if kind == contract.Internal {
		tellInternal(x.log, x.path, x.id, err)
	}
	x.outcome = outcomeOfKind(kind)
	x.answer(problem.Status, contract.ProblemMediaType, &problem)
}

// answer sends a value of the contract.
func (x *exchange) answer(status int, mediaType string, value any) {
	body, err := json.Marshal(value)
	if err != nil { // the contract's types can always be marshalled
		panic("api: cannot encode an answer: " + err.Error())
	}
	if x.query.Pretty {
		body = indent(body)
	}
	x.writer.Header().Set("Content-Type", mediaType)
	x.writer.Header().Set("X-Content-Type-Options", "nosniff")
	x.writer.WriteHeader(status)
	_, _ = x.writer.Write(body) // a caller who left cannot be told
}

// ok answers 200.
func (x *exchange) ok(value any) error {
	x.answer(http.StatusOK, contract.DecisionMediaType, value)
	return nil
}

// decide asks for a decision and waits until reads show it.
func (p *Private) decide(x *exchange, c *sequencer.Command) (sequencer.Result, error) {
	c.Actor = x.actor
	result, err := p.backend.DecideAs(x.token, c)
	if err != nil {
		return result, err
	}
	if err := problemOfDecision(&result); err != nil {
		return result, err
	}
	if result.Code == sequencer.CodeClosed {
		problem := contract.NewProblem(contract.SaleClosed, "")
		problem.Seq = result.Seq
		return result, problem
	}
	ctx, cancel := context.WithTimeout(x.request.Context(), p.config.ReadWait)
	defer cancel()
	_ = p.backend.WaitApplied(ctx, result.Seq) // the decision stands, shown or not
	return result, nil
}

// unrouted returns the problem of a request that no route takes: the mux'
// handler for it knows whether the path or the method is wrong.
func unrouted(handler http.Handler, req *http.Request) *contract.Problem {
	probe := probeWriter{header: http.Header{}}
	handler.ServeHTTP(&probe, req)
	if probe.status != http.StatusMethodNotAllowed {
		return contract.NewProblem(contract.NotFound, "there is no such route")
	}
	problem := contract.NewProblem(contract.MethodNotAllowed, "allowed are "+probe.header.Get("Allow"))
	problem.Allow = probe.header.Get("Allow")
	return problem
}

// probeWriter takes an answer's status and header and drops its body.
type probeWriter struct {
	header http.Header
	status int
}

func (w *probeWriter) Header() http.Header         { return w.header }
func (w *probeWriter) WriteHeader(status int)      { w.status = status }
func (w *probeWriter) Write(b []byte) (int, error) { return len(b), nil }

// decode reads the request's body into a value of the contract.
func (x *exchange) decode(value any) error {
	if err := strict.CheckJSON(x.request.Header.Get("Content-Type")); err != nil {
		return err
	}

	body, err := io.ReadAll(x.request.Body)
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return contract.NewProblem(contract.BodyTooLarge, fmt.Sprintf("the body has more than %d bytes", tooLarge.Limit))
	}
	if err != nil {
		return contract.NewProblem(contract.BadRequest, "the body could not be read")
	}
	return strict.DecodeJSON(body, value)
}

// noBody refuses a body where none belongs: who sends one expects it to matter.
func (x *exchange) noBody() error {
	if n, _ := io.ReadFull(x.request.Body, make([]byte, 1)); n > 0 {
		return contract.NewProblem(contract.BadRequest, "this route takes no body")
	}
	return nil
}
