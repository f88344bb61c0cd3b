package main

import (
	"net/http"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"onsale/api"
	"onsale/api/apitest"
	"onsale/api/auth"
	"onsale/cluster/membership"
	"onsale/cluster/membership/route"
	"onsale/raftfsm"
)

// described is the description, read once: that takes long.
var described = sync.OnceValues(func() (*apitest.Document, error) { return apitest.Load(api.OpenAPI(), "/v1/openapi.yaml") })

func theDescription(t *testing.T) *apitest.Document {
	t.Helper()
	d, err := described()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestOpenAPIByCommand(t *testing.T) {
	for _, format := range []string{"table", "json"} {
		if command(t, 0, "openapi", "-o", format) != api.OpenAPI() {
			t.Error("something else is printed")
		}
	}
}

// The routes that this package adds to the private listener are described, with who
// may call them, and every described one is added. The others are api's to test.
func TestOpenAPIHasTheClustersRoutes(t *testing.T) {
	added := map[string]auth.Roles{}
	for pattern, step := range route.Steps(nil) {
		added[pattern] = step.Roles
	}
	for pattern, step := range webhookSteps(nil) {
		added[pattern] = step.Roles
	}
	for _, streams := range []map[string]func(http.ResponseWriter, *http.Request) error{snapshotStreams(nil, nil), webhookLetters(nil)} {
		for pattern := range streams {
			added[pattern] = auth.RoleOperator
		}
	}
	for _, o := range theDescription(t).Operations() {
		if !strings.HasPrefix(o.Path, "/v1/cluster") && !strings.HasPrefix(o.Path, "/v1/snapshot") && !strings.HasPrefix(o.Path, "/v1/webhooks") {
			continue
		}
		roles, known := added[o.Method+" "+o.Path]
		if names := slices.Sorted(slices.Values(roles.Names())); !known || !slices.Equal(names, o.Roles()) {
			t.Errorf("%s %s is described for %v; it is added: %v, for %v", o.Method, o.Path, o.Roles(), known, names)
		}
		delete(added, o.Method+" "+o.Path)
	}
	if len(added) > 0 {
		t.Errorf("not described: %v", added)
	}
}

// The JSON objects that are not the contract's have the fields that are described.
func TestOpenAPIHasTheClustersFields(t *testing.T) {
	d := theDescription(t)
	for name, kind := range map[string]reflect.Type{
		"ClusterStatus": reflect.TypeFor[membership.ClusterStatus](), "Preflight": reflect.TypeFor[membership.Preflight](), "NodeStatus": reflect.TypeFor[raftfsm.Status](),
		"FrontEndStatus": reflect.TypeOf(new(clusterTable).status()),
	} {
		for _, err := range d.CompareFields(name, kind, apitest.Answer) {
			t.Error(err)
		}
	}
	for name, kind := range map[string]reflect.Type{"Join": reflect.TypeFor[route.JoinRequest](), "MemberStep": reflect.TypeFor[route.MemberRequest](),
		"FinalizeStep": reflect.TypeFor[route.FinalizeRequest]()} {
		for _, err := range d.CompareFields(name, kind, apitest.Request) {
			t.Error(err)
		}
	}
}

// A node's answers to operators are as described.
func TestOpenAPIOfANode(t *testing.T) {
	o := openOffice(t)
	defer o.close()
	client := &http.Client{Timeout: 10 * time.Second, Transport: &apitest.Transport{
		Check: theDescription(t).Check, Base: &http.Transport{DisableKeepAlives: true}, Report: func(err error) { t.Error(err) },
	}}
	for _, ask := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", "/v1/cluster", "", 200}, {"GET", "/v1/node?pretty", "", 200}, {"GET", "/v1/snapshot", "", 200}, {"HEAD", "/v1/cluster", "", 200}, {"GET", "/v1/cluster/preflight", "", 200},
		{"POST", "/v1/sales", `{"id":"gig","item":"Concert","quantity":9,"price":0,"currency":"EUR"}`, 201}, {"GET", "/v1/sales/gig/report", "", 200},
		{"GET", "/v1/sales/gig/timeline", "", 200}, {"GET", "/v1/sales/none/timeline", "", 404}, {"GET", "/v1/payments/reconciliation", "", 501},
		{"POST", "/v1/cluster/promote", `{"id":"n1"}`, 200}, {"POST", "/v1/cluster/promote", `{"id":"nobody"}`, 404},
		{"POST", "/v1/cluster/remove", `{"id":"n1"}`, 409}, {"POST", "/v1/cluster/demote", `{"id":"n1","force":1}`, 400},
		{"POST", "/v1/cluster/transfer", ``, 400}, {"POST", "/v1/cluster/join", `{"addresses":["127.0.0.1:1"]}`, 409},
		{"POST", "/v1/cluster/finalize", `{}`, 200}, {"POST", "/v1/cluster/finalize", `{"level":9}`, 409},
		{"POST", "/v1/cluster/explode", `{}`, 404}, {"DELETE", "/v1/cluster", "", 405}, {"GET", "/v1/cluster?x", "", 400},
		{"GET", "/livez?verbose", "", 200}, {"GET", "/readyz", "", 200}, {"GET", "/metrics", "", 200}, {"GET", "/v1/openapi.yaml", "", 200},
		{"GET", "/debug/pprof/", "", 200}, {"GET", "/debug/pprof/heap", "", 200}, {"GET", "/debug/pprof/goroutine?debug=1", "", 200},
		{"GET", "/debug/pprof/nothing", "", 404}, {"GET", "/debug/pprof/cmdline", "", 200}, {"GET", "/debug/pprof/symbol", "", 200},
		{"GET", "/debug/pprof/trace?seconds=1", "", 200}, {"GET", "/debug/pprof/profile?seconds=1", "", 200},
	} {
		if status := o.ask(client, ask.method, ask.path, ask.body); status != ask.status {
			t.Errorf("%s %s %s: %d, want %d", ask.method, ask.path, ask.body, status, ask.status)
		}
	}
}

// ask sends an operator's request to the private listener and returns the status.
func (o *office) ask(client *http.Client, method, path, body string) int {
	o.t.Helper()
	request, err := http.NewRequest(method, "http://"+o.server.privateListener.Addr().String()+path, strings.NewReader(body))
	if err != nil {
		o.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+o.operatorToken())
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := client.Do(request)
	if err != nil {
		o.t.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode
}

func (o *office) operatorToken() string {
	o.t.Helper()
	return strings.TrimSpace(command(o.t, 0, "token", "--user", "op", "--role", "operator", "--secret-file", filepath.Join(o.dir, "token-secret")))
}
