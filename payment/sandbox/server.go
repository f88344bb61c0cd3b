package sandbox

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"onsale/internal/accept"
	"onsale/payment"
)

// bodyBytesMax bounds a request's body.
const bodyBytesMax = 64 << 10

// ledgerPage is how many entries of the ledger one answer has at most.
const ledgerPage = 1000

// question is the body of POST /v1/authorise, /find, /capture, /cancel, /return and
// /return-part; the answer is a payment.Status.
type question struct {
	payment.Charge
	Method string `json:"method,omitempty"`
	Refund uint8  `json:"refund,omitempty"` // which one, to return
	// Part is which one, to return-part; its amount alone, to capture.
	Part payment.Part `json:"of_part"`
}

// whose is the answer of GET /v1/account.
type whose struct {
	Account string `json:"account"`
}

// page is the answer of GET /v1/ledger?cursor=&limit=. That of GET /v1/charge?key= is a
// payment.Entry, null for none.
type page struct {
	Entries []payment.Entry `json:"entries"`
	Next    string          `json:"next"`
}

const (
	// serverConnectionsMax bounds the connections of a server; nodes have a few each.
	serverConnectionsMax = 256
	// strangersMax bounds those of them on which the secret was never shown.
	strangersMax = 128
	// requestTimeout bounds the time of a request to arrive, idleTimeout the time between
	// two on one connection.
	requestTimeout, idleTimeout = 5 * time.Second, time.Minute
)

// Server serves books over HTTP. It has a bound on its connections, and goes on when the
// system has no files for more.
type Server struct {
	http *http.Server
	room *accept.Room
	log  *slog.Logger
}

// NewServer returns a server of NewHandler.
func NewServer(b *Books, secret []byte, log *slog.Logger) *Server {
	return newServer(NewHandler(b, secret), log)
}

// NewPagesServer returns a server of NewPages, for books that nodes reach without one.
func NewPagesServer(b *Books, log *slog.Logger) *Server { return newServer(NewPages(b), log) }

func newServer(handler http.Handler, log *slog.Logger) *Server {
	s := &Server{log: log, http: &http.Server{Handler: handler, ReadTimeout: requestTimeout, IdleTimeout: idleTimeout,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)},
		room: accept.NewRoom(accept.Config{Max: serverConnectionsMax, StrangersMax: strangersMax, KeepTime: idleTimeout})}
	s.room.Guard(s.http)
	return s
}

// Serve answers requests until Shutdown, and closes the listener; then it returns nil.
func (s *Server) Serve(listener net.Listener) error {
	err := s.http.Serve(s.room.Bound(accept.Patient(listener, "sandbox", s.log, new(atomic.Uint64))))
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// Shutdown stops accepting and lets running requests finish; when ctx ends before, what is
// left is cut off.
func (s *Server) Shutdown(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return s.http.Close()
	}
	return err
}

// NewHandler serves books over HTTP to who has the secret, as a bearer token, and NewPages to
// buyers.
func NewHandler(b *Books, secret []byte) http.Handler {
	mux := http.NewServeMux()
	steps := map[string]func(context.Context, question) (payment.Status, error){
		"authorise": func(ctx context.Context, q question) (payment.Status, error) {
			return b.Authorise(ctx, q.Charge, q.Method)
		},
		"find": func(ctx context.Context, q question) (payment.Status, error) { return b.Find(ctx, q.Charge) },
		"capture": func(ctx context.Context, q question) (payment.Status, error) {
			return b.Capture(ctx, q.Charge, q.Part.Amount)
		},
		"return-part": func(ctx context.Context, q question) (payment.Status, error) {
			return b.ReturnPart(ctx, q.Charge, q.Part)
		},
		"cancel": func(ctx context.Context, q question) (payment.Status, error) { return b.Cancel(ctx, q.Charge) },
		"return": func(ctx context.Context, q question) (payment.Status, error) {
			return b.Return(ctx, q.Charge, q.Refund)
		},
	}
	for name, step := range steps {
		mux.HandleFunc("POST /v1/"+name, func(w http.ResponseWriter, r *http.Request) {
			b.config.Reached(StepCalled)
			answer(w, r, step)
		})
	}
	mux.HandleFunc("GET /v1/charge", func(w http.ResponseWriter, r *http.Request) {
		found, err := b.Lookup(r.Context(), r.URL.Query().Get("key"))
		if err != nil {
			refuse(w, err, http.StatusInternalServerError)
			return
		}
		send(w, found)
	})
	mux.HandleFunc("GET /v1/account", func(w http.ResponseWriter, _ *http.Request) { send(w, whose{b.account}) })
	mux.HandleFunc("GET /v1/ledger", func(w http.ResponseWriter, r *http.Request) {
		limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
		entries, next, err := b.Ledger(r.Context(), r.URL.Query().Get("cursor"), min(max(limit, 1), ledgerPage))
		if err != nil {
			refuse(w, err, http.StatusBadRequest)
			return
		}
		send(w, page{entries, next})
	})
	pages := NewPages(b)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, pagesPath) {
			pages.ServeHTTP(w, r)
			return
		}
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), append([]byte("Bearer "), secret...)) != 1 {
			http.Error(w, "the sandbox' secret is wanted as bearer token", http.StatusUnauthorized)
			return
		}
		accept.Prove(r.Context(), time.Now())
		mux.ServeHTTP(w, r)
	})
}

func answer(w http.ResponseWriter, r *http.Request, step func(context.Context, question) (payment.Status, error)) {
	var q question
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, bodyBytesMax)).Decode(&q); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	status, err := step(r.Context(), q)
	switch {
	case errors.Is(err, errNoAnswer):
		panic(http.ErrAbortHandler) // the connection breaks
	case errors.Is(err, payment.ErrConflict):
		http.Error(w, err.Error(), http.StatusConflict)
	case errors.Is(err, payment.ErrOtherAccount):
		http.Error(w, err.Error(), http.StatusMisdirectedRequest)
	case err != nil:
		refuse(w, err, http.StatusInternalServerError)
	default:
		send(w, status)
	}
}

// refuse answers an error: with a 429 and from when on calls are taken again, or a status.
func refuse(w http.ResponseWriter, err error, status int) {
	var throttled *payment.Throttled
	if errors.As(err, &throttled) {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(throttled.After.Seconds()))))
		status = http.StatusTooManyRequests
	}
	http.Error(w, err.Error(), status)
}

func send(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value) // a caller who left cannot be told
}
