package api

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

// doorConn is a connection that the door counts.
type doorConn struct {
	net.Conn
	door    *door
	address netip.Addr // under which it counts; not valid when it does not
	counted bool       // among all; guarded by the door

	heard   atomic.Uint32
	closed  atomic.Bool
	lingers atomic.Bool // the client may be sending what is not read
	framing framing

	reading, writing deadline // of a connection without TLS, whose writes cannot go on after one that was late
}

// doorTLSConn is one with TLS, which the HTTP library knows by its methods.
type doorTLSConn struct {
	*doorConn
	tls *tls.Conn
}

func (c doorTLSConn) Handshake() error                     { return c.tls.Handshake() }
func (c doorTLSConn) ConnectionState() tls.ConnectionState { return c.tls.ConnectionState() }

// doorPlainConn is one without, which event streams write to as the system's socket.
type doorPlainConn struct{ *doorConn }

// SyscallConn returns the system's socket, or errors.ErrUnsupported when there is none.
func (c doorPlainConn) SyscallConn() (syscall.RawConn, error) {
	if system, ok := c.Conn.(syscall.Conn); ok {
		return system.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

// typed returns the connection as the HTTP library must see it.
func (c *doorConn) typed() net.Conn {
	if secure, ok := c.Conn.(*tls.Conn); ok {
		return doorTLSConn{c, secure}
	}
	return doorPlainConn{c}
}

// doored returns the door's part of a connection; nil for one that did not come by it.
func doored(conn net.Conn) *doorConn {
	switch c := conn.(type) {
	case doorPlainConn:
		return c.doorConn
	case doorTLSConn:
		return c.doorConn
	}
	return nil
}

// Read notes the first byte, which makes the connection busy for a drain, and where
// requests begin.
func (c *doorConn) Read(p []byte) (int, error) {
	n, err := c.readInTime(p)
	if n > 0 && c.heard.Load() != connHeard && !c.heard.CompareAndSwap(connSilent, connHeard) {
		return 0, net.ErrClosed // the drain was first
	}
	c.framing.read(p[:n])
	c.count(timeoutRead, err)
	return n, err
}

func (c *doorConn) Write(p []byte) (int, error) {
	n, err := c.writeInTime(p)
	c.count(timeoutWrite, err)
	return n, err
}

func (c *doorConn) count(which timeout, err error) {
	if err != nil && errors.Is(err, os.ErrDeadlineExceeded) {
		c.door.timeouts[which].Add(1)
	}
}

// Close ends the connection and gives its place back.
func (c *doorConn) Close() error {
	if c.closed.Swap(true) {
		return nil
	}
	if c.lingers.Load() {
		linger(c.Conn)
	}
	err := c.Conn.Close()
	c.door.leave(c)
	return err
}

// cut ends the connection at once.
func (c *doorConn) cut() {
	c.lingers.Store(false)
	_ = c.Conn.Close() // ends what waits in Read or Write, and lingers
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
