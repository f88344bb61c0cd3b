package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"onsale/payment"
)

// Client is a sandbox in another process. It is a payment.Provider.
type Client struct {
	address string
	secret  []byte
	web     *http.Client

	mu      sync.Mutex
	account string // as it was told last
	told    time.Time
}

// accountLife is for how long an account is believed without asking: the process that is asked
// may be another one, with other books.
const accountLife = time.Second

// connectionsMax bounds the idle connections that are kept.
const connectionsMax = 64

// NewClient returns a client of the sandbox at an address (http://HOST:PORT) that has
// this secret, which also signs its webhooks.
func NewClient(address string, secret []byte) (*Client, error) {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Scheme == "" || parsed.Host == "" {
		return nil, fmt.Errorf("sandbox: the address %q is no http://HOST:PORT", address)
	}
	return &Client{address: strings.TrimSuffix(address, "/"), secret: secret, web: &http.Client{Transport: &http.Transport{
		MaxIdleConns: connectionsMax, MaxIdleConnsPerHost: connectionsMax, IdleConnTimeout: time.Minute,
	}}}, nil
}

// Close ends the connections.
func (c *Client) Close() error {
	c.web.CloseIdleConnections()
	return nil
}

// Name implements payment.Provider.
func (c *Client) Name() string { return "sandbox" }

// Account implements payment.Provider. Whether it still is that of a charge is seen by the server,
// at each call.
func (c *Client) Account(ctx context.Context) (string, error) {
	c.mu.Lock()
	account, fresh := c.account, time.Since(c.told) < accountLife
	c.mu.Unlock()
	if fresh {
		return account, nil
	}
	var found whose
	if err := c.do(ctx, http.MethodGet, "/v1/account", nil, &found); err != nil {
		return "", err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.account, c.told = found.Account, time.Now()
	return found.Account, nil
}

// doubt lets the account be asked for at the next call.
func (c *Client) doubt() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.told = time.Time{}
}

// Authorise implements payment.Provider.
func (c *Client) Authorise(ctx context.Context, charge payment.Charge, method string) (payment.Status, error) {
	return c.ask(ctx, "authorise", question{Charge: charge, Method: method})
}

// Find implements payment.Provider.
func (c *Client) Find(ctx context.Context, charge payment.Charge) (payment.Status, error) {
	return c.ask(ctx, "find", question{Charge: charge})
}

// Capture implements payment.Provider.
func (c *Client) Capture(ctx context.Context, charge payment.Charge, amount int64) (payment.Status, error) {
	return c.ask(ctx, "capture", question{Charge: charge, Part: payment.Part{Amount: amount}})
}

// ReturnPart implements payment.Provider.
func (c *Client) ReturnPart(ctx context.Context, charge payment.Charge, part payment.Part) (payment.Status, error) {
	return c.ask(ctx, "return-part", question{Charge: charge, Part: part})
}

// Cancel implements payment.Provider.
func (c *Client) Cancel(ctx context.Context, charge payment.Charge) (payment.Status, error) {
	return c.ask(ctx, "cancel", question{Charge: charge})
}

// Return implements payment.Provider.
func (c *Client) Return(ctx context.Context, charge payment.Charge, refund uint8) (payment.Status, error) {
	return c.ask(ctx, "return", question{Charge: charge, Refund: refund})
}

func (c *Client) ask(ctx context.Context, step string, q question) (status payment.Status, err error) {
	body, err := json.Marshal(q)
	if err != nil {
		return status, err
	}
	if err := c.do(ctx, http.MethodPost, "/v1/"+step, body, &status); err != nil {
		return payment.Status{}, err
	}
	if next := status.NextAction; next != nil && strings.HasPrefix(next.RedirectURL, "/") {
		next.RedirectURL = c.address + next.RedirectURL
	}
	return status, nil
}

// Lookup implements payment.Provider.
func (c *Client) Lookup(ctx context.Context, key string) (found *payment.Entry, err error) {
	query := url.Values{"key": {key}}
	return found, c.do(ctx, http.MethodGet, "/v1/charge?"+query.Encode(), nil, &found)
}

// Ledger implements payment.Provider.
func (c *Client) Ledger(ctx context.Context, cursor string, limit int) ([]payment.Entry, string, error) {
	query := url.Values{"cursor": {cursor}, "limit": {strconv.Itoa(limit)}}
	var p page
	err := c.do(ctx, http.MethodGet, "/v1/ledger?"+query.Encode(), nil, &p)
	return p.Entries, p.Next, err
}

// answerBytesMax bounds an answer.
const answerBytesMax = 4 << 20

func (c *Client) do(ctx context.Context, method, path string, body []byte, value any) error {
	request, err := http.NewRequestWithContext(ctx, method, c.address+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+string(c.secret))
	response, err := c.web.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, answerBytesMax))
	switch {
	case err != nil:
		return err
	case response.StatusCode == http.StatusConflict:
		return fmt.Errorf("%w: %s", payment.ErrConflict, bytes.TrimSpace(text))
	case response.StatusCode == http.StatusMisdirectedRequest:
		c.doubt()
		return fmt.Errorf("%w: %s", payment.ErrOtherAccount, bytes.TrimSpace(text))
	case response.StatusCode == http.StatusTooManyRequests:
		after := payment.RetryAfter(response.Header.Get("Retry-After"), time.Now())
		return &payment.Throttled{After: after, Err: fmt.Errorf("sandbox: %s", bytes.TrimSpace(text))}
	case response.StatusCode != http.StatusOK:
		return fmt.Errorf("sandbox: %s: %s", response.Status, bytes.TrimSpace(text))
	}
	return json.Unmarshal(text, value)
}

// Notice implements payment.Provider.
func (c *Client) Notice(_ context.Context, signature string, body []byte, now time.Time) (payment.Notice, error) {
	return readNotice([][]byte{c.secret}, signature, body, now)
}
