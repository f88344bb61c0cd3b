package sandbox

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"onsale/payment"
)

// bodyBytesMax bounds a request's body.
const bodyBytesMax = 64 << 10

// ledgerPage is how many entries of the ledger one answer has at most.
const ledgerPage = 1000

// question is the body of POST /v1/authorise, /find, /capture and /cancel; the answer
// is a payment.Status.
type question struct {
	payment.Charge
	Method string `json:"method,omitempty"`
}

// page is the answer of GET /v1/ledger?cursor=&limit=.
type page struct {
	Entries []payment.Entry `json:"entries"`
	Next    string          `json:"next"`
}

// NewHandler serves books over HTTP to who has the secret, as a bearer token.
func NewHandler(b *Books, secret []byte) http.Handler {
	mux := http.NewServeMux()
	steps := map[string]func(context.Context, question) (payment.Status, error){
		"authorise": func(ctx context.Context, q question) (payment.Status, error) {
			return b.Authorise(ctx, q.Charge, q.Method)
		},
		"find":    func(ctx context.Context, q question) (payment.Status, error) { return b.Find(ctx, q.Charge) },
		"capture": func(ctx context.Context, q question) (payment.Status, error) { return b.Capture(ctx, q.Charge) },
		"cancel":  func(ctx context.Context, q question) (payment.Status, error) { return b.Cancel(ctx, q.Charge) },
	}
	for name, step := range steps {
		mux.HandleFunc("POST /v1/"+name, func(w http.ResponseWriter, r *http.Request) {
			b.config.Reached(StepCalled)
			answer(w, r, step)
		})
	}
	mux.HandleFunc("GET /v1/ledger", func(w http.ResponseWriter, r *http.Request) {
		limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
		entries, next, err := b.Ledger(r.Context(), r.URL.Query().Get("cursor"), min(max(limit, 1), ledgerPage))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		send(w, page{entries, next})
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), append([]byte("Bearer "), secret...)) != 1 {
			http.Error(w, "the sandbox' secret is wanted as bearer token", http.StatusUnauthorized)
			return
		}
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
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	default:
		send(w, status)
	}
}

func send(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value) // a caller who left cannot be told
}
