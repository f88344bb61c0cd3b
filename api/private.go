package api

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"onsale/api/auth"
	"onsale/api/contract"
	"onsale/api/stream"
	"onsale/internal/accept"
	"onsale/sequencer"
)

// privateWriteTimeout bounds an answer of the private listener: a CPU profile
// takes 30 seconds by default.
const privateWriteTimeout = 2 * time.Minute

// Check is one thing that must be well for the node to take requests.
type Check struct {
	Name string
	Err  error // nil when it is well
	// Warning says that the node may get requests although this is not well: no other
	// node would do better.
	Warning bool
}

// Fails reports whether the check keeps requests away.
func (c *Check) Fails() bool { return c.Err != nil && !c.Warning }

// Operations is what the private listener shows of the node.
type Operations struct {
	// Checks are what /readyz asks.
	Checks func() []Check
	// Node returns what GET /v1/node answers; it must be fit for JSON.
	Node func() any
	// Cluster has the routes of the cluster's administration, by pattern.
	Cluster map[string]Step
	// Streams has operators' routes that write their own answer, by pattern.
	// An error is answered when nothing was written yet.
	Streams map[string]func(http.ResponseWriter, *http.Request) error
	// Payments is the cluster's way to its payment provider; nil where no payments
	// are taken.
	Payments Payments
	// Chargeable says why the payment provider would not take an amount in minor units of a
	// currency; nil where that is not known.
	Chargeable func(amount int64, currency string) error
	// Timeline returns the course of a sale up to what is shown of it; it is not
	// changed. Without it there is no such route.
	Timeline func(ctx context.Context, sale *sequencer.SaleView) (*contract.Timeline, error)
	// History returns what happened to an order, of a uid, up to what is shown of it, above a
	// page's cursor, 0 for the beginning. Without it there is no such route.
	History func(ctx context.Context, order *sequencer.OrderView, uid string, after uint64) (*contract.OrderHistory, error)
	// Feed returns a page of what was decided. Without it there is no such route.
	Feed func(ctx context.Context, q contract.FeedQuestion) (*contract.FeedPage, error)
	// Tickets has tickets signed, Revocations says which are not valid any more, and TicketedIn
	// whose they are; nil where that is not known.
	Tickets     Tickets
	Revocations Revocations
	TicketedIn  TicketedIn
	// Audit takes a line of each verb that changes something; nil where there is no such log.
	Audit AuditLog
	// Membership returns who leads and who is what in the cluster, as this process has it, for
	// that log; nil where there is no cluster.
	Membership func() map[string]any
	// Metrics is what /metrics shows; register the Metrics of this package there.
	Metrics prometheus.Gatherer
}

// Step is one route of the cluster's administration.
type Step struct {
	Roles auth.Roles
	// Do answers a JSON body, empty for none, with something fit for JSON. actor is who
	// asks, as the token says.
	Do func(ctx context.Context, actor, body []byte) (any, error)
}

// Private is the sellers' and operators' listener. Bind it to loopback unless the network is
// trusted: health needs no token. Metrics and profiles need one, or the certificate that the
// listener has asked for.
type Private struct {
	config     Config
	backend    SellerBackend // nil: the listener has no sellers' routes
	payments   Payments      // nil: no payments are taken
	number     func() uint8  // of the cluster
	tokens     *auth.Verifier
	metrics    *Metrics
	operations Operations
	streams    *stream.Sellers // nil without a backend
	stopping   context.Context // ends when the listener shuts down
	stop       context.CancelFunc

	room         *accept.Room
	acceptErrors atomic.Uint64 // no files or memory for a connection

	server      *http.Server
	mux         *patternMux
	description description
}

