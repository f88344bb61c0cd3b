package api

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"strconv"

	"github.com/valyala/fasthttp"

	"onsale/api/conn"
	"onsale/api/contract"
	"onsale/api/strict"
	"onsale/sequencer"
)

// checkRead refuses a request that was read and is not strictly well formed, before
// anything looks at it.
func (p *Public) checkRead(r *request) error {
	c := conn.Of(r.ctx.Conn())
	framed := c == nil || c.Took(strict.Length(&r.ctx.Request))
	if err := p.check(r); err != nil {
		return err
	}
	if !framed {
		return contract.NewProblem(contract.BadRequest, "a request begins with its request line, which ends with CR LF, and not with an empty line")
	}
	return nil
}

// check looks at a request's header; the body may be still to come.
func (p *Public) check(r *request) error {
	head := &r.ctx.Request.Header
	path, raw, problem := strict.ReadHead(head, &r.header, strict.Bounds{HeaderLinesMax: p.config.HeaderLinesMax, URIBytesMax: p.config.URIBytesMax})
	if problem != nil {
		return problem
	}
	r.path, r.raw = path, raw

	hasBody := r.header.HasBody || len(r.ctx.Request.Body()) > 0
	if hasBody && !takesBody(string(head.Method()), string(path)) {
		return contract.NewProblem(contract.BadRequest, "this route takes no body")
	}
	if problem := r.header.CheckBody(); problem != nil {
		return problem
	}
	return nil
}

// expect decides whether a body that waits for 100 Continue is read: what would be
// refused with it is refused before it is sent.
func (p *Public) expect(ctx *fasthttp.RequestCtx) (status int) {
	r := p.requests.Get().(*request)
	r.begin(ctx, p.config.Clock())
	err := p.check(r)
	if err == nil && ctx.Request.Header.ContentLength() > p.bodyBytesMax(r.path) {
		err = contract.ErrBodyTooLarge
	}
	if status = fasthttp.StatusContinue; err != nil {
		r.distrust()
		status = p.refuse(r, err)
	}
	r.end()
	p.requests.Put(r)
	return status
}

// distrust ends a connection with the answer: who broke the framing rules once is not
// read on.
func (r *request) distrust() {
	r.ctx.SetConnectionClose()
	if c := conn.Of(r.ctx.Conn()); c != nil {
		c.Linger()
	}
}

// refuse answers and counts a request that no handler saw, and returns the status.
func (p *Public) refuse(r *request, err error) (status int) {
	r.fail(err)
	r.finish(0)
	p.metrics.observe(r.shard, r.route, r.outcome, 0)
	return r.ctx.Response.StatusCode()
}

// handleUnreadable answers what the HTTP library could not read as a request.
// The connection is closed after it. What was sent is not shown back: the
// library's messages quote it, tokens included.
func (p *Public) handleUnreadable(ctx *fasthttp.RequestCtx, err error) {
	r := p.requests.Get().(*request)
	r.begin(ctx, p.config.Clock())
	problem := problemOfUnreadable(err)
	if problem.Kind() != contract.RequestTimeout { // who sends nothing is not waited for again
		r.distrust()
	}
	p.refuse(r, problem)
	r.end()
	p.requests.Put(r)
}

func problemOfUnreadable(err error) *contract.Problem {
	if _, tooSmall := errors.AsType[*fasthttp.ErrSmallBuffer](err); tooSmall {
		return contract.NewProblem(contract.HeadersTooLarge, "request line and header are too long")
	}
	if network, ok := errors.AsType[net.Error](err); ok && network.Timeout() {
		return contract.NewProblem(contract.RequestTimeout, "")
	}
	switch {
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		return contract.NewProblem(contract.BodyTooLarge, "")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return contract.NewProblem(contract.BadRequest, "the request ended too early")
	}
	return contract.NewProblem(contract.BadRequest, "this is not an HTTP/1.1 request with one Host, one Content-Length at most and proper header lines")
}

// refuseConnection writes what a connection is told that is not let in.
func (p *Public) refuseConnection(w io.Writer, why conn.Refusal) error {
	return p.tellConnection(w, p.problemOfRefusal(why))
}

// tellLate writes what a connection is told on which nothing came in time.
func (p *Public) tellLate(w io.Writer) error {
	problem := contract.NewProblem(contract.RequestTimeout, "")
	p.metrics.observe(0, routeOther, outcomeOfKind(problem.Kind()), 0)
	return p.tellConnection(w, problem)
}

func (p *Public) tellConnection(w io.Writer, problem *contract.Problem) error {
	id := string(appendRequestID(nil, p.config.Clock()))
	problem.Instance = "#" + id
	body, err := json.Marshal(problem)
	if err != nil { // the contract's types can always be marshalled
		panic("api: cannot encode an answer: " + err.Error())
	}

	response := fasthttp.AcquireResponse()
	defer fasthttp.ReleaseResponse(response)
	response.SetStatusCode(problem.Status)
	response.Header.SetContentType(contract.ProblemMediaType)
	response.Header.SetCanonical(nameRequestID, []byte(id))
	if retry := retryAfter(problem); retry > 0 {
		response.Header.Set("Retry-After", strconv.Itoa(retry))
	}
	response.SetConnectionClose()
	response.SetBodyRaw(body)
	_, err = response.WriteTo(w)
	return err
}

func (p *Public) problemOfRefusal(why conn.Refusal) *contract.Problem {
	switch why {
	case conn.RefusedAddress:
		return contract.NewProblem(contract.Throttled,
			"more than "+strconv.Itoa(p.config.ConnectionsPerAddressMax)+" connections of this address; keep one open and use it for all requests")
	case conn.RefusedStopping:
		return contract.ProblemOf(sequencer.ErrStopping)
	}
	return contract.NewProblem(contract.Overloaded, "as many connections are open as may be")
}
