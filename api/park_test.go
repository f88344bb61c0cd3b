package api

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"onsale/api/apitest"
	"onsale/proof/testenv"
)

// A connection that is silent is parked, answers its next request as any other, again and
// again, and ends with its idle time; with TLS and without.
func TestParkedConnections(t *testing.T) {
	testenv.TakesLong(t, "connections are parked after a second")
	for name, secure := range map[string]bool{"plain": false, "TLS": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := testConfig()
			config.IdleTimeout = 3 * time.Second
			public, address := parkingLot(t, config, secure)
			conn := dialParked(t, address, secure)
			for range 2 {
				ask(t, conn, readSales).want(200, "")
				testenv.Eventually(t, time.Minute, "a parked connection", func() bool { return public.conns.Parked() == 1 })
			}
			ask(t, conn, readSales+readSales).want(200, "") // the second one is read by the next
			if public.conns.Parked() != 0 || public.conns.Open() != 1 {
				t.Errorf("%d connections are parked, %d open", public.conns.Parked(), public.conns.Open())
			}
			if _, err := readAll(conn); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("an idle connection does not end")
			}
			testenv.Eventually(t, time.Minute, "nobody", func() bool { return public.conns.Open() == 0 && public.conns.Parked() == 0 })
			if public.conns.ReadTimeouts() != 1 {
				t.Errorf("%d timeouts are counted", public.conns.ReadTimeouts())
			}
		})
	}
}

// A listener that stops does not wait for parked connections.
func TestShutdownEndsParkedConnections(t *testing.T) {
	testenv.TakesLong(t, "connections are parked after a second")
	t.Parallel()
	config := testConfig()
	config.IdleTimeout = time.Hour
	public, address := parkingLot(t, config, false)
	conn := dialParked(t, address, false)
	ask(t, conn, readSales).want(200, "")
	silent := dialParked(t, address, false)
	testenv.Eventually(t, time.Minute, "parked connections", func() bool { return public.conns.Parked() == 2 })
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	must(t, public.Shutdown(ctx))
	for _, c := range []net.Conn{conn, silent} {
		if _, err := readAll(c); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error("a parked connection is left open")
		}
	}
}

func parkingLot(t *testing.T, config Config, secure bool) (*Public, string) {
	t.Helper()
	verifier := apitest.Verifier(t)
	public, err := NewPublic(config, OneCluster(0, newTestBackend(time.Now)), verifier, NewMetrics(verifier))
	must(t, err)
	f := &fixture{t: t, client: conformingClient(t)}
	if !secure {
		return public, f.start(public)
	}
	certified := httptest.NewTLSServer(nil)
	certified.Close()
	return public, f.start(tlsServer{public, &tls.Config{Certificates: certified.TLS.Certificates}})
}

func dialParked(t *testing.T, address string, secure bool) net.Conn {
	t.Helper()
	conn := dial(t, address)
	if secure {
		return tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
	}
	return conn
}

// readAll reads until the connection ends, or its deadline comes.
func readAll(conn net.Conn) (read int, err error) {
	for {
		n, err := conn.Read(make([]byte, 4<<10))
		if read += n; err != nil {
			return read, err
		}
	}
}
