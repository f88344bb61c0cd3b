package api

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"onsale/api/challenge"
)

// ErrBadConfig is returned when a configuration breaks a bound; the message says
// which field, what it is, and what is allowed.
var ErrBadConfig = errors.New("bad configuration")

// Config holds what both listeners need. The zero value is not usable; begin
// with DefaultConfig.
type Config struct {
	// HeaderBytesMax bounds the request line and header together. Each request
	// of the buyers' listener that is being read has a buffer of this size; idle
	// connections have none. Tokens are 200 to 500 bytes.
	HeaderBytesMax int
	// HeaderLinesMax bounds the number of header lines of a buyer's request.
	HeaderLinesMax int
	// URIBytesMax bounds a buyer's request target.
	URIBytesMax int
	// BodyBytesMax bounds a request's body, on both listeners.
	BodyBytesMax int
	// ReadTimeout bounds the time from a request's first byte to its last. It
	// is what ends slow-header and slow-body attacks, and what a buyer on a bad
	// network must manage.
	ReadTimeout time.Duration
	// WriteTimeout bounds the time to write an answer.
	WriteTimeout time.Duration
	// IdleTimeout is how long a connection may wait between requests. Longer
	// spares handshakes; shorter frees memory.
	IdleTimeout time.Duration
	// ConnectionsMax bounds the buyers' connections. One more takes the place of one
	// that is idle and had no valid token within IdleTimeout; when there is none, it is
	// refused with 503.
	ConnectionsMax int
	// ConnectionsPerAddressMax bounds the connections of one address; 0 means
	// no bound. Behind a proxy or a carrier's NAT many buyers share an address.
	ConnectionsPerAddressMax int
	// PrivateConnectionsMax bounds the connections of the private listener, sellers' event
	// streams included.
	PrivateConnectionsMax int
	// ReadWait is how long a read of an order waits for this replica to reach
	// it before the leader is asked, and for the leader: then
	// the answer is to come back.
	ReadWait time.Duration
	// ShedViewsLoad and ShedPollsLoad say from which load of the way to a leader
	// on views of sales and lists, and questions for one order, are refused as
	// overloaded: buys go first. Above 1 never.
	ShedViewsLoad, ShedPollsLoad float64
	// PayWait is how long a request to pay waits for the provider; then the buyer is
	// told to ask for the order, and the payment goes on.
	PayWait time.Duration
	// WebhookBytesMax bounds the body of a payment provider's webhook.
	WebhookBytesMax int
	// PollsMax bounds the requests that wait for their orders to change (?wait=).
	PollsMax int
	// PollsPerUserMax bounds those of one user, so that a few cannot take all; 0 means
	// no bound. A buyer has a telephone and a page or two open.
	PollsPerUserMax int
	// StreamsMax bounds the open event streams.
	StreamsMax int
	// StreamsPerUserMax bounds those of one user's orders; 0 means no bound. Streams of
	// sales ask for no token.
	StreamsPerUserMax int
	// StreamInterval is how often a sale's listeners hear of it at most.
	StreamInterval time.Duration
	// StreamRetry is after how long a listener whose stream broke should come back.
	StreamRetry time.Duration
	// ReadWaitersMax bounds the reads that wait so at once; more are told to
	// come back, so that made-up uids cannot tie the server up.
	ReadWaitersMax int
	// UserRequestsPerSecond and UserBurst say how often a user may ask: a bucket
	// of UserBurst requests, into which so many come back each second. A rate of
	// 0 means no limit. A person presses "buy", sees the order and refreshes,
	// a retrying client asks once a second or two: the default is several times
	// that, and a fraction of what a script would like.
	UserRequestsPerSecond float64
	UserBurst             int
	// AddressRequestsPerSecond and AddressBurst say the same of a network: an
	// IPv4 /24, an IPv6 /64. Behind a carrier's NAT thousands of honest buyers
	// share one address, so any figure here turns some of them away; it is off
	// by default, and for those who set it a burst of 500 is what such an
	// address may well send in the first second. 100 a second with it holds a
	// rented machine to a fiftieth of a percent of a rush.
	AddressRequestsPerSecond float64
	AddressBurst             int
	// LimitedUsersMax and LimitedAddressesMax bound how many users and networks
	// are counted, at about 250 bytes each; beyond it the one that was silent
	// longest is forgotten, and forgiven. Who exceeds a burst within the time in
	// which so many others come is held back.
	LimitedUsersMax, LimitedAddressesMax int
	// PrivateHosts are the names under which the private listener is asked, beside
	// addresses and localhost; a request for another one is refused.
	PrivateHosts []string
	// TrustedProxies are the networks of proxies whose X-Forwarded-For is
	// believed. They must make one line of it.
	TrustedProxies []netip.Prefix
	// Gate decides which buys may go to the sale; nil lets all. Challenges of one
	// that makes them itself (challenge.Issuer) are given out at /v1/challenge.
	Gate challenge.Gate
	// Clock says what time it is; for tests.
	Clock func() time.Time
	// Logger gets what operators must know. No tokens or user ids go there.
	Logger *slog.Logger
}

