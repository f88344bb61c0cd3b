package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// Bounds of an attempt.
const (
	// BodyBytesMax bounds what is sent. The feed's events are some hundred bytes; one above the
	// bound becomes a dead letter at once.
	BodyBytesMax = 64 << 10
	// answerBytesMax bounds what is read of an answer's body.
	answerBytesMax = 4 << 10
	// answerHeaderBytesMax bounds the header of an answer.
	answerHeaderBytesMax = 16 << 10
	// idleTimeout is for how long a connection to a receiver is kept.
	idleTimeout = 30 * time.Second
)

// sender makes attempts at one endpoint.
type sender struct {
	url     string
	agent   string // User-Agent
	timeout time.Duration
	signer  *signer
	http    *http.Client
}

// newSender returns a sender; agent is the User-Agent.
func newSender(e Endpoint, keys *signer, agent string) *sender {
	transport := &http.Transport{
		Proxy:                  nil, // an address is judged where it is connected to
		DialContext:            newDialer(e).DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    time.Duration(e.Timeout),
		MaxConnsPerHost:        e.Concurrency,
		MaxIdleConnsPerHost:    e.Concurrency,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: answerHeaderBytesMax,
		DisableCompression:     true, // the bound is on what comes
	}
	keep := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &sender{url: e.URL, agent: agent, timeout: time.Duration(e.Timeout), signer: keys,
		http: &http.Client{Transport: transport, CheckRedirect: keep}}
}

// newDialer returns what connects to an endpoint, and to no address that it may not have.
func newDialer(e Endpoint) *net.Dialer {
	dialer := &net.Dialer{Timeout: time.Duration(e.Timeout)}
	if !e.AllowPrivate {
		dialer.Control = publicOnly
	}
	return dialer
}

// send makes one attempt. Its time is the wall clock's: receivers refuse what is older, or newer,
// than they tolerate (300 s by the libraries), so a replayed request of somebody else's is refused.
func (s *sender) send(ctx context.Context, e *Event) outcome {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	request, err := s.request(ctx, e, began)
	if err != nil {
		return ofError(err)
	}
	answer, err := s.http.Do(request)
	if err != nil {
		o := ofError(err)
		o.took = time.Since(began)
		return o
	}
	defer answer.Body.Close()
	start, _ := io.ReadAll(io.LimitReader(answer.Body, answerBytesMax)) // the status has come: the rest is for people
	o := ofAnswer(answer, start, time.Now())
	o.took = time.Since(began)
	return o
}

func (s *sender) request(ctx context.Context, e *Event, at time.Time) (*http.Request, error) {
	signature, err := s.signer.sign(e.ID, at, e.Body)
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(e.Body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", s.agent)
	request.Header.Set(standard.HeaderWebhookID, e.ID)
	request.Header.Set(standard.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	request.Header.Set(standard.HeaderWebhookSignature, signature)
	return request, nil
}

// close ends idle connections.
func (s *sender) close() { s.http.CloseIdleConnections() }
