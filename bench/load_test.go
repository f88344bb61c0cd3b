package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"onsale/api/auth"
)

// The quick minter makes what the servers accept, for the right user.
func TestMintedTokens(t *testing.T) {
	secret := bytes.Repeat([]byte("s"), auth.SecretBytesMin)
	config := auth.DefaultConfig()
	config.Secrets = [][]byte{secret}
	verifier, err := auth.NewVerifier(config)
	if err != nil {
		t.Fatal(err)
	}
	m, now := newMinter(secret, time.Now()), time.Now()
	for i := range 100 {
		user := fmt.Sprint("buyer-", i)
		who, err := verifier.Verify(m.appendToken(nil, []byte(user)), now.Unix())
		if err != nil || string(who.User) != user {
			t.Fatalf("token of %s: %+v, %v", user, who, err)
		}
	}
	forged := newMinter(bytes.Repeat([]byte("x"), auth.SecretBytesMin), now).appendToken(nil, []byte("buyer-1"))
	if _, err := verifier.Verify(forged, now.Unix()); !errors.Is(err, auth.ErrBadToken) {
		t.Fatalf("a token of another secret: %v", err)
	}
}

func TestReadResponse(t *testing.T) {
	for text, want := range map[string]string{
		"HTTP/1.1 202 Accepted\r\ncontent-length:  39\r\n\r\n{\"status\":\"pending\",\"state\":\"reserved\"}": "reserved",
		"HTTP/1.1 200 OK\r\nContent-Length: 37\r\n\r\n{\"status\":\"fail\",\"reason\":\"sold_out\"}":          "sold_out",
		"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 22\r\n\r\n{\"code\":\"overloaded\" }":            "503 overloaded",
		"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n":                                                 "404 ?",
	} {
		r, err := readResponse(bufio.NewReader(strings.NewReader(text)), new(fasthttp.Response))
		if err != nil || r.outcome() != want {
			t.Errorf("%q: %q, %v", text, r.outcome(), err)
		}
	}
	for _, text := range []string{"", "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "SSH-2.0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n1234"} {
		if _, err := readResponse(bufio.NewReader(strings.NewReader(text)), new(fasthttp.Response)); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	text := "HTTP/1.1 429 Too Many Requests\r\nRetry-after: 3\r\nContent-Length: 0\r\n\r\n"
	r, err := readResponse(bufio.NewReader(strings.NewReader(text)), new(fasthttp.Response))
	if err != nil || r.retryAfter != 3*time.Second {
		t.Errorf("%v, %v", r.retryAfter, err)
	}
	bad := strings.Replace(text, "3\r", "soon\r", 1)
	if _, err := readResponse(bufio.NewReader(strings.NewReader(bad)), new(fasthttp.Response)); err == nil {
		t.Error("a word was read as a time")
	}
}

// The load tells selling from sold out, retries what was not decided with the
// same request, and counts every buyer once.
func TestLoadCountsEveryBuyerOnce(t *testing.T) {
	address := sellFiftyAt(t)
	l := &load{LoadOptions: LoadOptions{Secret: bytes.Repeat([]byte("s"), 32), Sale: "s", Quantity: 1, Requests: 200, Connections: 8,
		RetryMax: 10 * time.Second},
		target: func(context.Context) (string, error) { return address, nil }}
	m, err := l.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sum := newPhase()
	sum.merge(m.phases[0])
	sum.merge(m.phases[1])
	if sum.Outcomes["reserved"] != 50 || sum.Outcomes["sold_out"] != 150 || sum.latency.TotalCount() != 200 {
		t.Fatalf("outcomes %v", sum.Outcomes)
	}
	if m.sent < 200*300 || m.received < 200*80 {
		t.Errorf("%d bytes were sent, %d received", m.sent, m.received)
	}
	if m.phases[0].Outcomes["sold_out"] != 0 || sum.Retries == 0 {
		t.Fatalf("selling %v, %d retries", m.phases[0].Outcomes, sum.Retries)
	}
}

// sellFiftyAt serves at the address that it returns.
func sellFiftyAt(t *testing.T) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	var served, asked atomic.Int64
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go sellFifty(conn, &served, &asked)
		}
	}()
	return listener.Addr().String()
}

// sellFifty answers 50 reservations, then sold out; each tenth request it answers
// overloaded.
func sellFifty(conn net.Conn, served, asked *atomic.Int64) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	for {
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			if line == "\r\n" {
				break
			}
		}
		status, body := "200 OK", `{"status":"fail","reason":"sold_out"}`
		if asked.Add(1)%10 == 0 {
			status, body = "503 Service Unavailable", `{"code":"overloaded"}`
		} else if served.Add(1) <= 50 {
			status, body = "202 Accepted", `{"status":"pending","state":"reserved"}`
		}
		fmt.Fprintf(conn, "HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s", status, len(body), body)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for _, change := range []func(*SaleOptions){
		func(o *SaleOptions) { o.Nodes = 0 }, func(o *SaleOptions) { o.Buyers = 0 }, func(o *SaleOptions) { o.Connections = 1 << 20 },
	} {
		o := DefaultSaleOptions()
		change(&o)
		if _, err := RunSale(t.Context(), o); !errors.Is(err, ErrOptions) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}
