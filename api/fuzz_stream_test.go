package api

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"onsale/api/apitest"
	"onsale/api/contract"
)

// taken is what one side makes of a request.
type taken struct {
	method, target, host, body string
	header                     map[string]string // of comparedHeaders, those that came
}

var comparedHeaders = []string{"Authorization", "Idempotency-Key", "If-None-Match", "Last-Event-Id", "Content-Type", "X-Challenge-Response"}

// FuzzStream sends a stream of bytes, in reads of a size, to the server as it is up to
// the strict checks. What they let through must be what another implementation,
// net/http, reads too: the same requests with the same methods, targets, headers and
// bodies, and none more. So no stream is one series of requests to us and another to
// a proxy that reads as net/http does.
func FuzzStream(f *testing.F) {
	rows := readRawTable(f).rows
	for i, row := range rows {
		if len(row.request) < 20_000 {
			f.Add([]byte(row.request), uint16(0))
			f.Add([]byte(row.request+probe+rows[(i+1)%20].request), uint16(i))
		}
	}
	f.Add([]byte("POST /v1/tickets?q=2&min=1&sale=a.b HTTP/1.1\r\nHost: a\r\nIdempotency-Key: k k\r\nIf-None-Match: *\r\nX-Request-Id: x\r\n\r\n"), uint16(3))
	reader := newStreamReader(f)
	f.Fuzz(func(t *testing.T, raw []byte, readBytes uint16) {
		ours, whole := reader.take(t, raw, int(readBytes))
		other := bufio.NewReader(bytes.NewReader(raw))
		for i := range ours {
			want, err := takenByNetHTTP(other)
			if err != nil {
				t.Fatalf("request %d: net/http refuses what we take: %v\n%q", i, err, raw)
			}
			compareTaken(t, &ours[i], want)
		}
		if more, err := takenByNetHTTP(other); whole && err == nil {
			t.Errorf("net/http reads one more than %d: %v\n%q", len(ours), more, raw)
		}
	})
}

func compareTaken(t *testing.T, got, want *taken) {
	t.Helper()
	if got.method != want.method || got.target != want.target || got.body != want.body {
		t.Errorf("we read %q %q %q, net/http %q %q %q", got.method, got.target, got.body, want.method, want.target, want.body)
	}
	if got.host != "" && got.host != want.host {
		t.Errorf("we read the host %q, net/http %q", got.host, want.host)
	}
	for _, name := range comparedHeaders {
		if got.header[name] != want.header[name] {
			t.Errorf("%s: we read %q, net/http %q", name, got.header[name], want.header[name])
		}
	}
	path, _, _ := strings.Cut(got.target, "?")
	if other, err := url.PathUnescape(path); err != nil || other != path || strings.Contains(path, "//") || strings.Contains(path+"/", "/../") {
		t.Errorf("path %q has another reading, %q", path, other)
	}
}

// streamReader is the server up to the strict checks.
type streamReader struct {
	public *Public
	t      *testing.T
	took   []taken
	whole  bool // nothing was refused, and nobody wished to close the connection
}

func newStreamReader(tb testing.TB) *streamReader {
	verifier := apitest.Verifier(tb)
	p, err := NewPublic(DefaultConfig(), OneCluster(0, newTestBackend(time.Now)), verifier, NewMetrics(verifier))
	must(tb, err)
	s := &streamReader{public: p}
	p.server.Handler = s.handle
	p.server.ErrorHandler = func(ctx *fasthttp.RequestCtx, err error) {
		s.whole = false
		p.handleUnreadable(ctx, err)
	}
	p.server.ExpectHandler = func(ctx *fasthttp.RequestCtx) int {
		status := p.expect(ctx)
		s.whole = s.whole && status == fasthttp.StatusContinue
		return status
	}
	return s
}

func (s *streamReader) handle(ctx *fasthttp.RequestCtx) {
	r := s.public.requests.Get().(*request)
	r.begin(ctx, s.public.config.Clock())
	if err := s.public.checkRead(r); err != nil {
		s.whole = false
		if kind := contract.KindOf(err); kind == contract.Internal {
			s.t.Errorf("a malformed request is %v", err)
		}
		r.distrust()
		r.fail(err)
	} else {
		s.whole = s.whole && !ctx.Request.Header.ConnectionClose()
		s.took = append(s.took, takenFrom(r))
	}
	r.end()
	s.public.requests.Put(r)
}

// take returns the requests of a stream that pass the checks; whole says that all of
// the stream was read as such.
func (s *streamReader) take(t *testing.T, raw []byte, readBytes int) (requests []taken, whole bool) {
	s.t, s.took, s.whole = t, nil, true
	conn := &streamConn{rest: raw, readBytes: readBytes}
	counted, err := s.public.conns.Wrap(&oneConn{conn: conn}).Accept()
	must(t, err)
	_ = s.public.server.ServeConn(counted)
	return s.took, s.whole && len(conn.rest) == 0
}

func takenFrom(r *request) taken {
	got := taken{
		method: string(r.ctx.Method()), target: string(r.path), host: string(r.ctx.Request.Header.Host()), body: string(r.ctx.Request.Body()),
		header: map[string]string{},
	}
	if bytes.IndexByte(r.ctx.Request.Header.RequestURI(), '?') >= 0 {
		got.target += "?" + string(r.raw)
	}
	for i, value := range [][]byte{r.header.Authorization, r.header.Key, r.header.IfNoneMatch, r.header.LastEventID, r.header.ContentType, r.header.Challenge} {
		if len(value) > 0 {
			got.header[comparedHeaders[i]] = string(value)
		}
	}
	return got
}

func takenByNetHTTP(reader *bufio.Reader) (*taken, error) {
	request, err := http.ReadRequest(reader)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	want := &taken{method: request.Method, target: request.RequestURI, host: request.Host, body: string(body), header: map[string]string{}}
	for _, name := range comparedHeaders {
		if values := request.Header[name]; len(values) == 1 && values[0] != "" {
			want.header[name] = values[0]
		} else if len(values) > 1 {
			want.header[name] = strings.Join(values, " and ")
		}
	}
	return want, nil
}

// streamConn is a connection from which a stream comes in reads of a size, 0 for as
// large as is asked for. What is written to it is dropped.
type streamConn struct {
	net.Conn
	rest      []byte
	readBytes int
}

func (c *streamConn) Read(p []byte) (int, error) {
	if len(c.rest) == 0 {
		return 0, io.EOF
	}
	if c.readBytes > 0 {
		p = p[:min(len(p), c.readBytes)]
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

func (c *streamConn) Write(p []byte) (int, error)      { return len(p), nil }
func (c *streamConn) Close() error                     { return nil }
func (c *streamConn) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (c *streamConn) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (c *streamConn) SetDeadline(time.Time) error      { return nil }
func (c *streamConn) SetReadDeadline(time.Time) error  { return nil }
func (c *streamConn) SetWriteDeadline(time.Time) error { return nil }

// oneConn is a listener to which one connection comes.
type oneConn struct {
	net.Listener
	conn net.Conn
}

func (l *oneConn) Accept() (net.Conn, error) {
	conn := l.conn
	if conn == nil {
		return nil, net.ErrClosed
	}
	l.conn = nil
	return conn, nil
}
