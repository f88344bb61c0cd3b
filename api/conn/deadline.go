package conn

import (
	"errors"
	"os"
	"time"
)

// deadline is when a connection's reads or writes must have ended. The HTTP library
// moves it three times with every request, nearly always to a later time, and each time
// the runtime moves a timer. So a deadline that moves on is only noted: the timer stays
// where it is, and when it fires before its time it is set again. It belongs to the
// goroutine that serves the connection.
type deadline struct{ wanted, armed time.Time }

// move notes where the deadline is, and reports whether the timer must be set to it.
func (d *deadline) move(to time.Time) (arm bool) {
	d.wanted = to
	if !to.IsZero() && !d.armed.IsZero() && !d.armed.After(to) {
		return false
	}
	d.armed = to
	return true
}

// early reports whether an error is of a timer that fired before its time. The timer
// must then be set to what is wanted.
func (d *deadline) early(err error) bool {
	if err == nil || d.armed.Equal(d.wanted) || !errors.Is(err, os.ErrDeadlineExceeded) {
		return false
	}
	d.armed = d.wanted
	return true
}

// SetReadDeadline sets when reads must have ended.
func (c plainConn) SetReadDeadline(t time.Time) error { return c.setReadDeadline(t) }

// SetReadDeadline does the same under TLS: its first one is that of the handshake, whose
// reads are not Read's, and its timer strikes then.
func (c tlsConn) SetReadDeadline(t time.Time) error { return c.setReadDeadline(t) }

// SetDeadline sets both, under TLS.
func (c tlsConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

func (c *Conn) setReadDeadline(t time.Time) error {
	if !c.reading.move(t) {
		return nil
	}
	return c.SetReadDeadline(t)
}

// SetWriteDeadline sets when writes must have ended.
func (c plainConn) SetWriteDeadline(t time.Time) error {
	if !c.writing.move(t) {
		return nil
	}
	return c.Conn.SetWriteDeadline(t)
}

// SetDeadline sets both.
func (c plainConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// readInTime reads; it fails for being late only when the deadline has really come.
func (c *Conn) readInTime(read func() (int, error)) (int, error) {
	for {
		n, err := read()
		if n > 0 || !c.reading.early(err) {
			return n, err
		}
		if err := c.SetReadDeadline(c.reading.wanted); err != nil {
			return n, err
		}
	}
}

// writeInTime writes in the same way.
func (c *Conn) writeInTime(p []byte) (int, error) {
	wrote := 0
	for {
		n, err := c.Conn.Write(p[wrote:])
		wrote += n
		if !c.writing.early(err) {
			return wrote, err
		}
		if err := c.SetWriteDeadline(c.writing.wanted); err != nil {
			return wrote, err
		}
	}
}
