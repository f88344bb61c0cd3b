package peer

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// refusal tells which node said no.
func refusal(said *hello, err error) error {
	return fmt.Errorf("node %q of cluster %v: %w", said.id, said.cluster, err)
}

// Listener is a node's port: it does the handshakes and hands each connection to
// the service that it is for.
type Listener struct {
	config  Config
	network net.Listener
	raft    *serviceListener
	forward *serviceListener

	open     atomic.Int64 // connections, handshakes included
	refusals atomic.Uint64
	mu       sync.Mutex
	greeting map[net.Conn]struct{} // in their handshake
	closed   bool
	finished sync.WaitGroup
}

// Listen opens the port. Connections are accepted from Serve on.
func Listen(address string, config Config) (*Listener, error) {
	network, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("peers' listener: %w", err)
	}
	return NewListener(network, config), nil
}

// NewListener takes the connections of a network's listener, which it owns from now on.
// Connections are accepted from Serve on.
func NewListener(network net.Listener, config Config) *Listener {
	l := &Listener{config: config, network: network, greeting: map[net.Conn]struct{}{}}
	l.raft, l.forward = newServiceListener(l), newServiceListener(l)
	return l
}

// Addr returns where it listens.
func (l *Listener) Addr() net.Addr { return l.network.Addr() }

// Service returns the connections for a service, as a listener that hands out
// *Conn. Closing it closes nothing but itself.
func (l *Listener) Service(s Service) net.Listener {
	if s == Raft {
		return l.raft
	}
	return l.forward
}

// Connections returns how many are open, and how many were ever refused.
func (l *Listener) Connections() (open int64, refusals uint64) {
	return l.open.Load(), l.refusals.Load()
}

// Serve accepts connections until Close; then it returns nil.
func (l *Listener) Serve() error {
	for {
		raw, err := l.network.Accept()
		if err != nil {
			l.mu.Lock()
			defer l.mu.Unlock()
			if l.closed {
				return nil
			}
			return fmt.Errorf("peers' listener: %w", err)
		}
		l.accept(raw)
	}
}

func (l *Listener) accept(raw net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.open.Load() >= int64(l.config.ConnectionsMax) {
		l.refusals.Add(1)
		raw.Close()
		return
	}
	l.open.Add(1)
	l.greeting[raw] = struct{}{}
	l.finished.Go(func() { l.welcome(raw) })
}

// welcome does the node's half of a handshake and hands the connection on.
func (l *Listener) welcome(raw net.Conn) {
	counted := &countedConn{Conn: raw, open: &l.open}
	conn, service, err := l.greeted(counted)
	l.mu.Lock()
	delete(l.greeting, raw)
	l.mu.Unlock()
	if err != nil {
		l.refusals.Add(1)
		l.config.Logger.Debug("a peer's connection was refused", "from", raw.RemoteAddr().String(), "error", err)
		_ = counted.Close() // it is refused
		return
	}
	if service == Raft {
		l.raft.hand(conn)
	} else {
		l.forward.hand(conn)
	}
}

func (l *Listener) greeted(raw net.Conn) (*Conn, Service, error) {
	if err := raw.SetDeadline(time.Now().Add(l.config.HandshakeTimeout)); err != nil {
		return nil, 0, err
	}
	conn := raw
	if l.config.Credentials != nil {
		secure := tls.Server(raw, l.config.Credentials.Server())
		if err := secure.Handshake(); err != nil {
			return nil, 0, err
		}
		conn = secure
	}
	caller, err := readHello(conn)
	if err != nil {
		return nil, 0, err // whoever does not speak the protocol gets no answer in it
	}
	own, number := l.config.Cluster()
	word := l.judge(&caller, own, conn)
	answer := hello{word: byte(word), role: l.config.Role, number: number, cluster: own, id: l.config.ID}
	if _, err := conn.Write(answer.append(nil)); err != nil {
		return nil, 0, err
	}
	if err := word.err(); err != nil {
		return nil, 0, fmt.Errorf("caller %q of cluster %v: %w", caller.id, caller.cluster, err)
	}
	return &Conn{conn, Identity{caller.id, caller.role, caller.cluster, 0}}, Service(caller.word), conn.SetDeadline(time.Time{})
}

// judge decides about a caller. Raft is for nodes of this very cluster; a node or
// a front-end that knows no cluster yet may ask.
func (l *Listener) judge(caller *hello, own ClusterID, conn net.Conn) verdict {
	none := ClusterID{}
	switch service := Service(caller.word); {
	case service != Raft && service != Forward:
		return refused
	case !proves(&l.config, conn, caller):
		return otherNode
	case caller.cluster != none && own != none && caller.cluster != own:
		return otherCluster
	case service == Raft && (caller.role != Node || own == none || caller.cluster != own):
		return refused
	}
	return welcome
}

// Close stops accepting and ends what is in its handshake; connections that were
// handed out are their owners'.
func (l *Listener) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	for raw := range l.greeting {
		raw.Close()
	}
	l.mu.Unlock()
	err := l.network.Close()
	_ = l.raft.Close() // queues of connections
	_ = l.forward.Close()
	l.finished.Wait()
	return err
}

// countedConn gives its place back when it is closed.
type countedConn struct {
	net.Conn
	open *atomic.Int64
	once sync.Once
}

func (c *countedConn) Close() error {
	c.once.Do(func() { c.open.Add(-1) })
	return c.Conn.Close()
}

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
