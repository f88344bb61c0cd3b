package api

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"onsale/api/apitest"
	"onsale/api/auth"
	"onsale/proof/testenv"
)

const readSales = "GET /v1/tickets HTTP/1.1\r\nHost: a\r\n\r\n"

// dial opens a connection that lives as long as the test.
func dial(t testing.TB, address string) net.Conn {
	t.Helper()
	return dialFrom(t, address, "")
}

func dialFrom(t testing.TB, address, local string) net.Conn {
	t.Helper()
	var dialer net.Dialer
	if local != "" {
		dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(local)}
	}
	connection, err := dialer.Dial("tcp", address)
	must(t, err)
	t.Cleanup(func() { connection.Close() })
	must(t, connection.SetDeadline(time.Now().Add(time.Minute)))
	return connection
}

// ask sends a request on a connection and returns its answer.
func ask(t *testing.T, connection net.Conn, request string) *answer {
	t.Helper()
	_, err := io.WriteString(connection, request)
	must(t, err)
	return readAnswer(t, bufio.NewReader(connection), request)
}

// hasMetrics waits until the metrics have all lines.
func (f *fixture) hasMetrics(lines ...string) {
	f.t.Helper()
	testenv.Eventually(f.t, time.Minute, fmt.Sprintf("the metrics %q", lines), func() bool {
		text := string(f.call("GET", f.private, "/metrics", "@monitor", "").body)
		return !slices.ContainsFunc(lines, func(line string) bool { return !strings.Contains(text, line+"\n") })
	})
}

// readOrders is a request with a user's token.
func (f *fixture) readOrders(user string) string {
	return "GET /v1/orders HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + f.token(user) + "\r\n\r\n"
}

// Connections beyond the bound are told so, when all others had a valid token; one that
// leaves makes room.
func TestConnectionsMax(t *testing.T) {
	config := testConfig()
	config.ConnectionsMax = 2
	f := serveWith(t, config)
	f.sale("gig", nil)
	first, second := dial(t, f.public), dial(t, f.public)
	ask(t, first, f.readOrders("ann")).want(200, "")
	ask(t, second, f.readOrders("bob")).want(200, "")
	a := ask(t, dial(t, f.public), readSales).want(503, "overloaded")
	if !a.close || a.header.Get("Retry-After") == "" {
		t.Errorf("header %v", a.header)
	}
	f.hasMetrics("onsale_http_connections 2", "onsale_http_connections_max 2", `onsale_http_connections_refused_total{bound="all"} 1`)
	first.Close()
	f.hasMetrics("onsale_http_connections 1")
	ask(t, dial(t, f.public), readSales).want(200, "")
	ask(t, second, readSales).want(200, "")
}

// In a full house idle connections give way: first those that never sent a valid token,
// the oldest of the address that has most; then those whose token is older than the idle
// time. Who is in a request stays, and who had a valid token.
func TestIdleConnectionsGiveWay(t *testing.T) {
	config := testConfig()
	config.ConnectionsMax = 6
	f := serveWith(t, config)
	f.sale("gig", nil)
	armed := dial(t, f.public)
	ask(t, armed, f.readOrders("ann")).want(200, "")
	refused := ask(t, dial(t, f.public), strings.Replace(f.readOrders("bob"), "Bearer ", "Bearer x", 1)).want(401, "unauthorized")
	if refused.close {
		t.Fatal("who has a wrong token is cut off; it stays for the next step")
	}
	lone := dialFrom(t, f.public, "127.0.0.2")
	ask(t, lone, readSales).want(200, "")
	ask(t, dial(t, f.public), readSales).want(200, "")
	waiting := dial(t, f.public)
	order := f.bought("cid", "?q=1")
	_, err := io.WriteString(waiting, "GET /v1/orders/"+order.Order+"?wait=60s HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer "+f.token("cid")+"\r\n\r\n")
	must(t, err)
	f.hasMetrics("onsale_polls_waiting 1")

	for range 3 { // of the address that has most, the oldest
		f.hasMetrics("onsale_http_connections_parked 5") // all but the one that waits are idle
		ask(t, dial(t, f.public), readSales).want(200, "")
	}
	ask(t, lone, readSales).want(200, "")
	ask(t, armed, f.readOrders("ann")).want(200, "")
	f.hasMetrics("onsale_http_connections 6", "onsale_polls_waiting 1", `onsale_http_connections_evicted_total{token="expired"} 0`,
		`onsale_http_connections_refused_total{bound="all"} 0`)
}

