package api

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"onsale/api/apitest"
	"onsale/api/auth"
	"onsale/api/conn"
	"onsale/api/contract"
	"onsale/sequencer"
)

func TestMain(m *testing.M) {
	if address := os.Getenv(attackVariable); address != "" {
		attackUntilTold(address)
		return
	}
	// The HTTP library keeps its Date header fresh for the life of the process,
	// and the cleaner of a stopped server's workers sleeps for ten more seconds.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}

// fixture is both servers on ports of their own, over a test backend.
type fixture struct {
	audit   trail
	t       testing.TB
	backend *testBackend
	served  oneCluster // what the public listener serves; tests may add to it
	tokens  *auth.Verifier
	public  string // host:port
	conns   *conn.Table
	private string
	// stopPrivate begins what a Shutdown of the private listener begins with.
	stopPrivate func()
	client      *http.Client
	clock       *atomic.Int64 // nanoseconds added to the real time
	checks      atomic.Pointer[[]Check]

	timeline func(context.Context, *sequencer.SaleView) (*contract.Timeline, error)
	signer   testSigner
	asked    atomic.Pointer[contract.FeedQuestion] // of the feed, the last
}

func testConfig() Config {
	config := DefaultConfig()
	config.ReadWait = 100 * time.Millisecond
	config.ReadTimeout = time.Minute // who tests it sets it
	config.UserRequestsPerSecond = 0 // tests of limits set it
	return config
}

func serve(t testing.TB) *fixture { return serveWith(t, testConfig()) }

func serveWith(t testing.TB, config Config) *fixture {
	t.Helper()
	f := &fixture{t: t, clock: new(atomic.Int64), client: conformingClient(t)}
	config.Clock = func() time.Time { return time.Now().Add(time.Duration(f.clock.Load())) }
	f.backend = newTestBackend(config.Clock)
	tokenConfig := apitest.TokenConfig()
	tokenConfig.Clock = config.Clock
	var err error
	f.tokens, err = auth.NewVerifier(tokenConfig)
	must(t, err)
	f.served = oneCluster{{Backend: f.backend, Tickets: &f.signer}}
	metrics := NewMetrics(f.tokens)
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(metrics)
	f.checks.Store(&[]Check{{Name: "raft"}})

	public, err := NewPublic(config, f, f.tokens, metrics)
	must(t, err)
	private, err := NewPrivate(config, f.backend, func() uint8 { return 0 }, f.tokens, metrics, Operations{
		Checks:  func() []Check { return *f.checks.Load() },
		Node:    func() any { return map[string]any{"id": "f1", "clusters": []int{}} },
		Metrics: registry,
		Audit:   &f.audit,
		Feed:    f.feed,
		Tickets: &f.signer, Revocations: f.backend.Revocations, TicketedIn: f.backend.TicketedIn,
		Chargeable: func(amount int64, currency string) error { // whole euros
			if currency == "EUR" && amount%100 != 0 {
				return fmt.Errorf("no cents: %d", amount)
			}
			return nil
		},
		Timeline: func(ctx context.Context, sale *sequencer.SaleView) (*contract.Timeline, error) {
			return f.timeline(ctx, sale)
		},
		History: func(_ context.Context, v *sequencer.OrderView, uid string, after uint64) (*contract.OrderHistory, error) {
			if after == 7 {
				return nil, fmt.Errorf("%w: seven", contract.ErrJournalIncomplete)
			}
			return &contract.OrderHistory{Order: uid, Events: []contract.OrderEvent{{Seq: v.Seq + after, Event: "buy", Time: time.Unix(1, 0).UTC()}}, AsOf: v.AsOf.String()}, nil
		},
	})
	must(t, err)
	f.public, f.conns = f.start(public), public.conns
	f.private, f.stopPrivate = f.start(private), private.stop
	t.Cleanup(f.client.CloseIdleConnections)
	return f
}

// Clusters returns what is served.
func (f *fixture) Clusters() []Cluster { return f.served }

type server interface {
	Serve(net.Listener) error
	Shutdown(context.Context) error
}

// start serves on a free port until the test ends.
func (f *fixture) start(s server) string {
	f.t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(f.t, err)
	served := make(chan error, 1)
	go func() { served <- s.Serve(listener) }()
	f.t.Cleanup(func() {
		f.client.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			f.t.Errorf("shutdown: %v", err)
		}
		if err := <-served; err != nil {
			f.t.Errorf("serve: %v", err)
		}
	})
	return listener.Addr().String()
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// sale creates a sale directly in the state.
func (f *fixture) sale(id string, change func(*sequencer.SaleSpec)) {
	f.t.Helper()
	spec := sequencer.SaleSpec{ID: id, Item: "Concert", Quantity: 10, Cap: 2, Price: 5000, Currency: "EUR", StartsAt: 1, Hold: int64(time.Hour), Grace: int64(time.Minute)}
	if change != nil {
		change(&spec)
	}
	must(f.t, spec.Validate())
	result := f.backend.do(sequencer.Command{Kind: sequencer.KindSaleCreate, Body: sequencer.AppendSaleSpec(nil, &spec)})
	if result.Code != sequencer.CodeOK {
		f.t.Fatalf("sale %s: %v", id, result.Code)
	}
}

// answer is what a request got.
type answer struct {
	t       testing.TB
	status  int
	header  http.Header
	body    []byte
	close   bool             // the connection ends with it; for raw requests
	problem contract.Problem // when it is one
}

// call sends a request as a user ("" sends no token, "@…" a token of that
// role); the headers are "Name: value".
func (f *fixture) call(method, address, target, user, body string, headers ...string) *answer {
	f.t.Helper()
	req, err := http.NewRequest(method, "http://"+address+target, strings.NewReader(body))
	must(f.t, err)
	if user != "" {
		req.Header.Set("Authorization", "Bearer "+f.token(user))
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		req.Header.Set(name, value)
	}
	resp, err := f.client.Do(req)
	must(f.t, err)
	defer resp.Body.Close()
	a := &answer{t: f.t, status: resp.StatusCode, header: resp.Header}
	a.body, err = io.ReadAll(resp.Body)
	must(f.t, err)
	a.checkForm()
	return a
}

// checkForm holds for every answer: it has an id, and decisions and problems
// are never mixed.
func (a *answer) checkForm() {
	a.t.Helper()
	if a.header.Get("X-Request-Id") == "" {
		a.t.Errorf("answer %d without X-Request-Id", a.status)
	}
	mediaType := a.header.Get("Content-Type")
	switch {
	case a.status >= 400 && strings.HasPrefix(mediaType, "text/plain"): // readyz
	case a.status >= 400:
		if mediaType != contract.ProblemMediaType {
			a.t.Errorf("answer %d is %q: %s", a.status, mediaType, a.body)
		}
		if len(a.body) == 0 { // HEAD
			return
		}
		must(a.t, json.Unmarshal(a.body, &a.problem))
		if a.problem.Status != a.status || a.problem.Code == "" || a.problem.Title == "" || a.problem.Type == "" {
			a.t.Errorf("answer %d has a bad problem: %s", a.status, a.body)
		}
	case mediaType == contract.ProblemMediaType:
		a.t.Errorf("answer %d is a problem: %s", a.status, a.body)
	}
}

// want checks status and, for problems, the code.
func (a *answer) want(status int, code string) *answer {
	a.t.Helper()
	if a.status != status || a.problem.Code != code {
		a.t.Fatalf("got %d %q, want %d %q; body %s", a.status, a.problem.Code, status, code, a.body)
	}
	return a
}

// seen is the body of a change that adds to a sale as it is now.
func (f *fixture) seen(sale, adds string) string {
	f.t.Helper()
	is := into[contract.SaleDetail](f.seller("GET", "/v1/sales/"+sale, "").want(200, ""))
	if adds != "" {
		adds += ","
	}
	return fmt.Sprintf(`{%s"changed_seq":%d}`, adds, is.ChangedSeq)
}

// tells checks what a problem says.
func (a *answer) tells(detail string) {
	a.t.Helper()
	if a.problem.Detail != detail {
		a.t.Errorf("got %q, want %q", a.problem.Detail, detail)
	}
}

// into decodes the body and refuses fields that the contract does not have.
func into[T any](a *answer) T {
	a.t.Helper()
	var value T
	decoder := json.NewDecoder(strings.NewReader(string(a.body)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&value); err != nil {
		a.t.Fatalf("%v in %s", err, a.body)
	}
	return value
}

// token returns a token for a user, or for a role: "@seller"; "@seller:arena*" is one for those
// sales only.
func (f *fixture) token(user string) string {
	f.t.Helper()
	roles, sales := auth.RoleBuyer, []string(nil)
	if role, ok := strings.CutPrefix(user, "@"); ok {
		role, pattern, limited := strings.Cut(role, ":")
		if limited {
			sales = []string{pattern}
		}
		var err error
		roles, err = auth.ParseRoles([]string{role})
		must(f.t, err)
	}
	now := time.Now().Add(time.Duration(f.clock.Load())).Truncate(time.Hour)
	token, err := auth.Issue(apitest.Secret(), auth.Claims{
		User: user, Roles: roles, Sales: sales, Issuer: "onsale", Audience: "onsale", Issued: now, Expires: now.Add(48 * time.Hour),
	})
	must(f.t, err)
	return token
}

// buy sends a buy and returns its answer.
func (f *fixture) buy(user, query string, headers ...string) *answer {
	f.t.Helper()
	return f.call("POST", f.public, "/v1/tickets"+query, user, "", headers...)
}
