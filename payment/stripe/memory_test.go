package stripe_test

import (
	"context"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"

	"onsale/payment/stripe"
	"onsale/payment/stripe/fake"
)

// pipes is a network of one listener, in memory: of a bubble's goroutines all wait then, so that
// its time goes on.
type pipes struct {
	arriving chan net.Conn
	closed   chan struct{}
	once     sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.arriving:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 80} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.arriving <- there:
		return here, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// host serves a handler in memory, until the test ends.
type host struct{ *pipes }

func newHost(t testing.TB, handler http.Handler) host {
	t.Helper()
	p := &pipes{arriving: make(chan net.Conn), closed: make(chan struct{})}
	server := http.Server{Handler: handler}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(p) // ErrServerClosed
	}()
	t.Cleanup(func() { _ = server.Close(); <-served })
	return host{p}
}

// provider returns a provider that speaks to the host and tries once.
func (h host) provider(t testing.TB) *stripe.Provider {
	t.Helper()
	p := newProvider(t, "http://"+h.Addr().String())
	p.DialBy(h.dial)
	return p
}

// bubbleAccount is an account for tests in bubbles.
type bubbleAccount struct {
	*fake.Fake
	host
}

func newBubbleAccount(t testing.TB) *bubbleAccount {
	t.Helper()
	f := fake.New(fake.Config{Key: apiKey, WebhookSecret: []byte(webhookSecret)})
	t.Cleanup(f.Close)
	return &bubbleAccount{f, newHost(t, f)}
}

// inBubble runs a test beside others, in a bubble of its own.
func inBubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, test)
}