// An address has its bound, others and trusted proxies do not pay for it.
func TestConnectionsPerAddressMax(t *testing.T) {
	config := testConfig()
	config.ConnectionsPerAddressMax = 2
	config.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.3/32")}
	f := serveWith(t, config)
	f.sale("gig", nil)
	first, second := dial(t, f.public), dial(t, f.public)
	ask(t, first, readSales).want(200, "")
	ask(t, second, readSales).want(200, "")
	for range 3 {
		a := ask(t, dial(t, f.public), readSales).want(429, "throttled")
		if !strings.Contains(a.problem.Detail, "2 connections") || a.header.Get("Retry-After") == "" {
			t.Errorf("%s %v", a.body, a.header)
		}
	}
	ask(t, dialFrom(t, f.public, "127.0.0.2"), readSales).want(200, "")
	for range 5 {
		ask(t, dialFrom(t, f.public, "127.0.0.3"), readSales).want(200, "")
	}
	f.hasMetrics(`onsale_http_connections_refused_total{bound="address"} 3`, "onsale_http_connections 8")
	second.Close()
	f.hasMetrics("onsale_http_connections 7")
	ask(t, dial(t, f.public), readSales).want(200, "")
}

// Event streams have a bound of their own: they give their place back, but their
// address still counts them.
func TestStreamsLeaveTheCount(t *testing.T) {
	config := testConfig()
	config.ConnectionsMax, config.ConnectionsPerAddressMax = 2, 4
	f := serveWith(t, config)
	f.sale("gig", nil)
	for range 3 {
		stream := dial(t, f.public)
		_, err := io.WriteString(stream, "GET /v1/tickets/events HTTP/1.1\r\nHost: a\r\n\r\n")
		must(t, err)
		response, err := http.ReadResponse(bufio.NewReader(stream), nil)
		must(t, err)
		if response.StatusCode != 200 {
			t.Fatalf("answer %d", response.StatusCode)
		}
	}
	f.hasMetrics("onsale_http_connections 0", "onsale_streams_open 3")
	ask(t, dial(t, f.public), readSales).want(200, "")
	ask(t, dial(t, f.public), readSales).want(429, "throttled")
}

// scarceListener has no files left for so many accepts.
type scarceListener struct {
	net.Listener
	failures int
}

func (l *scarceListener) Accept() (net.Conn, error) {
	if l.failures > 0 {
		l.failures--
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	}
	return l.Listener.Accept()
}

// A flood that uses up the process's files must not end the listener.
func TestAcceptGoesOnWithoutFiles(t *testing.T) {
	verifier := apitest.Verifier(t)
	metrics := NewMetrics(verifier)
	public, err := NewPublic(testConfig(), OneCluster(0, newTestBackend(time.Now)), verifier, metrics)
	must(t, err)
	f := &fixture{t: t, client: conformingClient(t)}
	address := f.start(scarceServer{public})
	ask(t, dial(t, address), readSales).want(200, "")
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(metrics)
	counted := scrape(t, registry)
	if !strings.Contains(counted, "onsale_http_accept_errors_total 3\n") {
		t.Errorf("not 3 accept errors are counted:\n%s", counted)
	}
}

type scarceServer struct{ *Public }

func (s scarceServer) Serve(l net.Listener) error { return s.Public.Serve(&scarceListener{l, 3}) }

// tlsServer serves over TLS.
type tlsServer struct {
	server
	config *tls.Config
}

func (s tlsServer) Serve(l net.Listener) error { return s.server.Serve(tls.NewListener(l, s.config)) }

// Over TLS the bounds work the same; who is refused sees the connection end, because a
// problem could be told after a handshake only.
func TestConnectionsWithTLS(t *testing.T) {
	certified := httptest.NewTLSServer(nil)
	defer certified.Close()
	verifier := apitest.Verifier(t)
	config := testConfig()
	config.ConnectionsMax = 1
	public, err := NewPublic(config, OneCluster(0, newTestBackend(time.Now)), verifier, NewMetrics(verifier))
	must(t, err)
	f := &fixture{t: t, client: conformingClient(t)}
	address := f.start(tlsServer{public, &tls.Config{Certificates: certified.TLS.Certificates}})
	trusting := certified.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	trusting.ServerName = "example.com"

	stranger := tls.Client(dial(t, address), trusting)
	ask(t, stranger, readSales).want(200, "")
	testenv.Eventually(t, time.Minute, "an idle stranger", func() bool { return public.conns.Parked() == 1 })
	inside := tls.Client(dial(t, address), trusting)
	ask(t, inside, "GET /v1/orders HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer "+apitest.Token(t, "ann", auth.RoleBuyer)+"\r\n\r\n").want(200, "")
	if _, err := stranger.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("who never had a token keeps the place: %v", err)
	}
	if err := tls.Client(dial(t, address), trusting).Handshake(); err == nil {
		t.Error("one beyond the bound got a handshake")
	}
	ask(t, inside, "GET /v1//tickets HTTP/1.1\r\nHost: a\r\n\r\n").want(400, "bad-request")
	if _, err := inside.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("after a refusal: %v", err)
	}
}

func scrape(t *testing.T, registry *prometheus.Registry) string {
	t.Helper()
	answer := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	return answer.Body.String()
}
