package strict

import (
	"github.com/valyala/fasthttp"

	"onsale/api/contract"
)

// Bounds says how large a request's head may be.
type Bounds struct {
	HeaderLinesMax int
	URIBytesMax    int
}

// ReadHead looks at all of a request but its body: it reads the header into h and
// returns the target's two parts, which refer to the connection's buffer.
func ReadHead(request *fasthttp.RequestHeader, h *Header, bounds Bounds) (path, query []byte, problem *contract.Problem) {
	if problem := checkVersion(request.Protocol()); problem != nil {
		return nil, nil, problem
	}
	if problem := h.Read(request.RawHeaders(), bounds.HeaderLinesMax); problem != nil {
		return nil, nil, problem
	}
	return SplitTarget(request.RequestURI(), bounds.URIBytesMax)
}

func checkVersion(protocol []byte) *contract.Problem {
	switch string(protocol) {
	case "HTTP/1.1", "HTTP/1.0":
		return nil
	}
	return contract.NewProblem(contract.UnsupportedVersion, "")
}

// CheckBody refuses a body whose length is not told in the one way that everybody reads
// alike. The body itself may be still to come.
func (h *Header) CheckBody() *contract.Problem {
	switch {
	case h.Chunked:
		return contract.NewProblem(contract.BadRequest, "send the body with a Content-Length, not with Transfer-Encoding")
	case h.Expects && !h.HasBody:
		return contract.NewProblem(contract.ExpectationFailed, "there is no body to go on with")
	}
	return nil
}