// DefaultConfig returns the configuration that serves most.
func DefaultConfig() Config {
	return Config{
		HeaderBytesMax:           8 << 10,
		HeaderLinesMax:           64,
		URIBytesMax:              1 << 10,
		BodyBytesMax:             4 << 10,
		ReadTimeout:              5 * time.Second,
		WriteTimeout:             5 * time.Second,
		IdleTimeout:              60 * time.Second,
		ConnectionsMax:           64 << 10,
		ConnectionsPerAddressMax: 0,
		PrivateConnectionsMax:    512,
		ReadWait:                 2 * time.Second,
		ReadWaitersMax:           1024,
		PayWait:                  15 * time.Second,
		PollsMax:                 16 << 10,
		PollsPerUserMax:          8,
		StreamsMax:               128 << 10,
		StreamsPerUserMax:        8,
		StreamInterval:           250 * time.Millisecond,
		StreamRetry:              3 * time.Second,
		WebhookBytesMax:          64 << 10,
		ShedViewsLoad:            0.5,
		ShedPollsLoad:            0.75,
		UserRequestsPerSecond:    5,
		UserBurst:                20,
		AddressRequestsPerSecond: 0,
		AddressBurst:             500,
		LimitedUsersMax:          256 << 10,
		LimitedAddressesMax:      64 << 10,
		Clock:                    time.Now,
		Logger:                   slog.New(slog.DiscardHandler),
	}
}

// Validate returns ErrBadConfig when a field breaks its bound.
func (c *Config) Validate() error {
	numbers := []struct {
		name        string
		value       int
		least, most int
	}{
		{"HeaderBytesMax", c.HeaderBytesMax, 1 << 10, 64 << 10},
		{"HeaderLinesMax", c.HeaderLinesMax, 8, 1024},
		{"URIBytesMax", c.URIBytesMax, 128, 16 << 10},
		{"BodyBytesMax", c.BodyBytesMax, 1 << 10, 1 << 20},
		{"ConnectionsMax", c.ConnectionsMax, 1, 1 << 22},
		{"ConnectionsPerAddressMax", c.ConnectionsPerAddressMax, 0, 1 << 22},
		{"PrivateConnectionsMax", c.PrivateConnectionsMax, 8, 1 << 16},
		{"PollsMax", c.PollsMax, 0, 1 << 20},
		{"PollsPerUserMax", c.PollsPerUserMax, 0, 1 << 20},
		{"StreamsPerUserMax", c.StreamsPerUserMax, 0, 1 << 20},
		{"StreamsMax", c.StreamsMax, 0, 1 << 22},
		{"WebhookBytesMax", c.WebhookBytesMax, 1 << 10, 1 << 20},
		{"ReadWaitersMax", c.ReadWaitersMax, 0, 1 << 20},
	}
	for _, n := range numbers {
		if n.value < n.least || n.value > n.most {
			return fmt.Errorf("%w: %s is %d, allowed is %d to %d", ErrBadConfig, n.name, n.value, n.least, n.most)
		}
	}
	if c.Clock == nil || c.Logger == nil {
		return fmt.Errorf("%w: Clock and Logger must be set", ErrBadConfig)
	}
	for _, load := range [...]float64{c.ShedViewsLoad, c.ShedPollsLoad} {
		if !(load > 0 && load <= 2) {
			return fmt.Errorf("%w: ShedViewsLoad and ShedPollsLoad are %v and %v, allowed is above 0 to 2", ErrBadConfig, c.ShedViewsLoad, c.ShedPollsLoad)
		}
	}
	if err := c.validateLimits(); err != nil {
		return err
	}
	return c.validateTimes()
}

func (c *Config) validateTimes() error {
	times := []struct {
		name        string
		value       time.Duration
		least, most time.Duration
	}{
		{"ReadTimeout", c.ReadTimeout, 10 * time.Millisecond, time.Minute},
		{"WriteTimeout", c.WriteTimeout, 10 * time.Millisecond, time.Minute},
		{"IdleTimeout", c.IdleTimeout, 10 * time.Millisecond, time.Hour},
		{"ReadWait", c.ReadWait, 0, time.Minute},
		{"StreamInterval", c.StreamInterval, time.Millisecond, time.Minute},
		{"StreamRetry", c.StreamRetry, 0, time.Minute},
		{"PayWait", c.PayWait, time.Millisecond, time.Minute},
	}
	for _, t := range times {
		if t.value < t.least || t.value > t.most {
			return fmt.Errorf("%w: %s is %v, allowed is %v to %v", ErrBadConfig, t.name, t.value, t.least, t.most)
		}
	}
	return nil
}
