//go:build linux

package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"onsale/api/auth"
	"onsale/internal/procs"
	"onsale/proof/testenv"
)

const (
	// strangersFiles is the limit of open files of a process that is attacked.
	strangersFiles = 400
	// strangersHeld is how many silent connections are held at each listener: more than
	// the process can have for all together.
	strangersHeld = 500
	// strangersKnocking is how many come from another address to each, again and again.
	strangersKnocking = 8
)

// visitor asks a process as who has a token does.
type visitor struct {
	t      *testing.T
	scheme string
	client *http.Client
	token  string
}

func newVisitor(t *testing.T, n *testNode, user string, roles auth.Roles, config *tls.Config) *visitor {
	t.Helper()
	secret, err := readSecret(n.secretFile)
	if err != nil {
		t.Fatal(err)
	}
	v := &visitor{t: t, scheme: "http", client: &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: config}}}
	if config != nil {
		v.scheme = "https"
	}
	if v.token, err = issue(secret, user, roles, time.Hour); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.client.CloseIdleConnections)
	return v
}

// ask returns an answer's status, 0 for none, and whether it came on a connection that
// was there before.
func (v *visitor) ask(method, address, path string) (status int, reused bool, body string) {
	request, err := http.NewRequest(method, v.scheme+"://"+address+path, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+v.token)
	trace := &httptrace.ClientTrace{GotConn: func(got httptrace.GotConnInfo) { reused = got.Reused }}
	response, err := v.client.Do(request.WithContext(httptrace.WithClientTrace(request.Context(), trace)))
	if err != nil {
		return 0, reused, err.Error()
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	return response.StatusCode, reused, string(text)
}

// must waits for an answer with a status.
func (v *visitor) must(status int, method, address, path string) (body string) {
	v.t.Helper()
	testenv.Eventually(v.t, time.Minute, fmt.Sprintf("%s %s", method, path), func() bool {
		var got int
		got, _, body = v.ask(method, address, path)
		return got == status
	})
	return body
}

// holdStrangers opens silent connections to a listener, which end with the test.
func holdStrangers(t *testing.T, address string, count int) {
	t.Helper()
	for range count {
		conn, err := net.DialTimeout("tcp", address, 10*time.Second)
		if err != nil {
			t.Fatalf("a stranger cannot even connect to %s: %v", address, err)
		}
		t.Cleanup(func() { conn.Close() })
	}
}

// knock lets strangers of another address come to a listener again whenever they are cut
// off, until the test ends.
func knock(t *testing.T, address string) {
	var group sync.WaitGroup
	done := make(chan struct{})
	t.Cleanup(func() { close(done); group.Wait() })
	dialer := net.Dialer{Timeout: time.Second, LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	for range strangersKnocking {
		group.Go(func() {
			for {
				if conn, err := dialer.Dial("tcp", address); err == nil {
					_ = conn.SetReadDeadline(time.Now().Add(time.Second))
					_, _ = conn.Read(make([]byte, 64)) // until it is cut off
					conn.Close()
				}
				select {
				case <-done:
					return
				case <-time.After(50 * time.Millisecond):
				}
			}
		})
	}
}

// Strangers hold more silent connections at every listener of a node and a front-end than
// a process can open, and come back when they are cut off, with TLS and without. Nobody
// ends; who waits for the start of the sale keeps the connection; buyers buy, operators
// look, and a front-end that comes meanwhile finds the cluster.
func TestStrangersAtEveryListener(t *testing.T) {
	testenv.TakesLong(t, "a cluster of processes")
	for name, secure := range map[string]bool{"plain": false, "TLS": true} {
		t.Run(name, func(t *testing.T) { t.Parallel(); testStrangers(t, secure) })
	}
}

func testStrangers(t *testing.T, secure bool) {
	node := newNodes(t, 1)[0]
	front := newFrontEnds(t, 1, []*testNode{node})[0]
	var buyersTLS, operatorsTLS *tls.Config
	if secure {
		dir := filepath.Join(t.TempDir(), "tls")
		command(t, 0, "tls", "ca", "--dir", dir)
		operatorsTLS = operatorOf(t, certify(t, dir, "operator", "ann")).Transport.(*http.Transport).TLSClientConfig
		buyersTLS = &tls.Config{InsecureSkipVerify: true}
		for _, n := range []*testNode{node, front} {
			kind := map[bool]string{true: "node", false: "front-end"}[n == node]
			flags := certify(t, dir, kind, n.id)
			n.extra = append(flags, "--http-tls-cert", flags[3], "--http-tls-key", flags[5])
		}
	}
	node.files, front.files = strangersFiles, strangersFiles
	node.start()
	operator := newVisitor(t, node, "ops", auth.RoleSeller|auth.RoleOperator, operatorsTLS)
	operator.must(200, "GET", node.private, "/readyz")
	node.logs("msg=\"open files\" limit=400")
	openGigBy(t, operator, node)

	armed := newVisitor(t, node, "armed", auth.RoleBuyer, buyersTLS)
	armed.must(200, "GET", node.http, "/v1/orders")
	for _, address := range []string{node.peer, node.private, node.http} {
		holdStrangers(t, address, strangersHeld)
		knock(t, address)
	}
	front.start()
	operator.must(200, "GET", front.private, "/readyz")
	for _, address := range []string{front.private, front.http} {
		holdStrangers(t, address, strangersHeld)
		knock(t, address)
	}
	for i, door := range []*testNode{node, front} {
		newVisitor(t, node, fmt.Sprint("buyer-", i), auth.RoleBuyer, buyersTLS).must(202, "POST", door.http, "/v1/tickets?sale=gig&q=1")
		newVisitor(t, node, "ops", auth.RoleOperator, operatorsTLS).must(200, "GET", door.private, "/readyz")
	}
	if status, reused, body := armed.ask("POST", node.http, "/v1/tickets?sale=gig&q=1"); status != 202 || !reused {
		t.Errorf("who was armed is answered %d (on the connection that was there: %v): %s", status, reused, body)
	}
	text := operator.must(200, "GET", node.private, "/metrics")
	for _, name := range []string{`onsale_http_connections_evicted_total{token="never"}`, `onsale_private_connections_evicted_total{proof="never"}`, "onsale_peer_greetings_evicted_total"} {
		if !strings.Contains(text, name) || strings.Contains(text, name+" 0\n") {
			t.Errorf("%s counts nothing", name)
		}
	}
	has(t, text, "onsale_http_accept_errors_total 0", "onsale_private_accept_errors_total 0", "onsale_peer_accept_errors_total 0")

	starve(t, node, "peers", "private", "buyers")
	starve(t, front, "private", "buyers")
	for i, door := range []*testNode{node, front} {
		newVisitor(t, node, fmt.Sprint("later-", i), auth.RoleBuyer, buyersTLS).must(202, "POST", door.http, "/v1/tickets?sale=gig&q=1")
		newVisitor(t, node, "ops", auth.RoleOperator, operatorsTLS).must(200, "GET", door.private, "/readyz")
	}
	front.stop()
	node.stop()
}

func openGigBy(t *testing.T, operator *visitor, n *testNode) {
	t.Helper()
	request, err := http.NewRequest("POST", operator.scheme+"://"+n.private+"/v1/sales",
		strings.NewReader(`{"id":"gig","item":"Gig","quantity":100,"price":100,"currency":"EUR"}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+operator.token)
	request.Header.Set("Content-Type", "application/json")
	response, err := operator.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if text, _ := io.ReadAll(response.Body); response.StatusCode != http.StatusCreated {
		t.Fatalf("a sale: %d %s", response.StatusCode, text)
	}
}

// starve takes all free files from a running process until each listener has met that; it
// must go on.
func starve(t *testing.T, n *testNode, listeners ...string) {
	t.Helper()
	limitFiles(t, n.process, 3)
	for _, listener := range listeners {
		n.logs("listener=" + listener)
	}
	limitFiles(t, n.process, strangersFiles)
	if !n.isRunning() {
		t.Fatalf("it ended without files:\n%s", n.log())
	}
}

func limitFiles(t *testing.T, p *procs.Process, most uint64) {
	t.Helper()
	limit := unix.Rlimit{Cur: most, Max: strangersFiles}
	if err := unix.Prlimit(p.PID(), unix.RLIMIT_NOFILE, &limit, nil); err != nil {
		t.Fatal(err)
	}
}

// The sandbox of payments stands the same: nodes reach it among strangers, and without
// files it waits.
func TestStrangersAtTheSandbox(t *testing.T) {
	testenv.TakesLong(t, "a process")
	t.Parallel()
	secret := filepath.Join(t.TempDir(), "secret")
	text := strings.Repeat("s", auth.SecretBytesMin)
	if err := os.WriteFile(secret, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)
	c := procs.Config{Name: "sandbox", Path: os.Args[0], Env: ownEnvironment(), Args: []string{"sandbox", "--listen", address, "--log-format", "text",
		"--books", filepath.Join(t.TempDir(), "books"), "--payment-secret-file", secret}}
	s := &testNode{t: t, id: "sandbox", process: startProcess(t, withFiles(c, strangersFiles))}
	s.logs("ready")
	holdStrangers(t, address, strangersHeld)
	knock(t, address)
	v := &visitor{t: t, scheme: "http", client: &http.Client{Timeout: 10 * time.Second}, token: text}
	v.must(200, "GET", address, "/v1/ledger")
	starve(t, s, "sandbox")
	v.client.CloseIdleConnections()
	v.must(200, "GET", address, "/v1/ledger")
	s.stop()
}
