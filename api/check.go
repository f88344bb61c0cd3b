package api

import (
	"github.com/valyala/fasthttp"

	"onsale/api/contract"
)

// checkRead refuses a request that was read and is not strictly well formed, before
// anything looks at it.
func (p *Public) checkRead(r *request) error {
	c := doored(r.ctx.Conn())
	strict := c == nil || c.framing.took(strictLength(r))
	if err := p.check(r); err != nil {
		return err
	}
	if !strict {
		return contract.NewProblem(contract.BadRequest, "a request begins with its request line, which ends with CR LF, and not with an empty line")
	}
	return nil
}

// check looks at a request's header; the body may be still to come.
func (p *Public) check(r *request) error {
	requestHeader := &r.ctx.Request.Header
	if problem := checkVersion(requestHeader.Protocol()); problem != nil {
		return problem
	}
	if problem := r.header.read(requestHeader.RawHeaders(), p.config.HeaderLinesMax); problem != nil {
		return problem
	}
	path, raw, problem := splitTarget(requestHeader.RequestURI(), p.config.URIBytesMax)
	if problem != nil {
		return problem
	}
	r.path, r.raw = path, raw
	switch hasBody := r.header.hasBody || len(r.ctx.Request.Body()) > 0; {
	case hasBody && !takesBody(string(requestHeader.Method()), string(path)):
		return contract.NewProblem(contract.BadRequest, "this route takes no body")
	case r.header.chunked:
		return contract.NewProblem(contract.BadRequest, "send the body with a Content-Length, not with Transfer-Encoding")
	case r.header.expects && !r.header.hasBody:
		return contract.NewProblem(contract.ExpectationFailed, "there is no body to go on with")
	}
	return nil
}

func checkVersion(protocol []byte) *contract.Problem {
	switch string(protocol) {
	case "HTTP/1.1", "HTTP/1.0":
		return nil
	}
	return contract.NewProblem(contract.UnsupportedVersion, "")
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
	if c := doored(r.ctx.Conn()); c != nil {
		c.lingers.Store(true)
	}
}

// refuse answers and counts a request that no handler saw, and returns the status.
func (p *Public) refuse(r *request, err error) (status int) {
	r.fail(err)
	r.finish(0)
	p.metrics.observe(r.shard, r.route, r.outcome, 0)
	return r.ctx.Response.StatusCode()
}
