package api

import (
	"net"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Event streams (https://html.spec.whatwg.org/multipage/server-sent-events.html) are
// written by one goroutine for all who listen, not by one for each: a sale's event is
// encoded once, and a listener costs its connection and a few words. A listener that
// does not read is never waited for: what does not fit its socket's buffer is dropped,
// because the next event says everything anew.

// listener is one open event stream.
type listener struct {
	conn    net.Conn
	raw     syscall.RawConn // nil when the connection must be written through its own methods
	pending []byte          // the rest of an event that was written in part
	shown   uint64          // version of the newest event that was written whole, or is pending
	stuck   time.Time       // since when nothing could be written; zero when it could
}

// stuckMax is how long a listener may read nothing before its stream ends.
const stuckMax = 30 * time.Second

// slowWriteMax bounds a write to a connection that cannot be written without waiting
// (TLS).
const slowWriteMax = 20 * time.Millisecond

func newListener(conn net.Conn) *listener {
	l := &listener{conn: conn}
	if system, ok := conn.(syscall.Conn); ok {
		if raw, err := system.SyscallConn(); err == nil {
			l.raw = raw
		}
	}
	return l
}

// write writes an event without waiting. It reports whether the stream is still good;
// taken says whether the event is shown or will be, else it is left out.
func (l *listener) write(event []byte, now time.Time) (good, taken bool) {
	if len(l.pending) > 0 {
		rest, err := l.some(l.pending)
		if err != nil {
			return false, false
		}
		if l.pending = rest; len(rest) > 0 {
			return l.isAlive(now), false
		}
		l.pending = nil
	}
	rest, err := l.some(event)
	switch {
	case err != nil:
		return false, false
	case len(rest) == len(event) && len(event) > 0:
		return l.isAlive(now), false
	case len(rest) > 0:
		l.pending = append([]byte(nil), rest...) // event is everybody's
	}
	l.stuck = time.Time{}
	return true, true
}

// isAlive notes that nothing could be written, and reports whether that is not for too
// long yet.
func (l *listener) isAlive(now time.Time) bool {
	if l.stuck.IsZero() {
		l.stuck = now
	}
	return now.Sub(l.stuck) < stuckMax
}

// some writes as much as can be written now and returns the rest.
func (l *listener) some(data []byte) (rest []byte, err error) {
	if l.raw == nil {
		return l.slowly(data)
	}
	var wrote int
	var failure error
	err = l.raw.Write(func(fd uintptr) bool {
		wrote, failure = unix.Write(int(fd), data)
		return true // never wait
	})
	switch {
	case err != nil:
		return nil, err
	case failure == unix.EAGAIN || failure == unix.EINTR:
		return data, nil
	case failure != nil:
		return nil, failure
	}
	return data[wrote:], nil
}

func (l *listener) slowly(data []byte) ([]byte, error) {
	if err := l.conn.SetWriteDeadline(time.Now().Add(slowWriteMax)); err != nil {
		return nil, err
	}
	wrote, err := l.conn.Write(data)
	return data[wrote:], err // after a part of a TLS record nothing can follow: an error ends it
}

// channel is all who listen to the same events, and the newest event.
type channel struct {
	serving   sync.Mutex  // held while events are written, however many listen
	listeners []*listener // who is written to; behind serving

	// mu is never held while something is written, so that who joins or asks does
	// not wait for everybody's event.
	mu      sync.Mutex
	joined  []*listener // who is not among the listeners yet
	count   int         // of both
	event   []byte
	version uint64
	asOf    uint64 // seq of which the event tells
}

// add lets a listener hear what comes.
func (c *channel) add(l *listener) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.joined = append(c.joined, l)
	c.count++
}

// publish makes an event the newest, as of a seq; the same again is nothing new, and who
// read before another one and comes after it tells nothing.
func (c *channel) publish(asOf, version uint64, event []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if version != c.version && asOf >= c.asOf {
		c.version, c.asOf, c.event = version, asOf, event
	}
}

// serve writes the newest event to all who have not seen it, or beat to those who have
// when it is not empty, and returns how many left.
func (c *channel) serve(beat []byte, now time.Time) (left int) {
	c.serving.Lock()
	defer c.serving.Unlock()
	event, version := c.begin()
	kept := c.listeners[:0]
	for _, l := range c.listeners {
		if l.serve(event, version, beat, now) {
			kept = append(kept, l)
			continue
		}
		l.conn.Close()
		left++
	}
	clear(c.listeners[len(kept):])
	c.listeners = kept
	c.left(left)
	return left
}

// begin takes in who joined and returns the newest event. The caller holds serving.
func (c *channel) begin() (event []byte, version uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.listeners = append(c.listeners, c.joined...)
	clear(c.joined)
	c.joined = c.joined[:0]
	return c.event, c.version
}

func (c *channel) left(count int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count -= count
}

// serve writes the newest event, or a beat when it was shown; false when the stream is
// over.
func (l *listener) serve(event []byte, version uint64, beat []byte, now time.Time) bool {
	if l.shown == version {
		event = beat
	}
	if len(event) == 0 && len(l.pending) == 0 {
		return true
	}
	good, taken := l.write(event, now)
	if taken {
		l.shown = version
	}
	return good
}

// end closes everybody's stream.
func (c *channel) end() (left int) {
	c.serving.Lock()
	defer c.serving.Unlock()
	_, _ = c.begin()
	for _, l := range c.listeners {
		l.conn.Close()
	}
	left = len(c.listeners)
	c.listeners = nil
	c.left(left)
	return left
}

// size returns how many listen.
func (c *channel) size() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.count
}
