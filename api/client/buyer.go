package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"onsale/api/challenge"
	"onsale/api/contract"
)

// Client speaks to the buyers' listener.
type Client struct{ connection *connection }

// New returns a client of the buyers' listener. It follows a follower's hint to
// the leader.
func New(config Config) (*Client, error) {
	c, err := newConnection(config)
	if err != nil {
		return nil, err
	}
	return &Client{c}, nil
}

// Purchase is what to buy.
type Purchase struct {
	Quantity uint8
	Min      uint8  // take fewer, down to this; 0 means all or nothing, or the refusal not_enough
	Sale     string // "" means the only one that is on
	// Reference is what your side calls the purchase, such as a cart's number: at most
	// sequencer.ReferenceBytesMax printable ASCII characters; "" for none. The order shows
	// it, and a repeat under one key must have the same.
	Reference string
	// Key makes a retry safe: a key makes at most one order, and every repeat is answered
	// with it. Make one up for each purchase, keep it before sending, and use it again
	// after sequencer.ErrOutcomeUnknown, a lost connection or a refusal. A refusal binds
	// nothing: after several tries a copy that was delayed may still buy, so look at
	// Orders before you leave.
	Key string
	// ChallengeBitsMax bounds the work that is done when the server asks for a
	// solved challenge: each bit doubles it. 0 means none, then the error is
	// contract.ErrChallengeRequired.
	ChallengeBitsMax int
}

// Buy asks for tickets. When the server wants a solved challenge first it gets
// one, solves it, and asks again.
func (c *Client) Buy(ctx context.Context, p Purchase) (*contract.Decision, error) {
	decision, err := c.buy(ctx, p, "")
	if !errors.Is(err, contract.ErrChallengeRequired) || p.ChallengeBitsMax == 0 {
		return decision, err
	}
	answer, err := c.solve(ctx, p.ChallengeBitsMax)
	if err != nil {
		return nil, err
	}
	return c.buy(ctx, p, answer)
}

// Challenge returns what the server wants solved before a buy.
func (c *Client) Challenge(ctx context.Context) (*contract.Challenge, error) {
	return get[contract.Challenge](ctx, c.connection, "/v1/challenge", nil)
}

func (c *Client) solve(ctx context.Context, bitsMax int) (string, error) {
	asked, err := c.Challenge(ctx)
	if err != nil {
		return "", err
	}
	if asked.DifficultyBits > bitsMax {
		return "", fmt.Errorf("%w: it is one of %d bits, and no more than %d were to be solved", contract.ErrChallengeRequired, asked.DifficultyBits, bitsMax)
	}
	return challenge.Solve(ctx, asked.Challenge, asked.DifficultyBits)
}

func (c *Client) buy(ctx context.Context, p Purchase, answer string) (*contract.Decision, error) {
	query := url.Values{"q": {strconv.Itoa(int(p.Quantity))}}
	if p.Min > 0 {
		query.Set("min", strconv.Itoa(int(p.Min)))
	}
	if p.Sale != "" {
		query.Set("sale", p.Sale)
	}
	if p.Reference != "" {
		query.Set("reference", p.Reference)
	}
	decision := new(contract.Decision)
	header, err := c.connection.do(ctx, call{method: http.MethodPost, path: "/v1/tickets", query: query, key: p.Key, challenge: answer, into: decision})
	if err != nil {
		return nil, err
	}
	decision.Replayed = header.Get("Idempotent-Replayed") == "true"
	return decision, nil
}

// Order returns one of the caller's orders.
func (c *Client) Order(ctx context.Context, uid string) (*contract.Order, error) {
	return get[contract.Order](ctx, c.connection, contract.CallbackPrefix+segment(uid), nil)
}

// Orders returns a page of the caller's orders; limit 0 and cursor "" mean the
// server's default and the beginning.
func (c *Client) Orders(ctx context.Context, limit int, cursor string) (*contract.OrderPage, error) {
	return get[contract.OrderPage](ctx, c.connection, "/v1/orders", pageQuery(limit, cursor))
}

// CancelOrder gives a reservation back or leaves the waitlist.
func (c *Client) CancelOrder(ctx context.Context, uid string) (*contract.Order, error) {
	order := new(contract.Order)
	_, err := c.connection.do(ctx, call{method: http.MethodDelete, path: contract.CallbackPrefix + segment(uid), into: order})
	if err != nil {
		return nil, err
	}
	return order, nil
}

// CancelTickets gives some tickets of a reservation, or of a place in the waitlist, back. A key
// gives them back once, however often it is asked.
func (c *Client) CancelTickets(ctx context.Context, uid string, tickets uint8, key string) (*contract.Order, error) {
	order := new(contract.Order)
	_, err := c.connection.do(ctx, call{method: http.MethodDelete, path: contract.CallbackPrefix + segment(uid), query: ticketsQuery(tickets), key: key, into: order})
	if err != nil {
		return nil, err
	}
	return order, nil
}

func ticketsQuery(tickets uint8) url.Values {
	return url.Values{"q": {strconv.Itoa(int(tickets))}}
}

// Pay asks to pay an order with a payment method's token; "" for an order that costs nothing.
// An order is never charged twice, however often it is asked.
func (c *Client) Pay(ctx context.Context, uid, method string) (*contract.Payment, error) {
	paid := new(contract.Payment)
	_, err := c.connection.do(ctx, call{method: http.MethodPost, path: "/v1/tickets/payment", body: contract.PaymentRequest{Order: uid, Method: method}, into: paid})
	if err != nil {
		return nil, err
	}
	return paid, nil
}

// Tickets returns a page of the sales, as buyers see them.
func (c *Client) Tickets(ctx context.Context, limit int, cursor string) (*contract.SalePage, error) {
	return get[contract.SalePage](ctx, c.connection, "/v1/tickets", pageQuery(limit, cursor))
}

// Ticket returns one sale, as buyers see it.
func (c *Client) Ticket(ctx context.Context, sale string) (*contract.Sale, error) {
	return get[contract.Sale](ctx, c.connection, "/v1/tickets/"+segment(sale), nil)
}

func pageQuery(limit int, cursor string) url.Values {
	query := url.Values{}
	if limit > 0 {
		query.Set("limit", strconv.Itoa(limit))
	}
	if cursor != "" {
		query.Set("cursor", cursor)
	}
	return query
}

func get[T any](ctx context.Context, c *connection, path string, query url.Values) (*T, error) {
	value := new(T)
	if _, err := c.do(ctx, call{method: http.MethodGet, path: path, query: query, into: value}); err != nil {
		return nil, err
	}
	return value, nil
}
