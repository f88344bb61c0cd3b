package api

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"onsale/api/auth"
	"onsale/internal/auditlog"
	"onsale/sequencer"
)

// trail is an audit log that keeps its lines, or cannot be written.
type trail struct {
	mu    sync.Mutex
	lines []auditlog.Entry
	fails bool
}

func (l *trail) Write(e auditlog.Entry) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fails {
		return auditlog.ErrNotWritten
	}
	l.lines = append(l.lines, e)
	return nil
}

func (l *trail) Refused(e auditlog.Entry) { _ = l.Write(e) }

// take returns the lines since the call before.
func (l *trail) take() []auditlog.Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := l.lines
	l.lines = nil
	return lines
}

// A verb has a line before it is done and one with what came of it: who, from where, under
// which request's id, on what, and what is another now.
func TestVerbsAreAudited(t *testing.T) {
	f := serve(t)
	for _, step := range []struct {
		method, path, body, target, outcome string
		before, after                       map[string]any
	}{
		{"POST", "/v1/sales", newSale, "gig", "ok", nil, map[string]any{"quantity": uint32(100), "status": "open"}},
		{"POST", "/v1/sales", newSale, "gig", "sale-exists", nil, nil},
		{"POST", "/v1/sales/gig/pause", "", "gig", "ok", map[string]any{"status": "open"}, map[string]any{"status": "paused"}},
		{"PATCH", "/v1/sales/gig", `{"waitlist":3}`, "gig", "ok", map[string]any{"waitlist": uint32(0)}, map[string]any{"waitlist": uint32(3)}},
		{"POST", "/v1/sales/none/close", "", "none", "unknown-sale", nil, nil},
		{"POST", "/v1/sales/gig/pause?a=b", "", "", "", nil, nil}, // no verb: the query is none
	} {
		f.call(step.method, f.private, step.path, "@seller", step.body, "X-Request-Id: r-7")
		lines := f.audit.take()
		if step.outcome == "" {
			if len(lines) != 0 {
				t.Errorf("%s %s: %+v", step.method, step.path, lines)
			}
			continue
		}
		if len(lines) != 2 || lines[0].Outcome != auditlog.Begun || lines[1].Outcome != step.outcome {
			t.Fatalf("%s %s: %+v", step.method, step.path, lines)
		}
		for _, line := range lines {
			if line.Actor != "@seller" || !slices.Equal(line.Roles, []string{"seller"}) || line.From != "127.0.0.1" || line.RequestID != "r-7" || line.Target != step.target ||
				!strings.HasPrefix(line.Verb, step.method+" /v1/sales") {
				t.Errorf("%s %s: %+v", step.method, step.path, line)
			}
		}
		for name, value := range step.before {
			if lines[1].Before[name] != value {
				t.Errorf("%s %s: before %v", step.method, step.path, lines[1].Before)
			}
		}
		for name, value := range step.after {
			if lines[1].After[name] != value {
				t.Errorf("%s %s: after %v", step.method, step.path, lines[1].After)
			}
		}
	}
	f.seller("GET", "/v1/sales/gig", "").want(200, "")
	if lines := f.audit.take(); len(lines) != 0 {
		t.Errorf("who only looks has no line: %+v", lines)
	}
}

// Who is refused has a line, with a name when the token says one.
func TestRefusedAttemptsAreAudited(t *testing.T) {
	f := serve(t)
	f.call("POST", f.private, "/v1/sales/gig/close", "alice", "").want(403, "forbidden")
	f.call("GET", f.private, "/metrics", "", "").want(401, "unauthorized")
	lines := f.audit.take()
	if len(lines) != 2 || lines[0].Actor != "alice" || lines[0].Outcome != "forbidden" || lines[0].Target != "gig" || !slices.Equal(lines[0].Roles, auth.RoleBuyer.Names()) ||
		lines[1].Actor != "" || lines[1].Outcome != "unauthorized" || lines[1].Verb != "GET /metrics" {
		t.Errorf("%+v", lines)
	}
}

// When nothing can be written down nothing is done, but what keeps harm away.
func TestWithoutAuditLog(t *testing.T) {
	f := serve(t)
	f.sale("gig", func(s *sequencer.SaleSpec) {})
	f.audit.fails = true
	decided := f.backend.decided
	f.seller("POST", "/v1/sales", newSale).want(503, "audit-log-failed")
	f.seller("POST", "/v1/sales/gig/resume", "").want(503, "audit-log-failed")
	f.seller("PATCH", "/v1/sales/gig", `{"waitlist":3}`).want(503, "audit-log-failed")
	if f.backend.decided != decided {
		t.Errorf("%d commands were decided", f.backend.decided-decided)
	}
	f.seller("POST", "/v1/sales/gig/pause", "").want(200, "")
	f.seller("POST", "/v1/sales/gig/close", "").want(200, "")
	f.call("GET", f.private, "/v1/sales/gig", "@seller", "").want(200, "")
}

// A body that broke off, or is too long, is for the handler to refuse as it does.
func TestAuditedBodyIsReadAgain(t *testing.T) {
	f := serve(t)
	f.seller("POST", "/v1/sales", `{"id":"`+strings.Repeat("x", 5000)+`"}`).want(413, "body-too-large")
	if _, err := (failing{errTorn}).Read(nil); !errors.Is(err, errTorn) {
		t.Errorf("%v", err)
	}
}

var errTorn = errors.New("torn")

// Each verb that goes on is one that there is.
func TestVerbsThatGoOn(t *testing.T) {
	f := serve(t)
	p := &Private{backend: f.backend, operations: Operations{Cluster: map[string]Step{"POST /v1/cluster/transfer": {}, "POST /v1/cluster/demote": {}, "POST /v1/cluster/remove": {}}}}
	count := 0
	for _, pattern := range p.newMux().patterns {
		if goesOn(pattern) {
			count++
		}
	}
	if count != 5 {
		t.Errorf("%d of the routes go on", count)
	}
}
