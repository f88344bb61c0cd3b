package api

import (
	"context"
	"io"
	"net"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"onsale/proof/testenv"
)

// attacker is a client that means no good. It comes from an address of its own.
type attacker struct {
	from string        // its address
	ways int           // connections at once
	wait time.Duration // between two bytes, or two connections
	// on does its worst on one connection, until ctx ends or an error.
	on func(ctx context.Context, a *attacker, connection net.Conn) error
}

const payHead = "POST /v1/tickets/payment HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"

// slowly sends a beginning and then byte after byte, for ever.
func slowly(beginning, byteAfterByte string) func(context.Context, *attacker, net.Conn) error {
	return func(ctx context.Context, a *attacker, connection net.Conn) error {
		_, err := io.WriteString(connection, beginning)
		for err == nil && a.rest(ctx) {
			_, err = io.WriteString(connection, byteAfterByte)
		}
		return err
	}
}

// hugely announces a body of 1 GiB and sends it.
func hugely(_ context.Context, _ *attacker, connection net.Conn) error {
	_, err := io.WriteString(connection, payHead+"Content-Length: 1073741824\r\n\r\n")
	for junk := make([]byte, 64<<10); err == nil; {
		_, err = connection.Write(junk)
	}
	return err
}

// idly asks once and then holds the connection.
func idly(_ context.Context, _ *attacker, connection net.Conn) error {
	if _, err := io.WriteString(connection, readSales); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, connection)
	return err
}

// silently says nothing at all.
func silently(_ context.Context, _ *attacker, connection net.Conn) error {
	_, err := io.Copy(io.Discard, connection)
	return err
}

// unread asks for the longest answer again and again and reads none.
func unread(ctx context.Context, a *attacker, connection net.Conn) error {
	for {
		if _, err := io.WriteString(connection, "GET "+openAPIPath+" HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil || ctx.Err() != nil {
			return err
		}
	}
}

// brokenly breaks the connection off in the middle of a request.
func brokenly(_ context.Context, _ *attacker, connection net.Conn) error {
	if tcp, ok := connection.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_, err := io.WriteString(connection, payHead)
	return err
}

// rest waits between two steps; false when the attack is over.
func (a *attacker) rest(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(a.wait):
		return true
	}
}

// attack connects again and again until ctx ends.
func (a *attacker) attack(ctx context.Context, address string) {
	var ways sync.WaitGroup
	for range a.ways {
		ways.Go(func() {
			dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(a.from)}}
			for first := true; first || a.rest(ctx); first = false {
				connection, err := dialer.DialContext(ctx, "tcp", address)
				if err != nil {
					continue
				}
				stop := context.AfterFunc(ctx, func() { connection.Close() })
				_ = a.on(ctx, a, connection) // it ends as the server wishes
				stop()
				connection.Close()
			}
		})
	}
	ways.Wait()
}

// TestAttackers: whatever clients do to their connections, honest requests are
// answered meanwhile, the bounds hold and all time-outs fire, and nothing is left
// behind.
func TestAttackers(t *testing.T) {
	testenv.TakesLong(t, "1,200 connections that time out")
	config := testConfig()
	config.ReadTimeout, config.WriteTimeout, config.IdleTimeout = 3*time.Second, time.Second, 3*time.Second // who is honest is slow too
	config.ConnectionsMax, config.ConnectionsPerAddressMax = 1200, 200
	f := serveWith(t, config)
	f.sale("gig", nil)
	f.call("GET", f.public, "/v1/tickets", "", "").want(200, "") // all that is made once is made
	before := heapBytes()

	ctx, cancel := context.WithCancel(t.Context())
	var attacks sync.WaitGroup
	for _, a := range []attacker{
		{"127.0.2.1", 30, 100 * time.Millisecond, slowly("GET /v1/tickets HTTP/1.1\r\nX-A: ", "a")},
		{"127.0.2.2", 30, 100 * time.Millisecond, slowly(payHead+"Content-Length: 4000\r\n\r\n", " ")},
		{"127.0.2.2", 10, 100 * time.Millisecond, slowly(payHead+"Transfer-Encoding: chunked\r\n\r\nfff\r\n", " ")},
		{"127.0.2.3", 3, 200 * time.Millisecond, hugely},
		{"127.0.2.4", 150, 200 * time.Millisecond, idly},
		{"127.0.2.5", 20, 200 * time.Millisecond, silently},
		{"127.0.2.6", 2, 200 * time.Millisecond, unread},
		{"127.0.2.7", 5, 50 * time.Millisecond, brokenly},
		{"127.0.2.8", 220, 500 * time.Millisecond, idly}, // more than one address may have
	} {
		attacks.Go(func() { a.attack(ctx, f.public) })
	}
	var fullest, heap uint64
	for answered := 0; answered < 20 || len(f.unattacked()) > 0; answered++ { // for ever, if one is never met
		// On a new connection each: one that is idle for too long ends, honest or not.
		f.buy("honest "+strconv.Itoa(answered), "?q=1", "Connection: close").want(map[bool]int{true: 202, false: 200}[answered < 10], "")
		ask(t, dial(t, f.public), "GET /v1/tickets HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").want(200, "")
		fullest = max(fullest, uint64(f.conns.Open()))
		heap = max(heap, heapBytes())
	}
	cancel()
	attacks.Wait()

	if most := uint64(config.ConnectionsMax); fullest > most {
		t.Errorf("%d connections, the bound is %d", fullest, most)
	}
	const connectionBytes, slackBytes = 64 << 10, 64 << 20 // both ends are in this process
	if most := before + uint64(config.ConnectionsMax)*connectionBytes + slackBytes; heap > most {
		t.Errorf("the heap grew from %d to %d bytes", before, heap)
	}
	f.client.CloseIdleConnections()
	f.hasMetrics("onsale_http_connections 0") // and TestMain looks for goroutines that are left
}

// unattacked returns the bounds and time-outs that attackers did not meet yet, by their
// metrics.
func (f *fixture) unattacked() (names []string) {
	text := string(f.call("GET", f.private, "/metrics", "@monitor", "").body)
	for _, name := range []string{`onsale_http_connections_refused_total{bound="address"}`, `onsale_http_connection_timeouts_total{what="read"}`, `onsale_http_connection_timeouts_total{what="write"}`,
		`onsale_http_requests_total{outcome="body-too-large",route="other"}`, `onsale_http_requests_total{outcome="request-timeout",route="other"}`} {
		if !strings.Contains(text, name) || strings.Contains(text, name+" 0\n") {
			names = append(names, name)
		}
	}
	return names
}

func heapBytes() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapInuse + stats.StackInuse
}
