package peer

import (
	"errors"
	"net"
	"sync"
)

// errListenerClosed is what Accept returns after Close.
var errListenerClosed = errors.New("peers' listener is closed")

// serviceListener hands out the connections of one service.
type serviceListener struct {
	owner *Listener
	conns chan net.Conn
	stop  chan struct{}
	once  sync.Once
}

func newServiceListener(owner *Listener) *serviceListener {
	return &serviceListener{owner: owner, conns: make(chan net.Conn), stop: make(chan struct{})}
}

func (s *serviceListener) hand(conn net.Conn) {
	select {
	case s.conns <- conn:
	case <-s.stop:
		conn.Close()
	}
}

func (s *serviceListener) Accept() (net.Conn, error) {
	select {
	case conn := <-s.conns:
		return conn, nil
	case <-s.stop:
		return nil, errListenerClosed
	}
}

func (s *serviceListener) Close() error {
	s.once.Do(func() { close(s.stop) })
	return nil
}

func (s *serviceListener) Addr() net.Addr { return s.owner.Addr() }
