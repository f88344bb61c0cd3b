package api

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fasthttp/router"
	"github.com/valyala/fasthttp"

	"onsale/api/auth"
	"onsale/api/conn"
	"onsale/api/contract"
	"onsale/api/stream"
	"onsale/internal/accept"
)

// Public is the buyers' listener.
type Public struct {
	config   Config
	clusters Clusters
	tokens   *auth.Verifier
	metrics  *Metrics

	server    *fasthttp.Server
	listeners listeners
	routes    *router.Router
	requests  sync.Pool     // of *request
	waiters   chan struct{} // a place for each read that waits for the replica
	sole      atomic.Uint64 // see defaultSale
	recent    *recent
	limits    limits
	valves    valves
	polls     *stream.Polls
	streams   *stream.Hub
	conns     *conn.Table

	waitersRefused atomic.Uint64 // there was no place
	acceptErrors   atomic.Uint64 // no files or memory for a connection

	stopping context.Context // ends when the listener shuts down
	stop     context.CancelFunc

	description description
}

// idleWorkerTime is how long a goroutine that served a connection waits for another one:
// it keeps its stack meanwhile, so that a thousand that were parked at once cost what they
// did before.
const idleWorkerTime = time.Second

// NewPublic returns a server for the buyers of some clusters, or ErrBadConfig.
func NewPublic(config Config, clusters Clusters, tokens *auth.Verifier, metrics *Metrics) (*Public, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	p := &Public{
		config: config, clusters: clusters, tokens: tokens, metrics: metrics,
		waiters: make(chan struct{}, config.ReadWaitersMax), recent: newRecent(),
		description: newDescription(),
	}
	p.stopping, p.stop = context.WithCancel(context.Background())
	p.conns = conn.NewTable(conn.Config{
		Max: config.ConnectionsMax, PerAddressMax: config.ConnectionsPerAddressMax,
		TrustedProxies: config.TrustedProxies, Answer: p.refuseConnection, Late: p.tellLate, Resume: p.resume, KeepTime: config.IdleTimeout,
	})
	p.polls = stream.NewPolls(p.stopping, config.PollsMax, config.PollsPerUserMax, source{p}, tokens.RevokesMore)
	p.streams = stream.NewHub(p.stopping, stream.Config{
		Max: config.StreamsMax, PerUserMax: config.StreamsPerUserMax, Interval: config.StreamInterval, Retry: config.StreamRetry,
		WriteTimeout: config.WriteTimeout, Clock: config.Clock, Release: p.conns.Release,
		RevokesMore: tokens.RevokesMore,
	}, source{p})
	if err := p.limits.set(&config); err != nil {
		return nil, err
	}
	var shards atomic.Uint64
	p.requests.New = func() any { return &request{shard: shards.Add(1), log: config.Logger} }
	p.routes = p.newRouter()
	p.server = &fasthttp.Server{
		Handler:               p.handle,
		ErrorHandler:          p.handleUnreadable,
		ReadBufferSize:        config.HeaderBytesMax,
		ReadTimeout:           config.ReadTimeout,
		WriteTimeout:          config.WriteTimeout,
		IdleTimeout:           config.IdleTimeout,
		MaxIdleWorkerDuration: idleWorkerTime,
		Concurrency:           2 * config.ConnectionsMax, // the table's bound comes first
		MaxRequestBodySize:    config.BodyBytesMax,
		NoDefaultServerHeader: true,
		NoDefaultContentType:  true,
		CloseOnShutdown:       true,
		KeepHijackedConns:     true, // they are event streams
		SecureErrorLogMessage: true, // tokens are not to be logged
		ReduceMemoryUsage:     true, // idle connections have no buffers: conn reads for them
		LazyRequestTime:       true, // we read the clock ourselves
		Logger:                discardLogger{},

		HeaderReceived:               p.webhookBodies,
		ExpectHandler:                p.expect,
		DisablePreParseMultipartForm: true,
		// Names are compared whatever their case, by us and by the library
		// where framing depends on them; rewriting every name costs more than
		// our own look at them.
		DisableHeaderNamesNormalizing: true,
	}
	metrics.public.Store(p)
	return p, nil
}

// discardLogger drops what the HTTP library says of single connections: it is
// counted, and under attack a line for each would be an attack of its own.
type discardLogger struct{}

func (discardLogger) Printf(string, ...any) {}

// Serve answers requests from a listener until Shutdown, and closes it. It
// returns nil after a Shutdown.
func (p *Public) Serve(listener net.Listener) error {
	own, goesOn := p.listeners.open(accept.Patient(listener, "buyers", p.config.Logger, &p.acceptErrors))
	if !goesOn {
		return own.Close()
	}
	return p.server.Serve(p.conns.Wrap(own))
}

// resume serves a connection that was parked.
func (p *Public) resume(c net.Conn) {
	_ = p.server.ServeConn(c) // what went wrong with it is counted, as of all
}

// Shutdown stops accepting, lets running requests finish and ends event streams and
// the connections on which nothing is asked. When ctx ends before that, what is left is
// cut off and the context's error returned.
func (p *Public) Shutdown(ctx context.Context) error {
	p.stop()
	p.listeners.close()
	p.conns.Drain()
	p.streams.Close()
	err := p.server.ShutdownWithContext(ctx)
	return errors.Join(err, p.conns.Wait(ctx))
}

// handle answers one request.
func (p *Public) handle(ctx *fasthttp.RequestCtx) {
	c := conn.Of(ctx.Conn())
	if c != nil && !c.Begin() {
		ctx.SetConnectionClose() // it has given way to another one, and is closed
		return
	}
	r := p.requests.Get().(*request)
	r.begin(ctx, p.config.Clock())
	p.guard(r)
	took := p.config.Clock().Sub(r.started)
	r.finish(took)
	p.metrics.observe(r.shard, r.route, r.outcome, took)
	if r.bought {
		p.metrics.buys.observe(r.cluster, r.command.Sale, r.shard, took)
	}
	r.end()
	p.requests.Put(r)
}

// guard keeps a bug in one request's handling from ending the process, which
// holds everybody's.
func (p *Public) guard(r *request) {
	defer func() {
		if bug := recover(); bug != nil {
			p.config.Logger.Error("request handler panicked", "request", string(r.requestID()), "route", routeNames[r.route], "panic", bug, "stack", string(debug.Stack()))
			r.fail(fmt.Errorf("%w: panic: %v", contract.ErrInternal, bug))
		}
	}()
	if err := p.checkRead(r); err != nil {
		r.distrust()
		r.fail(err)
		return
	}
	if err := p.limitAddress(r); err != nil {
		r.fail(err)
		return
	}
	// The buy path comes first: in a sale nearly everything is a buy.
	if string(r.path) == buyPath && r.ctx.IsPost() {
		r.route = routeBuy
		if err := p.buy(r); err != nil {
			r.fail(err)
		}
		return
	}
	p.dispatch(r)
}
