package api

import (
	"bufio"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"onsale/api/apitest"
	"onsale/api/auth"
	"onsale/proof/testenv"
)

// described is the description, read once: that takes long.
var described = sync.OnceValues(func() (*apitest.Document, error) { return apitest.Load(OpenAPI(), openAPIPath) })

func theDescription(t testing.TB) *apitest.Document {
	t.Helper()
	d, err := described()
	must(t, err)
	return d
}

// conformingClient holds every exchange to the description; in a short run the first one of
// each route and status.
func conformingClient(t testing.TB) *http.Client {
	check := testenv.Pick(theDescription(t).Check, theDescription(t).CheckFirst)
	return &http.Client{Transport: &apitest.Transport{Check: check, Base: &http.Transport{}, Report: func(err error) { t.Error(err) }}}
}

// conforms holds an answer to the description when its raw request is one.
func (a *answer) conforms(raw string) {
	a.t.Helper()
	request, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
	if err != nil {
		return // no two would agree on what was asked
	}
	x := &apitest.Exchange{Request: request, Status: a.status, Header: a.header, Body: a.body}
	if err := testenv.Pick(theDescription(a.t).Check, theDescription(a.t).CheckFirst)(x); err != nil {
		a.t.Error(err)
	}
}

// Both listeners hand the same document out, without a token, and caches may keep it.
func TestOpenAPIIsServed(t *testing.T) {
	f := serve(t)
	for _, address := range []string{f.public, f.private} {
		whole := f.call("GET", address, openAPIPath, "", "").want(200, "")
		tag := whole.header.Get("ETag")
		if string(whole.body) != OpenAPI() || whole.header.Get("Content-Type") != "application/yaml" || tag == "" || strings.HasPrefix(tag, "W/") {
			t.Errorf("%d bytes, header %v", len(whole.body), whole.header)
		}
		same := f.call("GET", address, openAPIPath, "", "", "If-None-Match: "+tag).want(304, "")
		if len(same.body) != 0 || same.header.Get("ETag") != tag || same.header.Get("Cache-Control") != whole.header.Get("Cache-Control") {
			t.Errorf("304 with %q %v", same.body, same.header)
		}
		f.call("GET", address, openAPIPath, "", "", `If-None-Match: "other"`).want(200, "")
		head := f.call("HEAD", address, openAPIPath, "", "").want(200, "")
		if len(head.body) != 0 || head.header.Get("Content-Length") != whole.header.Get("Content-Length") {
			t.Errorf("HEAD %v", head.header)
		}
		f.call("GET", address, openAPIPath+"?x=1", "", "").want(400, "bad-request")
		f.call("POST", address, openAPIPath, "", "").want(405, "method-not-allowed")
	}
	f.backend.set(func(b *testBackend) { b.load = 1 })
	f.call("GET", f.public, openAPIPath, "", "").want(503, "overloaded")
	f.call("GET", f.private, openAPIPath, "", "").want(200, "")
}

// TestOpenAPISecurity: who may call is what the description says, for every route
// and every role.
func TestOpenAPISecurity(t *testing.T) {
	f := serve(t)
	for _, o := range theDescription(t).Operations() {
		if o.Security == nil {
			t.Errorf("%s %s does not say who may call it", o.Method, o.Path)
			continue
		}
		for _, address := range f.addresses(&o) {
			if strings.HasPrefix(o.Path, "/debug/") || !f.routes(address, &o) {
				continue // a profile takes its time; the cluster's routes are cmd's
			}
			allowed := rolesAt(&o, address == f.public)
			if a := f.call(o.Method, address, o.Target(), "", ""); (a.status == 401) != (len(allowed) > 0) {
				t.Errorf("%s %s without a token: %d", o.Method, o.Path, a.status)
			}
			for _, role := range (auth.RoleBuyer | auth.RoleSeller | auth.RoleOperator | auth.RoleAuditor | auth.RoleMonitor).Names() {
				a := f.call(o.Method, address, o.Target(), "@"+role, "")
				if refused := len(allowed) > 0 && !slices.Contains(allowed, role); (a.status == 403) != refused || a.status == 401 {
					t.Errorf("%s %s as %s: %d, allowed are %v", o.Method, o.Path, role, a.status, allowed)
				}
			}
		}
	}
}

// rolesAt returns who may call an operation on one of the listeners: what both have is for
// buyers on theirs, and for all others on the private one.
func rolesAt(o *apitest.Operation, public bool) []string {
	roles := o.Roles()
	if !onListener(o, publicListener) || !onListener(o, privateListener) {
		return roles
	}
	return slices.DeleteFunc(roles, func(role string) bool { return (role == "buyer") != public })
}

// addresses returns where the fixture serves an operation.
func (f *fixture) addresses(o *apitest.Operation) (addresses []string) {
	if onListener(o, publicListener) {
		addresses = append(addresses, f.public)
	}
	if onListener(o, privateListener) {
		addresses = append(addresses, f.private)
	}
	return addresses
}

// routes reports whether a listener of the fixture has the route at all.
func (f *fixture) routes(address string, o *apitest.Operation) bool {
	return f.call("PATCH", address, o.Target(), "", "").problem.Code != "not-found"
}
