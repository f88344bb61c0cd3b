package conn

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// parkTime is how long a connection is silent before it is parked. The goroutine that
// served a request keeps the stack that it needed for it, which is most of what an idle
// connection costs; so it leaves, and another one with the smallest stack waits until
// there is something to read, and serves the connection then.
const parkTime = time.Second

// awaitRequest reads the beginning of a request; io.EOF when the connection was parked,
// and Close will let it wait.
func (c *Conn) awaitRequest(read func() (int, error)) (int, error) {
	parkAt := time.Now().Add(parkTime)
	c.armBefore(parkAt)
	for {
		n, err := read()
		if n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		now := time.Now()
		switch {
		case c.isLate(now):
			return n, err
		case !now.Before(parkAt) && c.park():
			return 0, io.EOF
		case !now.Before(parkAt): // it cannot be parked
			parkAt = now.Add(time.Hour)
		}
		if err := c.arm(parkAt); err != nil {
			return 0, err
		}
	}
}

func (c *Conn) isLate(now time.Time) bool {
	return !c.reading.wanted.IsZero() && !now.Before(c.reading.wanted)
}

// armBefore lets the runtime's timer strike by then at the latest.
func (c *Conn) armBefore(then time.Time) {
	if c.reading.armed.IsZero() || c.reading.armed.After(then) {
		_ = c.arm(then) // a connection that is closed says so when it is read
	}
}

// arm sets the timer to then, or to the deadline when that is earlier.
func (c *Conn) arm(then time.Time) error {
	if !c.reading.wanted.IsZero() && c.reading.wanted.Before(then) {
		then = c.reading.wanted
	}
	c.reading.armed = then
	return c.SetReadDeadline(then)
}

// park leaves the connection to whom Close lets wait for its next request; false when
// nobody can.
func (c *Conn) park() bool {
	if c.table.config.Resume == nil || c.socket() == nil {
		return false
	}
	t := c.table
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.draining {
		return false
	}
	c.parked = true
	t.parked++
	c.parking.Store(true)
	return true
}

// waitParked waits for the next request and serves it, or ends the connection.
func (c *Conn) waitParked() {
	err := c.arm(c.reading.wanted)
	if err == nil {
		err = c.socket().Read(isReadable)
	}
	if err == nil && c.table.resume(c) {
		c.table.config.Resume(c.typed())
		return
	}

	c.count(timeoutRead, err)
	c.tellLate(err)
	_ = c.Close()
}

// resume says that a connection is parked no more; false when the listener drains, and
// nothing of a request was read.
func (t *Table) resume(c *Conn) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.unpark(c)
	return !t.draining
}

// unpark forgets that a connection is parked. The caller holds the lock.
func (t *Table) unpark(c *Conn) {
	if c.parked {
		c.parked = false
		t.parked--
	}
}

// Parked returns how many connections are parked.
func (t *Table) Parked() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.parked
}

// isReadable reports whether there is something to read, the end or an error too, and
// leaves it there.
func isReadable(fd uintptr) bool {
	var first [1]byte
	_, _, err := unix.Recvfrom(int(fd), first[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
	return !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR)
}

// socket returns the system's socket, under TLS too; nil in tests without one.
func (c *Conn) socket() syscall.RawConn {
	r := &c.came
	if r.raw == nil {
		conn := c.Conn
		if secure, is := conn.(*tls.Conn); is {
			conn = secure.NetConn()
		}
		tcp, is := conn.(*net.TCPConn)
		if !is {
			return nil
		}
		raw, err := tcp.SyscallConn()
		if err != nil {
			return nil // it is closed, and says so when it is read
		}
		r.raw, r.read = raw, r.tryRead
	}
	return r.raw
}
