package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"onsale/api/contract"
)

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

// etagMatches reports whether an If-None-Match names the tag, compared weakly
// (RFC 9110, section 13.1.2).
func etagMatches(ifNoneMatch, tag string) bool {
	for candidate := range strings.SplitSeq(ifNoneMatch, ",") {
		candidate = strings.TrimSpace(candidate)
		if candidate == "*" || strings.TrimPrefix(candidate, "W/") == strings.TrimPrefix(tag, "W/") {
			return true
		}
	}
	return false
}