// NewPrivate returns a server for the sellers of one cluster and for operators, or
// ErrBadConfig. Without a backend it serves operators alone.
func NewPrivate(config Config, backend SellerBackend, number func() uint8, tokens *auth.Verifier, metrics *Metrics, operations Operations) (*Private, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	p := &Private{config: config, backend: backend, number: number, tokens: tokens, metrics: metrics, operations: operations, payments: operations.Payments,
		description: newDescription(), room: config.privateRoom()}
	p.stopping, p.stop = context.WithCancel(context.Background())
	if backend != nil {
		p.streams = stream.NewSellers(p.stopping, config.WriteTimeout, config.Clock)
	}
	p.mux = p.newMux()
	p.server = &http.Server{
		Handler:           http.HandlerFunc(p.handle),
		ReadHeaderTimeout: config.ReadTimeout,
		ReadTimeout:       config.ReadTimeout,
		WriteTimeout:      privateWriteTimeout,
		IdleTimeout:       config.IdleTimeout,
		MaxHeaderBytes:    config.HeaderBytesMax,
		ErrorLog:          slog.NewLogLogger(config.Logger.Handler(), slog.LevelDebug),
	}
	p.room.Guard(p.server)
	metrics.private.Store(p)
	return p, nil
}

// Serve answers requests from a listener until Shutdown, and closes it. It
// returns nil after a Shutdown.
func (p *Private) Serve(listener net.Listener) error { return p.serve(p.bound(listener)) }

// ServeTLS does the same over TLS.
func (p *Private) ServeTLS(listener net.Listener, config *tls.Config) error {
	return p.serve(tls.NewListener(p.bound(listener), config))
}

// bound goes under TLS: who never ends a handshake has a place too.
func (p *Private) bound(listener net.Listener) net.Listener {
	return p.room.Bound(accept.Patient(listener, "private", p.config.Logger, &p.acceptErrors))
}

func (p *Private) serve(listener net.Listener) error {
	err := p.server.Serve(listener)
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// Shutdown stops accepting, lets running requests finish and ends idle
// connections. When ctx ends before that, what is left is cut off and the
// context's error returned.
func (p *Private) Shutdown(ctx context.Context) error {
	p.stop()
	err := p.server.Shutdown(ctx)
	if err != nil {
		return errors.Join(err, p.server.Close())
	}
	return nil
}

// livez says that the process answers: restart it when it does not.
func (p *Private) livez(w http.ResponseWriter, req *http.Request) {
	writeChecks(w, req, "livez", []Check{{Name: "http"}})
}

// readyz says whether to send requests here.
func (p *Private) readyz(w http.ResponseWriter, req *http.Request) {
	writeChecks(w, req, "readyz", p.operations.Checks())
}

// writeChecks answers 200 and "ok", or 503 and every check; with ?verbose every check
// either way. A check is a line, in the order in which they are given:
//
//	[+]NAME ok
//	[!]NAME warning: WHY
//	[-]NAME failed: WHY
func writeChecks(w http.ResponseWriter, req *http.Request, name string, checks []Check) {
	failed := 0
	var lines strings.Builder
	for _, check := range checks {
		switch {
		case check.Fails():
			failed++
			fmt.Fprintf(&lines, "[-]%s failed: %s\n", check.Name, oneLine(check.Err))
		case check.Err != nil:
			fmt.Fprintf(&lines, "[!]%s warning: %s\n", check.Name, oneLine(check.Err))
		default:
			fmt.Fprintf(&lines, "[+]%s ok\n", check.Name)
		}
	}
	headers := w.Header()
	headers.Set("Content-Type", "text/plain; charset=utf-8")
	headers.Set("Cache-Control", "no-store")
	headers.Set("X-Content-Type-Options", "nosniff")
	_, verbose := req.URL.Query()["verbose"]
	switch {
	case failed > 0:
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintf(w, "%s%s check failed\n", lines.String(), name)
	case verbose:
		fmt.Fprintf(w, "%s%s check passed\n", lines.String(), name)
	default:
		fmt.Fprint(w, "ok")
	}
}

// oneLine keeps an error of several lines from looking like several checks.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }
