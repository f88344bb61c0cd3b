package bench

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"onsale/proof/testenv"
)

// hardServer answers in small pieces, closes the connection instead of every eleventh
// answer, and leaves one request without an answer.
type hardServer struct{ asked, closed, silent atomic.Int64 }

func (h *hardServer) serve(conn net.Conn) {
	defer conn.Close()
	for in := bufio.NewReader(conn); ; {
		request, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, request.Body)
		switch n := h.asked.Add(1); {
		case n == 40:
			h.silent.Add(1)
			_, _ = io.Copy(io.Discard, in) // until the other side gives up
			return
		case n%11 == 0:
			h.closed.Add(1)
			return
		}
		body := `{"status":"pending","state":"reserved"}`
		answer := fmt.Appendf(nil, "HTTP/1.1 202 Accepted\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		for len(answer) > 0 {
			piece := min(17, len(answer))
			_, _ = conn.Write(answer[:piece])
			answer = answer[piece:]
			time.Sleep(10 * time.Microsecond) // so that pieces come alone
		}
	}
}

// Whatever becomes of a connection, each buyer is decided once, and with requests that
// were made before as with those that are made on the way.
func TestLoopSurvivesItsConnections(t *testing.T) {
	testenv.TakesLong(t, "connections that are cut again and again")
	for _, duration := range []time.Duration{0, time.Hour} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		var h hardServer
		go func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				go h.serve(conn)
			}
		}()
		l := &load{LoadOptions: LoadOptions{Secret: bytes.Repeat([]byte("s"), 32), Sale: "s", Quantity: 1, Requests: 200, Connections: 8,
			RetryMax: 10 * time.Second, Timeout: 2 * time.Second, Duration: duration},
			target: func(context.Context) (string, error) { return listener.Addr().String(), nil }}
		m, err := l.run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		failed := h.closed.Load() + h.silent.Load()
		if m.phases[0].Outcomes["reserved"] != 200 || int64(m.phases[0].Retries) != failed || failed < 2 {
			t.Errorf("outcomes %v, %d retries after %d failures", m.phases[0].Outcomes, m.phases[0].Retries, failed)
		}
	}
}

// Who has nobody to ask ends the run with an error, in time.
func TestLoopWithoutServer(t *testing.T) {
	l := &load{LoadOptions: LoadOptions{Secret: bytes.Repeat([]byte("s"), 32), Sale: "s", Quantity: 1, Requests: 20, Connections: 4},
		target: func(context.Context) (string, error) { return "127.0.0.1:1", nil }}
	if _, err := l.run(t.Context()); err == nil {
		t.Error("twenty buyers bought from nobody")
	}
}
