package stream

import (
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Subscriber is one open event stream.
type Subscriber struct {
	conn    net.Conn
	user    string          // whose place it has; "" for nobody's
	raw     syscall.RawConn // nil when the connection must be written through its own methods
	pending []byte          // the rest of an event that was written in part
	shown   uint64          // version of the newest event that was written whole, or is pending
	stuck   time.Time       // since when nothing could be written; zero when it could
	right   Right
}

// stuckMax is how long a subscriber may read nothing before its stream ends.
const stuckMax = 30 * time.Second

// slowWriteMax bounds a write to a connection that cannot be written without waiting
// (TLS).
const slowWriteMax = 20 * time.Millisecond

func newSubscriber(conn net.Conn, user string) *Subscriber {
	s := &Subscriber{conn: conn, user: user}
	if system, ok := conn.(syscall.Conn); ok {
		if raw, err := system.SyscallConn(); err == nil {
			s.raw = raw
		}
	}
	return s
}

// write writes an event without waiting. It reports whether the stream is still good;
// taken says whether the event is shown or will be, else it is left out.
func (s *Subscriber) write(event []byte, now time.Time) (good, taken bool) {
	if len(s.pending) > 0 {
		rest, err := s.some(s.pending)
		if err != nil {
			return false, false
		}
		if s.pending = rest; len(rest) > 0 {
			return s.isAlive(now), false
		}
		s.pending = nil
	}
	rest, err := s.some(event)
	switch {
	case err != nil:
		return false, false
	case len(rest) == len(event) && len(event) > 0:
		return s.isAlive(now), false
	case len(rest) > 0:
		s.pending = append([]byte(nil), rest...) // event is everybody's
	}
	s.stuck = time.Time{}
	return true, true
}

// isAlive notes that nothing could be written, and reports whether that is not for too
// long yet.
func (s *Subscriber) isAlive(now time.Time) bool {
	if s.stuck.IsZero() {
		s.stuck = now
	}
	return now.Sub(s.stuck) < stuckMax
}

// some writes as much as can be written now and returns the rest.
func (s *Subscriber) some(data []byte) (rest []byte, err error) {
	if s.raw == nil {
		return s.slowly(data)
	}
	var wrote int
	var failure error
	err = s.raw.Write(func(fd uintptr) bool {
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

func (s *Subscriber) slowly(data []byte) ([]byte, error) {
	if err := s.conn.SetWriteDeadline(time.Now().Add(slowWriteMax)); err != nil {
		return nil, err
	}
	wrote, err := s.conn.Write(data)
	return data[wrote:], err // after a part of a TLS record nothing can follow: an error ends it
}

// serve writes the newest event, or a beat when it was shown; false when the stream is
// over.
func (s *Subscriber) serve(event []byte, version uint64, beat []byte, now time.Time) bool {
	if s.shown == version {
		event = beat
	}
	if len(event) == 0 && len(s.pending) == 0 {
		return true
	}
	good, taken := s.write(event, now)
	if taken {
		s.shown = version
	}
	return good
}
