package conn

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"onsale/api/strict"
	"onsale/internal/accept"
)

// What became of a connection so far.
const (
	connSilent uint32 = iota // nothing of a request came yet
	connHeard
	connClosed // by the drain, before anything came
)

// After a refusal the client may still be sending. A connection that is closed with
// unread bytes is reset, and the answer that the client has not read yet is lost with
// it. So what still comes is read and dropped, within these bounds.
const (
	lingerMax      = 500 * time.Millisecond
	lingerBytesMax = 128 << 10
)

// Conn is a connection that a table counts.
type Conn struct {
	net.Conn
	table   *Table
	address netip.Addr // under which it counts; not valid when it does not
	counted bool       // among all; guarded by the table

	place *accept.Place // among all; nil for an event stream, and in tests

	heard   atomic.Uint32
	parked  bool        // guarded by the table
	parking atomic.Bool // the next Close parks it
	closed  atomic.Bool
	lingers atomic.Bool // the client may be sending what is not read
	framing strict.Framing
	came    inflow

	reading, writing deadline // writing of a connection without TLS: under it nothing can follow a late write
}

// tlsConn is one with TLS, which the HTTP library knows by its methods.
type tlsConn struct {
	*Conn
	tls *tls.Conn
}

func (c tlsConn) Handshake() error                     { return c.tls.Handshake() }
func (c tlsConn) ConnectionState() tls.ConnectionState { return c.tls.ConnectionState() }

// plainConn is one without, which event streams write to as the system's socket.
type plainConn struct{ *Conn }

// SyscallConn returns the system's socket, or errors.ErrUnsupported when there is none.
func (c plainConn) SyscallConn() (syscall.RawConn, error) {
	if system, ok := c.Conn.Conn.(syscall.Conn); ok {
		return system.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

// typed returns the connection as the HTTP library must see it.
func (c *Conn) typed() net.Conn {
	if secure, ok := c.Conn.(*tls.Conn); ok {
		return tlsConn{c, secure}
	}
	return plainConn{c}
}

// Of returns the table's part of a connection; nil for one that did not come by a table.
func Of(conn net.Conn) *Conn {
	switch c := conn.(type) {
	case plainConn:
		return c.Conn
	case tlsConn:
		return c.Conn
	}
	return nil
}

// Took says that a request of a strict length was read, and reports whether it really had
// that length and began as it should. Only the goroutine that serves the connection calls
// it.
func (c *Conn) Took(length int) (strict bool) { return c.framing.Took(length) }

// Linger lets Close wait for what the client is still sending, because the answer was
// given before it was read.
func (c *Conn) Linger() { c.lingers.Store(true) }

// Begin says that a request was read whole: now the connection does not give way to
// another one, until the next Read. It is false when it has given way already: then
// nothing may be done about the request.
func (c *Conn) Begin() bool { return c.place.Begin() }

// Prove says that a request came with a valid token at now.
func (c *Conn) Prove(now time.Time) { c.place.Prove(now) }

// Read notes the first byte, which makes the connection busy for a drain, and where
// requests begin. One byte is asked for to wait for a request.
func (c *Conn) Read(p []byte) (int, error) {
	c.place.End()
	given, err := c.next(p)
	if len(given) > 0 && c.heard.Load() != connHeard && !c.heard.CompareAndSwap(connSilent, connHeard) {
		return 0, net.ErrClosed // the drain was first
	}
	c.framing.Read(given)
	c.count(timeoutRead, err)
	c.tellLate(err)
	return len(given), err
}

func (c *Conn) Write(p []byte) (int, error) {
	n, err := c.writeInTime(p)
	c.count(timeoutWrite, err)
	return n, err
}

func (c *Conn) count(which timeout, err error) {
	if err != nil && errors.Is(err, os.ErrDeadlineExceeded) {
		c.table.timeouts[which].Add(1)
	}
}

// Close ends the connection and gives its place back; a connection that was parked waits
// for its next request instead, when who served it has left.
func (c *Conn) Close() error {
	if c.parking.Swap(false) {
		go c.waitParked()
		return nil
	}
	if c.closed.Swap(true) {
		return nil
	}
	if c.lingers.Load() {
		linger(c.Conn)
	}
	err := c.Conn.Close()
	c.table.leave(c)
	return err
}

// cut ends the connection at once.
func (c *Conn) cut() {
	c.lingers.Store(false)
	system := c.Conn
	if secure, is := system.(*tls.Conn); is {
		system = secure.NetConn() // to say goodbye could take seconds
	}
	_ = system.Close() // ends what waits in Read or Write, and lingers
	_ = c.Close()
}

// linger sends the end of the answer and drops what the client still sends.
func linger(conn net.Conn) {
	half, ok := conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil || conn.SetReadDeadline(time.Now().Add(lingerMax)) != nil {
		return
	}
	_, _ = io.CopyN(io.Discard, conn, lingerBytesMax) // whatever it was, it is over
}
