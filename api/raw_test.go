package api

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// rawCases are requests byte for byte: what a proxy in front might read in
// another way than we do must never get through. TOKEN stands for a token, and
// every request lacks the empty line at its end unless it has a body.
var rawCases = []struct {
	name, request string
	status        int
	code          string
}{
	{"plain", "POST /v1/tickets?q=1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer TOKEN\r\n", 202, ""},
	{"names in any case", "POST /v1/tickets?q=1 HTTP/1.1\r\nhOST: a\r\nAUTHORIZATION: bEARER TOKEN\r\n", 202, ""},
	{"white space around the value", "POST /v1/tickets?q=1 HTTP/1.1\r\nHost: a\r\nAuthorization: \t Bearer TOKEN \t\r\n", 202, ""},
	{"HTTP/1.0", "POST /v1/tickets?q=1 HTTP/1.0\r\nAuthorization: Bearer TOKEN\r\n", 202, ""},
	{"length 0", "POST /v1/tickets?q=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nAuthorization: Bearer TOKEN\r\n", 202, ""},

	{"HTTP/1.2", "POST /v1/tickets?q=1 HTTP/1.2\r\nHost: a\r\n", 505, "unsupported-version"},
	{"HTTP/2.0", "GET /v1/tickets HTTP/2.0\r\nHost: a\r\n", 505, "unsupported-version"},
	{"no version", "GET /v1/tickets\r\nHost: a\r\n", 400, "bad-request"},
	{"two spaces", "GET  /v1/tickets HTTP/1.1\r\nHost: a\r\n", 400, "bad-request"},
	{"no Host", "GET /v1/tickets HTTP/1.1\r\nAccept: x\r\n", 400, "bad-request"},
	{"empty Host", "GET /v1/tickets HTTP/1.1\r\nHost:\r\n", 400, "bad-request"},
	{"two Hosts", "GET /v1/tickets HTTP/1.1\r\nHost: a\r\nHost: a\r\n", 400, "bad-request"},

	{"folded header", "POST /v1/tickets?q=1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer TOKEN\r\nX-A: b\r\n c\r\n", 400, "bad-request"},
	{"folded with a tab", "POST /v1/tickets?q=1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer TOKEN\r\nX-A: b\r\n\tc\r\n", 400, "bad-request"},
	{"folded transfer encoding", "POST /v1/tickets?q=1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer TOKEN\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 400, "bad-request"},
	{"fold first", "GET /v1/tickets HTTP/1.1\r\n Host: a\r\n", 400, "bad-request"},
	{"bare line feed", "GET /v1/tickets HTTP/1.1\r\nHost: a\nX-A: b\r\n", 400, "bad-request"},
	{"bare carriage return", "GET /v1/tickets HTTP/1.1\r\nHost: a\r\nX-A: b\rX-B: c\r\n", 400, "bad-request"},
	{"space before the colon", "GET /v1/tickets HTTP/1.1\r\nHost : a\r\n", 400, "bad-request"},
	{"space in the name", "GET /v1/tickets HTTP/1.1\r\nHost: a\r\nX A: b\r\n", 400, "bad-request"},
	{"no colon", "GET /v1/tickets HTTP/1.1\r\nHost: a\r\nX-A\r\n", 400, "bad-request"},
	{"no name", "GET /v1/tickets HTTP/1.1\r\nHost: a\r\n: b\r\n", 400, "bad-request"},
	{"zero byte", "GET /v1/tickets HTTP/1.1\r\nHost: a\r\nX-A: b\x00c\r\n", 400, "bad-request"},

	{"two Authorizations", "POST /v1/tickets?q=1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer TOKEN\r\nAuthorization: Bearer TOKEN\r\n", 400, "bad-request"},
	{"two keys", "POST /v1/tickets?q=1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer TOKEN\r\nIdempotency-Key: a\r\nIdempotency-Key: b\r\n", 400, "bad-request"},
	{"empty key", "POST /v1/tickets?q=1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer TOKEN\r\nIdempotency-Key:\r\n", 400, "bad-request"},
	{"key with a byte above ASCII", "POST /v1/tickets?q=1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer TOKEN\r\nIdempotency-Key: k\xe4\r\n", 400, "bad-request"},
	{"two lengths", "POST /v1/tickets?q=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 0\r\n", 400, "bad-request"},
	{"length list", "POST /v1/tickets?q=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 0, 0\r\n", 400, "bad-request"},
	{"length with a sign", "POST /v1/tickets?q=1 HTTP/1.1\r\nHost: a\r\nContent-Length: +0\r\n", 400, "bad-request"},
	{"two request ids", "GET /v1/tickets HTTP/1.1\r\nHost: a\r\nX-Request-Id: a\r\nX-Request-Id: b\r\n", 400, "bad-request"},

	{"chunked buy", "POST /v1/tickets?q=1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer TOKEN\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "bad-request"},
	{"chunked GET", "GET /v1/tickets HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "bad-request"},
	{"identity", "GET /v1/tickets HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n", 400, "bad-request"},
	{"length and chunked", "POST /v1/tickets?q=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "bad-request"},
	{"body of a buy", "POST /v1/tickets?q=1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer TOKEN\r\nContent-Length: 3\r\n\r\nq=1", 400, "bad-request"},
	{"body of a GET", "GET /v1/tickets HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx", 400, "bad-request"},
	{"body of a DELETE", "DELETE /v1/orders/0000000000000000 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer TOKEN\r\nContent-Length: 2\r\n\r\n{}", 400, "bad-request"},
	{"body too large", "POST /v1/tickets?q=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n" + strings.Repeat("x", 5000), 413, "body-too-large"},

	{"encoded slash", "GET /v1%2ftickets HTTP/1.1\r\nHost: a\r\n", 400, "bad-request"},
	{"encoded dots", "GET /v1/tickets/..%2fadmin HTTP/1.1\r\nHost: a\r\n", 400, "bad-request"},
	{"encoded letter", "GET /v1/ticket%73 HTTP/1.1\r\nHost: a\r\n", 400, "bad-request"},
	{"dots", "GET /v1/orders/../tickets HTTP/1.1\r\nHost: a\r\n", 400, "bad-request"},
	{"dot", "GET /v1/./tickets HTTP/1.1\r\nHost: a\r\n", 400, "bad-request"},
	{"dots last", "GET /v1/tickets/.. HTTP/1.1\r\nHost: a\r\n", 400, "bad-request"},
	{"two slashes", "GET //v1/tickets HTTP/1.1\r\nHost: a\r\n", 400, "bad-request"},
	{"two slashes inside", "GET /v1//tickets HTTP/1.1\r\nHost: a\r\n", 400, "bad-request"},
	{"backslash", "GET /v1\\tickets HTTP/1.1\r\nHost: a\r\n", 400, "bad-request"},
	{"semicolon", "GET /v1/tickets;x=1 HTTP/1.1\r\nHost: a\r\n", 400, "bad-request"},
	{"fragment", "GET /v1/tickets#x HTTP/1.1\r\nHost: a\r\n", 400, "bad-request"},
	{"whole URI", "GET http://a/v1/tickets HTTP/1.1\r\nHost: a\r\n", 400, "bad-request"},
	{"asterisk", "OPTIONS * HTTP/1.1\r\nHost: a\r\n", 400, "bad-request"},
	{"authority", "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n", 400, "bad-request"},
	{"trailing slash", "GET /v1/tickets/ HTTP/1.1\r\nHost: a\r\n", 404, "not-found"},
	{"upper case", "GET /V1/tickets HTTP/1.1\r\nHost: a\r\n", 404, "not-found"},
	{"root", "GET / HTTP/1.1\r\nHost: a\r\n", 404, "not-found"},
	{"unknown method", "BREW /v1/tickets HTTP/1.1\r\nHost: a\r\n", 405, "method-not-allowed"},

	{"long target", "GET /v1/tickets?" + strings.Repeat("a", 1100) + " HTTP/1.1\r\nHost: a\r\n", 414, "uri-too-long"},
	{"long header", "GET /v1/tickets HTTP/1.1\r\nHost: a\r\nX-A: " + strings.Repeat("a", 9000) + "\r\n", 431, "headers-too-large"},
	{"many header lines", "GET /v1/tickets HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("X-A: b\r\n", 64), 431, "headers-too-large"},
	{"never finished", "GET /v1/tickets HTTP/1.1\r\nHost: a", 408, "request-timeout"},
	{"body never finished", "POST /v1/tickets?q=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab", 408, "request-timeout"},
}

func TestRawRequests(t *testing.T) {
	config := testConfig()
	config.ReadTimeout = 200 * time.Millisecond
	f := serveWith(t, config)
	f.sale("gig", nil)
	for _, c := range rawCases {
		t.Run(c.name, func(t *testing.T) {
			before := f.backend.decided
			request := strings.ReplaceAll(c.request, "TOKEN", f.token("user "+c.name))
			if strings.HasSuffix(request, "\r\n") && !strings.Contains(request, "\r\n\r\n") {
				request += "\r\n"
			}
			a := exchangeRaw(t, f.public, request)
			a.want(c.status, c.code)
			if c.status >= 400 && f.backend.decided != before {
				t.Error("it was sequenced")
			}
		})
	}
}

// exchangeRaw sends bytes on a connection of their own and reads the answer.
func exchangeRaw(t *testing.T, address, request string) *answer {
	t.Helper()
	connection, err := net.Dial("tcp", address)
	must(t, err)
	defer connection.Close()
	must(t, connection.SetDeadline(time.Now().Add(5*time.Second)))
	if _, err = connection.Write([]byte(request)); err != nil {
		t.Logf("write: %v", err) // the server may have answered and closed already
	}
	return readAnswer(t, bufio.NewReader(connection), request)
}

// readAnswer reads the answer to a request.
func readAnswer(t *testing.T, reader *bufio.Reader, request string) *answer {
	t.Helper()
	response, err := http.ReadResponse(reader, nil)
	must(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	must(t, err)
	a := &answer{t: t, status: response.StatusCode, header: response.Header, body: body}
	a.checkForm()
	a.conforms(request)
	return a
}

// TestPipelinedRequests are answered in their order, and what follows a
// malformed one is not read.
func TestPipelinedRequests(t *testing.T) {
	f := serve(t)
	f.sale("gig", nil)
	good := "GET /v1/tickets HTTP/1.1\r\nHost: a\r\n\r\n"
	connection, err := net.Dial("tcp", f.public)
	must(t, err)
	defer connection.Close()
	must(t, connection.SetDeadline(time.Now().Add(5*time.Second)))
	bad := "GET /v1//tickets HTTP/1.1\r\nHost: a\r\n\r\n"
	_, err = connection.Write([]byte(good + good + bad + good))
	must(t, err)
	reader := bufio.NewReader(connection)
	readAnswer(t, reader, good).want(200, "")
	readAnswer(t, reader, good).want(200, "")
	readAnswer(t, reader, bad).want(400, "bad-request")
	if rest, err := io.ReadAll(reader); err != nil || len(rest) > 0 {
		t.Errorf("after the malformed one: %q %v", rest, err)
	}
}

// TestSlowHeader ends after the read timeout, however slowly bytes come.
func TestSlowHeader(t *testing.T) {
	config := testConfig()
	config.ReadTimeout = 200 * time.Millisecond
	f := serveWith(t, config)
	connection, err := net.Dial("tcp", f.public)
	must(t, err)
	defer connection.Close()
	started := time.Now()
	for time.Since(started) < 5*time.Second {
		if _, err = connection.Write([]byte("X")); err != nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if took := time.Since(started); took > 2*time.Second {
		t.Errorf("a slow header was read for %v", took)
	}
}
