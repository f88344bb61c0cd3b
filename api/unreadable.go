package api

import (
	"errors"
	"io"
	"net"

	"github.com/valyala/fasthttp"

	"onsale/api/contract"
)

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
