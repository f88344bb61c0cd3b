package strict

import (
	"bytes"
	"strconv"

	"onsale/api/contract"
)

// SplitTarget splits a raw request target into path and query. Only one
// spelling of a path is accepted, so that no proxy in front and no router
// behind can read it differently: it begins with one slash, has no empty, "."
// or ".." segment, and nothing that would need percent-encoding, as no id of
// ours does. It is checked before anything decodes it.
func SplitTarget(target []byte, bytesMax int) (path, query []byte, problem *contract.Problem) {
	if len(target) > bytesMax {
		return nil, nil, contract.NewProblem(contract.URITooLong, "the request target has more than "+strconv.Itoa(bytesMax)+" bytes")
	}
	path, query, _ = bytes.Cut(target, []byte{'?'})
	if len(path) == 0 || path[0] != '/' {
		return nil, nil, contract.NewProblem(contract.BadRequest, "the request target must begin with a slash")
	}
	for i, c := range path {
		if c == '/' {
			if problem := checkSegment(path[i+1:]); problem != nil {
				return nil, nil, problem
			}
		} else if !IsPlain(c) {
			return nil, nil, contract.NewProblem(contract.BadRequest, "the path has a character that no path of this service has")
		}
	}
	return path, query, nil
}

// checkSegment looks at the path segment that rest begins with.
func checkSegment(rest []byte) *contract.Problem {
	segment, _, more := bytes.Cut(rest, []byte{'/'})
	empty := len(segment) == 0 && more
	if empty || string(segment) == "." || string(segment) == ".." {
		return contract.NewProblem(contract.BadRequest, "the path has an empty, \".\" or \"..\" segment")
	}
	return nil
}
