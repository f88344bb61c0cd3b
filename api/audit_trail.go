package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"onsale/api/contract"
	"onsale/internal/auditlog"
)

// goesOn reports whether a verb is done although the audit log cannot be written: it keeps
// harm away, and must not wait for a disk. The others are refused then.
func goesOn(pattern string) bool {
	switch pattern {
	case "POST /v1/sales/{id}/pause", "POST /v1/sales/{id}/close", "POST /v1/cluster/transfer", "POST /v1/cluster/demote", "POST /v1/cluster/remove":
		return true
	}
	return false
}

// isAudited reports whether a route is a verb: it changes something, or hands out everything.
func isAudited(pattern string) bool {
	return !strings.HasPrefix(pattern, http.MethodGet) || pattern == "GET /v1/snapshot"
}

// audited lets a verb have a line in the audit log before it is done, without which most are
// not done, and one with what came of it.
func (p *Private) audited(x *exchange, handler func(*exchange) error) error {
	if p.operations.Audit == nil || !isAudited(x.request.Pattern) {
		return handler(x)
	}
	x.target = x.targetOf()
	before := p.seen(x)
	err := p.operations.Audit.Write(x.entry(auditlog.Begun))
	if err != nil && !goesOn(x.request.Pattern) {
		return contract.NewProblem(contract.AuditLogFailed, "nothing was done: who does what is written down first; see the node's alarms")
	}

	failure := handler(x)

	entry := x.entry(outcomeWord(failure))
	if failure == nil {
		entry.Before, entry.After = contract.Difference(before, p.seen(x))
	}
	_ = p.operations.Audit.Write(entry) // it was done: that there is no line is an alarm
	return failure
}

// auditRefusal writes down that somebody was not let in.
func (p *Private) auditRefusal(x *exchange, err error) {
	if p.operations.Audit != nil {
		x.target = x.pathTarget()
		p.operations.Audit.Refused(x.entry(outcomeWord(err)))
	}
}

// outcomeWord is how a verb ended, as the audit log names it.
func outcomeWord(err error) string {
	if err == nil {
		return auditlog.Done
	}
	return contract.ProblemOf(err).Code
}

// entry is a line about this request.
func (x *exchange) entry(outcome string) auditlog.Entry {
	from, _, err := net.SplitHostPort(x.request.RemoteAddr)
	if err != nil {
		from = x.request.RemoteAddr
	}
	return auditlog.Entry{Actor: string(x.actor), Roles: x.roles.Names(), From: from, RequestID: x.id,
		Verb: x.request.Pattern, Target: x.target, Outcome: outcome}
}

// pathTarget is what the path and the query name.
func (x *exchange) pathTarget() string {
	target := x.request.PathValue("id") + x.request.PathValue("uid")
	if query := x.pseudonymous(x.request.URL.RawQuery); query != "" {
		target += "?" + query
	}
	return target
}

// targetOf is what a verb is about: what its path names, or else its body. The body can be
// read again.
func (x *exchange) targetOf() string {
	if target := x.pathTarget(); target != "" || x.request.Method == http.MethodGet {
		return target
	}
	body, err := io.ReadAll(x.request.Body)
	x.request.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), failing{err}))
	var named struct {
		ID        string   `json:"id"`
		UID       string   `json:"uid"`
		Order     string   `json:"order"`
		Payment   string   `json:"payment"`
		Addresses []string `json:"addresses"`
		Level     uint16   `json:"level"`
	}
	_ = json.Unmarshal(body, &named) // whether it does is the handler's to say
	if named.Level != 0 {
		return fmt.Sprintf("level %d", named.Level)
	}
	return strings.Join(append([]string{named.ID + named.UID + named.Order + named.Payment}, named.Addresses...), " ")
}

// failing ends a body that could not be read as it ended before.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	return 0, io.EOF
}

// seen is what a verb may change, as this process has it.
func (p *Private) seen(x *exchange) map[string]any {
	switch {
	case strings.Contains(x.request.Pattern, " /v1/sales") && p.backend != nil:
		id, _, _ := strings.Cut(x.target, "?")
		if view, known := p.backend.SaleByID(id); known {
			return contract.Settings(view, max(x.started.UnixNano(), view.AsOfTime))
		}
	case strings.Contains(x.request.Pattern, " /v1/cluster") && p.operations.Membership != nil:
		return p.operations.Membership()
	}
	return map[string]any{}
}
