package peer

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"onsale/internal/accept"
)

// Listener is a node's port: it does the handshakes and hands each connection to
// the service that it is for.
type Listener struct {
	config  Config
	network net.Listener
	raft    *serviceListener
	forward *serviceListener

	open         atomic.Int64 // connections, handshakes included
	refusals     atomic.Uint64
	acceptErrors atomic.Uint64
	room         *accept.Room // of those that are in their handshake

	mu       sync.Mutex
	greeting map[net.Conn]struct{}    // the same
	nodes    map[*countedConn]started // of nodes with a start number, handed out
	closed   bool
	finished sync.WaitGroup
}

// errGaveWay is returned for a handshake that ended when its connection had been closed to
// let another one in.
var errGaveWay = errors.New("closed before its handshake ended: too many were in theirs")

// started is a start of a node.
type started struct {
	id    string
	start uint64
}

// Listen opens the port. Connections are accepted from Serve on.
func Listen(address string, config Config) (*Listener, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	network, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("peers' listener: %w", err)
	}
	return NewListener(network, config), nil
}

// NewListener takes the connections of a network's listener, which it owns from now on.
// Connections are accepted from Serve on.
func NewListener(network net.Listener, config Config) *Listener {
	room := accept.NewRoom(accept.Config{Max: config.GreetingsMax, StrangersPerAddressMax: max(1, config.GreetingsMax/2)})
	l := &Listener{config: config, room: room, greeting: map[net.Conn]struct{}{}, nodes: map[*countedConn]started{}}
	l.network = accept.Patient(network, "peers", config.Logger, &l.acceptErrors)
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

// Greetings returns how many of the open connections are in their handshake, how many may
// be, and how many were ever closed to let another one in.
func (l *Listener) Greetings() (open, most int, evicted uint64) {
	s := l.room.Stats()
	return s.Open, s.Max, s.Evicted[accept.EvictedStranger]
}

// AcceptErrors returns how often the system had no files or memory for a connection.
func (l *Listener) AcceptErrors() uint64 { return l.acceptErrors.Load() }

// Serve accepts connections until Close; then it returns nil. While the process can open
// no more files it waits.
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
	place := l.room.NewPlace(accept.AddressOf(raw), false, func() { _ = raw.Close() }) // its handshake fails
	entered := place.Enter()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !entered || l.closed || l.open.Load() >= int64(l.config.ConnectionsMax) {
		place.Leave()
		l.refusals.Add(1)
		raw.Close()
		return
	}
	l.open.Add(1)
	l.greeting[raw] = struct{}{}
	l.finished.Go(func() { l.welcome(raw, place) })
}

// welcome does the node's half of a handshake and hands the connection on.
func (l *Listener) welcome(raw net.Conn, place *accept.Place) {
	counted := &countedConn{Conn: raw, owner: l}
	conn, service, err := l.greeted(counted)
	if !place.Begin() && err == nil {
		err = errGaveWay
	}
	place.Leave()
	l.mu.Lock()
	delete(l.greeting, raw)
	l.mu.Unlock()
	if err != nil {
		l.refusals.Add(1)
		l.config.Logger.Debug("a peer's connection was refused", "from", raw.RemoteAddr().String(), "error", err)
		_ = counted.Close() // it is refused
		return
	}
	l.note(counted, &conn.Peer)
	switch service {
	case Raft:
		l.raft.hand(conn)
	case Forward:
		l.forward.hand(conn)
	default:
		_ = conn.Close() // all was said
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

	own := newNonce()
	if _, err := conn.Write(own.greeting()); err != nil {
		return nil, 0, err
	}
	caller, encoded, err := readHello(conn)
	if err != nil {
		if errors.Is(err, ErrVersion) {
			linger(conn)
		}
		return nil, 0, err // the greeting has said which version is spoken here
	}
	said, err := begin(conn, own.greeting())
	if err != nil {
		return nil, 0, err
	}
	answer := l.config.hello(0, own)
	secret, proven := said.heard(l.config.secrets(), callerSide, &caller, encoded)
	word := l.judge(conn, &caller, &answer, proven)
	answer.word = byte(word)
	if _, err := conn.Write(said.say(secret, listenerSide, &answer)); err != nil {
		return nil, 0, err
	}
	if err := word.err(); err != nil {
		return nil, 0, fmt.Errorf("caller %q of cluster %v: %w", caller.id, caller.births.Newest(), err)
	}
	return &Conn{conn, *caller.identity()}, Service(caller.word), conn.SetDeadline(time.Time{})
}

const (
	// lingerTime and lingerBytesMax bound how long what a caller of another version has
	// sent is read: closing on it would take the greeting back that says which version
	// is spoken here.
	lingerTime     = time.Second
	lingerBytesMax = 1 << 16
)

func linger(conn net.Conn) {
	if conn.SetReadDeadline(time.Now().Add(lingerTime)) == nil {
		_, _ = io.CopyN(io.Discard, conn, lingerBytesMax) // refused already
	}
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
