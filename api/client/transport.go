package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"onsale/api/contract"
	"onsale/sequencer"
)

// answerBytesMax bounds an answer: 65,535 sales of a kilobyte each.
const answerBytesMax = 128 << 20

// Config says how to reach a server.
type Config struct {
	// Address is host:port or a URL: http://host:port.
	Address string
	// Token is sent with every request; "" for none.
	Token string
	// HTTP sends the requests; nil means one with a timeout of 10 seconds.
	HTTP *http.Client
}

// connection sends requests to one listener.
type connection struct {
	base  *url.URL
	token string
	http  *http.Client
}

func newConnection(config Config) (*connection, error) {
	base, err := parseAddress("http", config.Address)
	if err != nil {
		return nil, err
	}
	c := &connection{base: base, token: config.Token, http: config.HTTP}
	if c.http == nil {
		c.http = &http.Client{Timeout: 10 * time.Second}
	}
	return c, nil
}

// parseAddress reads host:port, which gets the scheme, or a URL.
func parseAddress(scheme, address string) (*url.URL, error) {
	if !strings.Contains(address, "://") {
		address = scheme + "://" + address
	}
	base, err := url.Parse(address)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, fmt.Errorf("bad server address %q: give host:port or http://host:port", address)
	}
	return base, nil
}

// call is one request: what is sent, and where the answer goes.
type call struct {
	method    string
	path      string
	query     url.Values
	key       string // Idempotency-Key
	challenge string // a solved one

	ifNoneMatch string // the ETag of what is known
	body        any    // sent as JSON unless nil
	into        any    // filled from the answer unless nil
}

// do sends a call and returns the header of the answer. Its errors are *contract.Problem when
// the server said why, and else wrap ErrNotSent, or, when something was to be changed,
// sequencer.ErrOutcomeUnknown: it may have been done.
func (c *connection) do(ctx context.Context, what call) (http.Header, error) {
	header, err := c.exchange(ctx, what)
	var problem *contract.Problem
	if err != nil && what.method != http.MethodGet && !errors.Is(err, ErrNotSent) && !errors.As(err, &problem) {
		err = fmt.Errorf("%w: %w", sequencer.ErrOutcomeUnknown, err)
	}
	return header, err
}

func (c *connection) exchange(ctx context.Context, what call) (http.Header, error) {
	target := *c.base
	target.Path, target.RawPath = what.path, ""
	if path, err := url.PathUnescape(what.path); err == nil {
		target.Path, target.RawPath = path, what.path
	}
	target.RawQuery = strings.ReplaceAll(what.query.Encode(), "+", "%20") // a plus sign itself is %2B
	var body io.Reader
	if what.body != nil {
		encoded, err := json.Marshal(what.body)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNotSent, err)
		}
		body = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(ctx, what.method, target.String(), body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotSent, err)
	}
	if what.body != nil {
		request.Header.Set("Content-Type", contract.DecisionMediaType)
	}
	if what.key != "" {
		request.Header.Set("Idempotency-Key", what.key)
	}
	if what.challenge != "" {
		request.Header.Set(contract.ChallengeHeader, what.challenge)
	}
	if what.ifNoneMatch != "" {
		request.Header.Set("If-None-Match", what.ifNoneMatch)
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	response, err := c.send(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	return response.Header, readAnswer(response, what.into)
}

// ErrNotSent is returned when there was no connection to send a request over: nobody listens
// there, the name is not known, the TLS handshake failed. The server knows nothing of it.
var ErrNotSent = errors.New("the request was not sent")

// send sends a request. A failure before there was a connection wraps ErrNotSent.
func (c *connection) send(request *http.Request) (*http.Response, error) {
	var connected atomic.Bool // also by the transport's own goroutines
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }}
	response, err := c.http.Do(request.WithContext(httptrace.WithClientTrace(request.Context(), trace)))
	if err != nil && !connected.Load() {
		return nil, fmt.Errorf("%w: %w", ErrNotSent, err)
	}
	return response, err
}

// patient returns the connection without a timeout, for answers that take their
// time; ctx bounds them.
func (c *connection) patient() *connection {
	slow, client := *c, *c.http
	client.Timeout = 0
	slow.http = &client
	return &slow
}

// download copies an answer of any length to w.
func (c *connection) download(ctx context.Context, path string, w io.Writer) error {
	target := *c.base
	target.Path = path
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+c.token)
	response, err := c.patient().send(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return readAnswer(response, nil)
	}
	_, err = io.Copy(w, response.Body)
	return err
}

// readAnswer fills into, or returns the *contract.Problem that was answered.
func readAnswer(response *http.Response, into any) error {
	body, err := io.ReadAll(io.LimitReader(response.Body, answerBytesMax))
	if err != nil {
		return err
	}
	mediaType := response.Header.Get("Content-Type")
	switch {
	case mediaType == contract.ProblemMediaType:
		return problemOf(response, body)
	case response.StatusCode == http.StatusNotModified:
		return errNotModified
	case response.StatusCode >= 300:
		return fmt.Errorf("the server answered %s without a problem; is there something else at %s?", response.Status, response.Request.URL.Host)
	case into == nil:
		return nil
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("the server's answer is not what was asked for: %w", err)
	}
	return nil
}

func problemOf(response *http.Response, body []byte) error {
	problem := new(contract.Problem)
	if err := json.Unmarshal(body, problem); err != nil {
		return fmt.Errorf("the server answered %s with a problem that cannot be read: %w", response.Status, err)
	}
	if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil {
		problem.RetryAfter = time.Duration(seconds) * time.Second
	}
	problem.Allow = response.Header.Get("Allow")
	return problem
}

// segment makes one segment of a path out of an id that a person typed.
func segment(id string) string { return url.PathEscape(id) }
