package api

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"onsale/api/apitest"
	"onsale/api/auth"
	"onsale/api/conn"
	"onsale/api/contract"
	"onsale/proof/testenv"
)

// drained is a listener that a test shuts down by itself.
type drained struct {
	*fixture
	public  *Public
	address string
	served  chan error
	stopped chan error
}

func serveToDrain(t *testing.T, config Config) *drained {
	t.Helper()
	backend := newTestBackend(time.Now)
	verifier := apitest.Verifier(t)
	public, err := NewPublic(config, OneCluster(0, backend), verifier, NewMetrics(verifier))
	must(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	d := &drained{fixture: &fixture{t: t, backend: backend}, public: public, address: listener.Addr().String(),
		served: make(chan error, 1), stopped: make(chan error, 1)}
	go func() { d.served <- public.Serve(listener) }()
	d.sale("gig", nil)
	return d
}

// shutdown begins the drain, and returns when nobody is let in any more.
func (d *drained) shutdown(limit time.Duration) {
	d.t.Helper()
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		d.stopped <- d.public.Shutdown(ctx)
	}()
	must(d.t, <-d.served)
}

// waitHeard returns when so many connections have sent something.
func (d *drained) waitHeard(wanted int) {
	d.t.Helper()
	testenv.Eventually(d.t, time.Minute, fmt.Sprint(wanted, " connections that were heard of"), func() bool {
		return d.public.conns.Heard() == wanted
	})
}

// What was begun is answered, and its connection ends with the answer. Connections on
// which nothing was asked end at once, and new ones are refused.
func TestDrain(t *testing.T) {
	config := testConfig()
	d := serveToDrain(t, config)
	hold := make(chan struct{})
	d.backend.set(func(b *testBackend) { b.hold = hold })

	idle, silent := dial(t, d.address), []net.Conn{dial(t, d.address), dial(t, d.address), dial(t, d.address)}
	if ask(t, idle, readSales).want(200, "").close {
		t.Error("a connection ends without a drain")
	}
	buying, request := dial(t, d.address), "POST /v1/tickets?q=1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer "+apitest.Token(t, "ann", auth.RoleBuyer)+"\r\n\r\n"
	_, err := io.WriteString(buying, request)
	must(t, err)
	half := dial(t, d.address)
	const elsewhere = "GET /v1/elsewhere HTTP/1.1\r\nHost: a\r\n\r\n" // the backend is held up
	_, err = io.WriteString(half, elsewhere[:20])
	must(t, err)
	d.waitHeard(3)

	d.shutdown(time.Minute)
	for _, connection := range append(silent, idle) {
		if told, err := io.ReadAll(connection); err != nil || len(told) > 0 {
			t.Errorf("a connection on which nothing was asked: %q %v", told, err)
		}
	}
	if other, err := net.Dial("tcp", d.address); err == nil {
		other.Close()
		t.Error("a new connection is accepted")
	}
	if !readHalf(t, half, elsewhere, 20).want(404, "not-found").close {
		t.Error("the answer to a request that came slowly does not end its connection")
	}
	close(hold)
	a := readAnswer(t, bufio.NewReader(buying), request).want(202, "")
	if into[contract.Decision](a).State != "reserved" || !a.close {
		t.Errorf("answer %s, close %v", a.body, a.close)
	}
	must(t, <-d.stopped)
}

// readHalf sends the rest of a request and returns the answer.
func readHalf(t *testing.T, connection net.Conn, request string, sent int) *answer {
	t.Helper()
	_, err := io.WriteString(connection, request[sent:])
	must(t, err)
	return readAnswer(t, bufio.NewReader(connection), request)
}

// Who still waits in the system's queue when the drain begins is told to go elsewhere.
func TestDrainRefusesLatecomers(t *testing.T) {
	verifier := apitest.Verifier(t)
	public, err := NewPublic(testConfig(), OneCluster(0, newTestBackend(time.Now)), verifier, NewMetrics(verifier))
	must(t, err)
	public.conns.Drain()
	server, client := net.Pipe()
	defer client.Close()
	go func() {
		if _, err := public.conns.Wrap(&oneConn{conn: server}).Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("let in, or %v", err)
		}
	}()
	readAnswer(t, bufio.NewReader(client), "").want(503, "stopping")
	must(t, public.conns.Wait(t.Context()))
	if public.conns.Refused(conn.RefusedStopping) != 1 {
		t.Error("not counted")
	}
}

// A request that never ends does not hold a drain for longer than it may take: what is
// left is cut off.
func TestDrainCutsOff(t *testing.T) {
	config := testConfig()
	d := serveToDrain(t, config)
	stalled := dial(t, d.address)
	_, err := io.WriteString(stalled, "GET /v1/tickets HTTP/1.1\r\nHost:")
	must(t, err)
	d.waitHeard(1)
	d.shutdown(100 * time.Millisecond)
	if err := <-d.stopped; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("shutdown: %v", err)
	}
	rest, err := io.ReadAll(stalled)
	if len(rest) > 0 && !strings.HasPrefix(string(rest), "HTTP/1.1 4") || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the stalled connection: %q %v", rest, err)
	}
	if open := d.public.conns.Open(); open != 0 {
		t.Errorf("%d connections are open", open)
	}
}
