package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/valyala/fasthttp"

	"onsale/api/auth"
	"onsale/api/contract"
	"onsale/api/strict"
	"onsale/sequencer"
)

// request is everything that one buyers' request needs, pooled so that the buy
// path allocates nothing. What its slices refer to ends with the request.
type request struct {
	ctx    *fasthttp.RequestCtx
	log    *slog.Logger
	header strict.Header
	query  strict.Query
	path   []byte
	raw    []byte // the query as it came
	who    *auth.Identity
	// shard is where this request's counts go. It stays with the pooled
	// request, and that mostly with one core, so that cores do not take each
	// other's counters out of their caches.
	shard   uint64
	started time.Time
	decided time.Duration // time spent in Decide

	route    route
	outcome  outcome
	bought   bool // the log has decided a buy
	command  sequencer.Command
	cluster  uint8  // number of the cluster that the buy went to
	startsAt int64  // of its sale
	id       []byte // X-Request-Id of the answer
	idBuffer [ulid.EncodedSize]byte
	body     []byte // scratch for the answer
}

// begin makes the request ready; end undoes what must not outlive it.
func (r *request) begin(ctx *fasthttp.RequestCtx, now time.Time) {
	r.ctx, r.started, r.decided = ctx, now, 0
	r.route, r.outcome, r.who, r.bought = routeOther, outcomeOK, nil, false
	r.id, r.path, r.body = nil, nil, r.body[:0]
}

func (r *request) end() {
	r.ctx, r.who, r.path, r.raw, r.id = nil, nil, nil, nil, nil
	r.header, r.query, r.command = strict.Header{}, strict.Query{}, sequencer.Command{}
}

// requestID returns the id that the request came with, or makes one. The
// randomness only has to tell requests of one millisecond apart.
func (r *request) requestID() []byte {
	if r.id == nil {
		if r.id = r.header.RequestID; r.id == nil {
			r.id = appendRequestID(r.idBuffer[:0], r.started)
		}
	}
	return r.id
}

// appendRequestID appends a new ULID.
func appendRequestID(dst []byte, now time.Time) []byte {
	var id ulid.ULID
	_ = id.SetTime(uint64(now.UnixMilli())) // fails after the year 10889 only
	high, low := rand.Uint64(), rand.Uint64()
	for i := range 8 {
		id[6+i] = byte(high >> (8 * i))
	}
	id[14], id[15] = byte(low), byte(low>>8)
	dst = append(dst, make([]byte, ulid.EncodedSize)...)
	_ = id.MarshalTextTo(dst[len(dst)-ulid.EncodedSize:]) // fails for another length only
	return dst
}

// send answers with a body that is a contract's JSON already.
func (r *request) send(status int, mediaType string, body []byte) {
	response := &r.ctx.Response
	response.SetStatusCode(status)
	response.Header.SetContentType(mediaType)
	response.SetBody(body)
}

// sendScratch answers with r.body, without a copy: the two swap their buffers.
func (r *request) sendScratch(status int, mediaType string) {
	response := &r.ctx.Response
	response.SetStatusCode(status)
	response.Header.SetContentType(mediaType)
	r.body = response.SwapBody(r.body)
}

// sendJSON answers with a value of the contract.
func (r *request) sendJSON(status int, mediaType string, value any) {
	body, err := json.Marshal(value)
	if err != nil { // the contract's types can always be marshalled
		panic("api: cannot encode an answer: " + err.Error())
	}
	if r.query.Pretty {
		body = indent(body)
	}
	r.send(status, mediaType, body)
}

// fail answers with the problem that an error is.
func (r *request) fail(err error) {
	problem := *contract.ProblemOf(err)
	problem.Instance = string(r.path) + "#" + string(r.requestID())
	response := &r.ctx.Response
	response.ResetBody()
	if retry := retryAfter(&problem); retry > 0 {
		response.Header.Set("Retry-After", strconv.Itoa(retry))
	}
	if problem.Status == fasthttp.StatusUnauthorized {
		response.Header.Set("WWW-Authenticate", wwwAuthenticate(problem.Detail, len(r.header.Authorization) > 0))
	}
	if problem.Kind() == contract.Internal {
		tellInternal(r.log, routeNames[r.route], string(r.requestID()), err)
	}
	r.outcome = outcomeOfKind(problem.Kind())
	r.sendJSON(problem.Status, contract.ProblemMediaType, &problem)
}

// tellInternal logs what the caller is not told of a bug, under the id that the answer has.
func tellInternal(log *slog.Logger, route, id string, err error) {
	log.Error("a request was answered with an internal error", "request", id, "route", route, "error", err)
}

// finish sets the headers that every answer has.
func (r *request) finish(took time.Duration) {
	headers := &r.ctx.Response.Header
	headers.SetCanonical(nameRequestID, r.requestID())
	if r.header.WantsTiming {
		headers.Set("Server-Timing", serverTiming(took, r.decided))
	}
}

// Header names and values as the HTTP library wants them on the hot path.
var (
	nameRequestID    = []byte("X-Request-Id")
	nameCacheControl = []byte("Cache-Control")
	nameReplayed     = []byte("Idempotent-Replayed")
	valueNoStore     = []byte("no-store")
	valueTrue        = []byte("true")
)

// retryAfter returns the Retry-After for a problem, in seconds, 0 for none: not
// before the problem itself says, if it does. It differs from caller to caller,
// or all who were turned away together would come back together.
func retryAfter(problem *contract.Problem) int {
	kind := problem.Kind()
	entry := kind.Entry()
	switch {
	case problem.RetryAfter > 0:
		return wholeSeconds(problem.RetryAfter) + rand.IntN(5)
	case kind == contract.OutcomeUnknown || kind == contract.NoLeader:
		return 1 + rand.IntN(2) // an election takes about a second
	case entry.Retry && entry.Status != 408:
		return 1 + rand.IntN(5)
	}
	return 0
}

// wwwAuthenticate returns the WWW-Authenticate of a 401 (RFC 6750, section 3).
func wwwAuthenticate(detail string, tokenSent bool) string {
	if !tokenSent {
		return `Bearer realm="onsale"`
	}
	return fmt.Sprintf(`Bearer realm="onsale", error="invalid_token", error_description="%s"`, strings.ReplaceAll(detail, `"`, `'`))
}

// serverTiming says where the time went: here, and waiting for the decision.
func serverTiming(took, decided time.Duration) string {
	milliseconds := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	return fmt.Sprintf("front-end;dur=%.3f, decide;dur=%.3f", milliseconds(took-decided), milliseconds(decided))
}

// indent makes JSON readable.
func indent(compact []byte) []byte {
	var readable bytes.Buffer
	if json.Indent(&readable, compact, "", "  ") != nil {
		return compact
	}
	readable.WriteByte('\n')
	return readable.Bytes()
}
