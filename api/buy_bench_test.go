package api

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"onsale/api/apitest"
	"onsale/api/auth"
	"onsale/api/limit"
	"onsale/sequencer"
)

// constantBackend decides nothing: what is left is the cost of the API itself.
type constantBackend struct {
	*testBackend
	result sequencer.Result
}

func (b *constantBackend) Decide(*sequencer.Command) (sequencer.Result, error) { return b.result, nil }
func (b *constantBackend) AppliedPosition() sequencer.Position                 { return sequencer.Position{} }
func (b *constantBackend) Sales() []sequencer.SaleView                         { return b.views }

func newConstantBackend() *constantBackend {
	f := newTestBackend(time.Now)
	spec := sequencer.SaleSpec{ID: "gig", Item: "Concert", Quantity: 10, Cap: 2, Currency: "EUR", StartsAt: 1, Hold: 1}
	f.do(sequencer.Command{Kind: sequencer.KindSaleCreate, Body: sequencer.AppendSaleSpec(nil, &spec)})
	return &constantBackend{f, sequencer.Result{
		Seq: 123456, Order: 123456, Sale: 1, Deadline: time.Now().UnixNano(), State: sequencer.StateReserved, Quantity: 1,
	}}
}

// BenchmarkBuyAgainstBare is T4's comparison: 512 keep-alive connections send
// buys with a token to the API and to a bare handler that answers a constant of
// the same size, in turns, so that both see the same machine. The metric
// api/bare is the ratio of their throughputs.
func BenchmarkBuyAgainstBare(b *testing.B) {
	const connections, turns = 512, 40
	public := benchPublic(b, benchConfig())
	full := dialAll(b, public.server, public.Serve, connections)
	answer := full.roundTrip(b)
	server := &fasthttp.Server{
		NoDefaultServerHeader: true, NoDefaultContentType: true, LazyRequestTime: true,
		Handler:     bareHandler(len(answer)),
		ReadTimeout: time.Minute, WriteTimeout: time.Minute, IdleTimeout: time.Minute,
	}
	bare := dialAll(b, server, server.Serve, connections)
	if got := len(bare.roundTrip(b)); got != len(answer) {
		b.Fatalf("the bare handler answers %d bytes, the API %d", got, len(answer))
	}
	each := max(b.N/(turns*connections), 1)
	var fullTime, bareTime time.Duration
	b.ResetTimer()
	for turn := range turns {
		if turn%2 == 0 {
			fullTime += full.run(b, each)
			bareTime += bare.run(b, each)
		} else {
			bareTime += bare.run(b, each)
			fullTime += full.run(b, each)
		}
	}
	requests := float64(turns * connections * each)
	b.ReportMetric(requests/fullTime.Seconds(), "api-req/s")
	b.ReportMetric(requests/bareTime.Seconds(), "bare-req/s")
	b.ReportMetric(bareTime.Seconds()/fullTime.Seconds(), "api/bare")
}

func newBenchServer(b testing.TB) *fasthttp.Server { return benchServerWith(b, benchConfig()) }

// benchConfig is the default, its one user's limit so high that it is not met.
func benchConfig() Config {
	config := DefaultConfig()
	config.ReadTimeout, config.WriteTimeout = time.Minute, time.Minute
	config.UserRequestsPerSecond, config.UserBurst = limit.PerSecondMax, limit.BurstMax
	return config
}

func benchServerWith(b testing.TB, config Config) *fasthttp.Server {
	return benchPublic(b, config).server
}

func benchPublic(b testing.TB, config Config) *Public {
	verifier := apitest.Verifier(b)
	public, err := NewPublic(config, OneCluster(0, newConstantBackend()), verifier, NewMetrics(verifier))
	must(b, err)
	return public
}

// bareHandler answers a constant that makes the whole answer as long as the
// API's: one header and a body.
func bareHandler(bytesWanted int) fasthttp.RequestHandler {
	var response fasthttp.Response
	response.Header.SetContentType("application/json")
	response.Header.Set("Date", "Mon, 02 Jan 2006 15:04:05 GMT")
	response.SetBody(make([]byte, 100))
	overhead := len(response.String()) - 100
	body := bytes.Repeat([]byte{'x'}, bytesWanted-overhead)
	return func(ctx *fasthttp.RequestCtx) {
		ctx.Response.Header.SetContentType("application/json")
		ctx.Response.SetBody(body)
	}
}

// clients are keep-alive connections that send one request over and over.
type clients struct {
	connections []net.Conn
	request     []byte
	answerBytes int
}

func dialAll(b *testing.B, server *fasthttp.Server, serve func(net.Listener) error, count int) *clients {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(b, err)
	served := make(chan struct{})
	go func() { _ = serve(listener); close(served) }()
	c := &clients{request: benchBuy(b)}
	for range count {
		connection, err := net.Dial("tcp", listener.Addr().String())
		must(b, err)
		c.connections = append(c.connections, connection)
	}
	b.Cleanup(func() {
		for _, connection := range c.connections {
			_ = connection.Close()
		}
		_ = server.Shutdown()
		<-served
	})
	return c
}

// roundTrip sends one request and learns how long its answer is.
func (c *clients) roundTrip(b *testing.B) []byte {
	connection := c.connections[0]
	_, err := connection.Write(c.request)
	must(b, err)
	var response fasthttp.Response
	var answer bytes.Buffer
	must(b, response.Read(bufio.NewReader(io.TeeReader(connection, &answer))))
	if code := response.StatusCode(); code != 200 && code != 202 {
		b.Fatalf("answer %s", answer.Bytes())
	}
	c.answerBytes = answer.Len()
	return answer.Bytes()
}

// run sends so many requests on every connection and returns how long it took.
func (c *clients) run(b *testing.B, each int) time.Duration {
	var all sync.WaitGroup
	start := time.Now()
	for _, connection := range c.connections {
		all.Go(func() {
			answer := make([]byte, c.answerBytes)
			for range each {
				if _, err := connection.Write(c.request); err != nil {
					b.Error(err)
					return
				}
				if _, err := io.ReadFull(connection, answer); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	return time.Since(start)
}

// BenchmarkBuyHandler is the handler alone, without a network.
func BenchmarkBuyHandler(b *testing.B) {
	handler, ctx := benchRequest(b)
	b.ReportAllocs()
	for b.Loop() {
		ctx.Response.Reset()
		handler(ctx)
	}
	if ctx.Response.StatusCode() != 202 {
		b.Fatalf("answer %d %s", ctx.Response.StatusCode(), ctx.Response.Body())
	}
}

// benchRequest returns a server's handler and a buy that was read for it.
func benchRequest(tb testing.TB) (fasthttp.RequestHandler, *fasthttp.RequestCtx) {
	ctx := &fasthttp.RequestCtx{}
	must(tb, ctx.Request.Read(bufio.NewReader(bytes.NewReader(benchBuy(tb)))))
	return newBenchServer(tb).Handler, ctx
}

// benchBuy returns the bytes of a buy with a token and a key.
func benchBuy(tb testing.TB) []byte {
	return fmt.Appendf(nil,
		"POST /v1/tickets?q=1 HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: bench\r\nAccept: */*\r\nAuthorization: Bearer %s\r\nIdempotency-Key: 0123456789abcdef\r\n\r\n",
		apitest.Token(tb, "buyer-0001", auth.RoleBuyer))
}
