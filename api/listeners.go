package api

import (
	"net"
	"sync"
)

// listeners are those that a server was given until it stops. The server's library does
// not know a listener before it accepts from it: one that comes while the server stops, or
// after that, would be served indefinitely.
type listeners struct {
	mu      sync.Mutex
	all     []net.Listener
	stopped bool
}

// open notes a listener, and returns what to serve in its place; false when the server has
// stopped.
func (l *listeners) open(listener net.Listener) (net.Listener, bool) {
	own := &closedOnce{Listener: listener}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.stopped {
		l.all = append(l.all, own)
	}
	return own, !l.stopped
}

// close closes all listeners, and refuses those that come later.
func (l *listeners) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopped = true
	for _, listener := range l.all {
		_ = listener.Close() // the library closes it too, and is told the same
	}
}

// closedOnce tells everybody who closes it what the first was told.
type closedOnce struct {
	net.Listener
	once sync.Once
	err  error
}

func (c *closedOnce) Close() error {
	c.once.Do(func() { c.err = c.Listener.Close() })
	return c.err
}
