package strict

import (
	"bytes"
	"strconv"

	"onsale/api/contract"
)

// Header is what the server reads of a request's header. The slices refer to
// the connection's buffer and end with the request.
type Header struct {
	Authorization []byte
	Key           []byte // Idempotency-Key
	RequestID     []byte // X-Request-Id; nil when absent or not usable
	IfNoneMatch   []byte
	LastEventID   []byte
	ContentType   []byte
	Signature     []byte // Onsale-Signature or Stripe-Signature, of a webhook
	HasBody       bool   // a body was announced, with Transfer-Encoding or a Content-Length above 0
	Chunked       bool   // with Transfer-Encoding
	Expects       bool   // with Expect: 100-continue
	WantsTiming   bool   // X-Server-Timing was sent
	Challenge     []byte // X-Challenge-Response

	// X-Forwarded-For: whether it came, more than once, and what it was last.
	// It is judged by conn.SenderOf, because it counts from trusted proxies only.
	Forwarded, ForwardedTwice bool
	ForwardedFor              []byte

	seen uint16 // bits of the lines that may come once
}

const (
	seenAuthorization = 1 << iota
	seenKey
	seenHost
	seenLength
	seenRequestID
	seenIfNoneMatch
	seenContentType
	seenSignature
	seenChallenge
	seenLastEventID
	seenExpect
)

// requestIDBytesMax bounds an X-Request-Id that is taken over.
const requestIDBytesMax = 64

// Read looks at every line of a raw header block (without the request line),
// once, and refuses what the HTTP library would accept but another one might
// read otherwise: folded lines, bare line feeds, names with spaces, and lines
// that came twice.
func (h *Header) Read(raw []byte, linesMax int) *contract.Problem {
	*h = Header{}
	for lines := 0; ; lines++ {
		end := bytes.IndexByte(raw, '\n')
		if end < 0 && len(raw) == 0 && lines == 0 {
			return nil // HTTP/1.0 allows a request without header
		}
		if end < 1 || raw[end-1] != '\r' {
			return contract.NewProblem(contract.BadRequest, "a header line must end with CR LF")
		}
		line := raw[:end-1]
		raw = raw[end+1:]
		if len(line) == 0 {
			if len(raw) != 0 {
				return contract.NewProblem(contract.BadRequest, "the header has an empty line inside")
			}
			return nil
		}
		if lines == linesMax {
			return contract.NewProblem(contract.HeadersTooLarge, "more than "+strconv.Itoa(linesMax)+" header lines")
		}
		if problem := h.line(line); problem != nil {
			return problem
		}
	}
}

