package api

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"onsale/api/apitest"
	"onsale/api/contract"
	"onsale/sequencer"
)

// The ends of the addresses by which the description tells the listeners apart.
const (
	publicListener  = ":8101"
	privateListener = ":8201"
	// webhooksListener is that of the process onsale webhooks.
	webhooksListener = ":8601"
)

func onListener(o *apitest.Operation, port string) bool {
	for _, s := range o.Servers {
		if strings.HasSuffix(s.URL, port) {
			return true
		}
	}
	return false
}

// operationsOn returns a listener's routes as the description has them.
func operationsOn(t *testing.T, port string) []apitest.Operation {
	t.Helper()
	all := theDescription(t).Operations()
	return slices.DeleteFunc(all, func(o apitest.Operation) bool { return !onListener(&o, port) })
}

// TestOpenAPIHasTheBuyersRoutes: every route of the buyers' router is described, and
// every described one is there. HEAD comes with GET.
func TestOpenAPIHasTheBuyersRoutes(t *testing.T) {
	verifier := apitest.Verifier(t)
	public, err := NewPublic(testConfig(), OneCluster(0, newTestBackend(time.Now)), verifier, NewMetrics(verifier))
	must(t, err)
	served := public.routes.List()
	for method, paths := range served {
		for _, path := range paths {
			if method == http.MethodHead {
				if !slices.Contains(served[http.MethodGet], path) {
					t.Errorf("HEAD %s is served without GET", path)
				}
				continue
			}
			if !slices.ContainsFunc(operationsOn(t, publicListener), func(o apitest.Operation) bool { return o.Method == method && o.Path == path }) {
				t.Errorf("%s %s is served and not described", method, path)
			}
		}
	}
	for _, o := range operationsOn(t, publicListener) {
		if !slices.Contains(served[o.Method], o.Path) {
			t.Errorf("%s %s is described and not served", o.Method, o.Path)
		}
	}
}

// elsewhere are the private routes that cmd adds; a test there holds them to the
// description.
var elsewhere = []string{"/v1/cluster", "/v1/snapshot", "/v1/webhooks"}

// TestOpenAPIHasThePrivateRoutes: the same of the private listener.
func TestOpenAPIHasThePrivateRoutes(t *testing.T) {
	verifier := apitest.Verifier(t)
	private, err := NewPrivate(testConfig(), newTestBackend(time.Now), func() uint8 { return 0 }, verifier, NewMetrics(verifier), Operations{
		Timeline: func(context.Context, *sequencer.SaleView) (*contract.Timeline, error) { return nil, nil },
		History: func(context.Context, *sequencer.OrderView, string, uint64) (*contract.OrderHistory, error) {
			return nil, nil
		},
		Feed:        func(context.Context, contract.FeedQuestion) (*contract.FeedPage, error) { return nil, nil },
		Revocations: func(context.Context, uint16, uint64, int, uint64) (RevokedPage, error) { return RevokedPage{}, nil },
		TicketedIn:  func(context.Context, uint16, uint64, int, uint64) (TicketedPage, error) { return TicketedPage{}, nil },
	})
	must(t, err)
	for _, pattern := range private.mux.patterns {
		method, path, _ := strings.Cut(pattern, " ")
		if path == "" {
			method, path = http.MethodGet, pattern
		}
		if !slices.ContainsFunc(operationsOn(t, privateListener), func(o apitest.Operation) bool { return o.Method == method && o.Path == path }) {
			t.Errorf("%s is served and not described", pattern)
		}
	}
	for _, o := range operationsOn(t, privateListener) {
		if slices.ContainsFunc(elsewhere, func(prefix string) bool { return strings.HasPrefix(o.Path, prefix) }) {
			continue
		}
		_, pattern := private.mux.Handler(httptest.NewRequest(o.Method, o.Target(), nil))
		_, path, hasMethod := strings.Cut(pattern, " ")
		if !hasMethod {
			path = pattern
		}
		if below := strings.HasSuffix(path, "/") && strings.HasPrefix(o.Path, path); pattern == "" || path != o.Path && !below {
			t.Errorf("%s %s is described, and served by %q", o.Method, o.Path, pattern)
		}
	}
}

// TestOpenAPIOperations: each has an id of its own, one listener's tags, and a word on
// what it is for.
func TestOpenAPIOperations(t *testing.T) {
	ids := map[string]bool{}
	for _, o := range theDescription(t).Operations() {
		if ids[o.OperationID] || o.OperationID == "" || o.Summary == "" {
			t.Errorf("%s %s: operationId %q, summary %q", o.Method, o.Path, o.OperationID, o.Summary)
		}
		ids[o.OperationID] = true
		buyers := slices.Contains(o.Tags, "buyers")
		private := slices.Contains(o.Tags, "sellers") || slices.Contains(o.Tags, "operators")
		if buyers != onListener(&o, publicListener) || private != (onListener(&o, privateListener) || onListener(&o, webhooksListener)) {
			t.Errorf("%s %s: tags %v, servers %v", o.Method, o.Path, o.Tags, o.Servers)
		}
	}
}
