package forward

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// memory is a network without sockets, so that a bubble's time goes on when all wait.
type memory struct {
	mu        sync.Mutex
	listeners map[string]*memoryListener
}

var errNobodyListens = errors.New("nobody listens")

// listen opens an address.
func (m *memory) listen(address string) net.Listener {
	l := &memoryListener{address: address, conns: make(chan net.Conn), stop: make(chan struct{})}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.listeners == nil {
		m.listeners = map[string]*memoryListener{}
	}
	m.listeners[address] = l
	return l
}

// dial connects to who listens; a black hole answers nobody.
func (m *memory) dial(ctx context.Context, address string) (net.Conn, error) {
	m.mu.Lock()
	to := m.listeners[address]
	m.mu.Unlock()
	if address == blackHole {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if to == nil {
		return nil, &net.OpError{Op: "dial", Err: errNobodyListens}
	}

	near, far := net.Pipe()
	select {
	case to.conns <- far:
		return near, nil
	case <-to.stop:
	case <-ctx.Done():
	}
	return nil, &net.OpError{Op: "dial", Err: errors.Join(errNobodyListens, near.Close(), far.Close())}
}

// slowDial takes a second.
func (m *memory) slowDial(ctx context.Context, address string) (net.Conn, error) {
	time.Sleep(time.Second)
	return m.dial(ctx, address)
}

// Addresses at which nobody is.
const (
	blackHole = "black hole"
	nowhere   = "nowhere"
)

type memoryListener struct {
	address string
	conns   chan net.Conn
	stop    chan struct{}
	closing sync.Once
}

func (l *memoryListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.stop:
		return nil, net.ErrClosed
	}
}

func (l *memoryListener) Close() error {
	l.closing.Do(func() { close(l.stop) })
	return nil
}

func (l *memoryListener) Addr() net.Addr { return memoryAddress(l.address) }

type memoryAddress string

func (a memoryAddress) Network() string { return "memory" }
func (a memoryAddress) String() string  { return string(a) }