// line reads one header line.
func (h *Header) line(line []byte) *contract.Problem {
	if line[0] == ' ' || line[0] == '\t' {
		return contract.NewProblem(contract.BadRequest, "folded header lines are not accepted")
	}
	colon := 0
	for colon < len(line) && fieldNameBytes[line[colon]] {
		colon++
	}
	if colon == 0 || colon == len(line) || line[colon] != ':' {
		return contract.NewProblem(contract.BadRequest, "a header line has no proper name")
	}
	name, value := line[:colon], line[colon+1:]
	// Few lines have a length that matters, so most cost one comparison.
	switch colon {
	case len("Host"):
		if EqualFold(name, "host") {
			return h.host(TrimSpace(value))
		}
	case len("Expect"):
		if EqualFold(name, "expect") {
			return h.expect(TrimSpace(value))
		}
	case len("X-Request-Id"): // and Content-Type
		if EqualFold(name, "content-type") {
			h.ContentType = TrimSpace(value)
			return h.once(seenContentType, "Content-Type")
		}
		if EqualFold(name, "x-request-id") {
			h.RequestID = UsableRequestID(TrimSpace(value))
			return h.once(seenRequestID, "X-Request-Id")
		}
	case len("Authorization"): // and If-None-Match and Last-Event-ID
		if EqualFold(name, "authorization") {
			h.Authorization = TrimSpace(value)
			return h.once(seenAuthorization, "Authorization")
		}
		if EqualFold(name, "if-none-match") {
			h.IfNoneMatch = TrimSpace(value)
			return h.once(seenIfNoneMatch, "If-None-Match")
		}
		if EqualFold(name, "last-event-id") {
			h.LastEventID = TrimSpace(value)
			return h.once(seenLastEventID, "Last-Event-ID")
		}
	case len("Onsale-Signature"): // and Stripe-Signature
		if EqualFold(name, "onsale-signature") || EqualFold(name, "stripe-signature") {
			h.Signature = TrimSpace(value)
			return h.once(seenSignature, string(name))
		}
	case len("Content-Length"):
		if EqualFold(name, "content-length") {
			return h.contentLength(TrimSpace(value))
		}
	case len("Idempotency-Key"): // and X-Server-Timing and X-Forwarded-For
		if EqualFold(name, "idempotency-key") {
			return h.idempotencyKey(TrimSpace(value))
		}
		if EqualFold(name, "x-forwarded-for") {
			h.Forwarded, h.ForwardedTwice, h.ForwardedFor = true, h.Forwarded, TrimSpace(value)
			return nil
		}
		h.WantsTiming = h.WantsTiming || EqualFold(name, "x-server-timing")
	case len(contract.ChallengeHeader):
		if EqualFold(name, "x-challenge-response") {
			h.Challenge = TrimSpace(value)
			return h.once(seenChallenge, contract.ChallengeHeader)
		}
	case len("Transfer-Encoding"):
		h.Chunked = h.Chunked || EqualFold(name, "transfer-encoding")
		h.HasBody = h.HasBody || h.Chunked
	}
	return nil
}

func (h *Header) once(bit uint16, name string) *contract.Problem {
	if h.seen&bit != 0 {
		return contract.BadParameter(name, "the header "+name+" came more than once")
	}
	h.seen |= bit
	return nil
}

// host refuses what is no host and port. Nothing here depends on it, but proxies route
// and cache by it.
func (h *Header) host(value []byte) *contract.Problem {
	for _, c := range value {
		if !hostBytes[c] {
			return contract.BadParameter("Host", "Host must be a host, perhaps with a port")
		}
	}
	return h.once(seenHost, "Host")
}

func (h *Header) expect(value []byte) *contract.Problem {
	if !EqualFold(value, "100-continue") {
		return contract.NewProblem(contract.ExpectationFailed, "Expect may be 100-continue only")
	}
	h.Expects = true
	return h.once(seenExpect, "Expect")
}

func (h *Header) contentLength(value []byte) *contract.Problem {
	if len(value) == 0 || len(value) > 18 {
		return contract.BadParameter("Content-Length", "Content-Length must be a number")
	}
	for _, c := range value {
		if c < '0' || c > '9' {
			return contract.BadParameter("Content-Length", "Content-Length must be a number")
		}
		h.HasBody = h.HasBody || c != '0'
	}
	return h.once(seenLength, "Content-Length")
}

func (h *Header) idempotencyKey(value []byte) *contract.Problem {
	const rule = "Idempotency-Key must be 1 to 64 printable ASCII characters"
	if len(value) < 1 || len(value) > 64 {
		return contract.BadParameter("Idempotency-Key", rule)
	}
	for _, c := range value {
		if c < 0x20 || c > 0x7e {
			return contract.BadParameter("Idempotency-Key", rule)
		}
	}
	h.Key = value
	return h.once(seenKey, "Idempotency-Key")
}

// UsableRequestID returns the id when it can stand in a URI and in a log line
// as it is, else nil: a bad one is replaced, not refused.
func UsableRequestID(id []byte) []byte {
	if len(id) == 0 || len(id) > requestIDBytesMax {
		return nil
	}
	for _, c := range id {
		if !IsPlain(c) {
			return nil
		}
	}
	return id
}
