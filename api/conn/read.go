package conn

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// chunkBytes is how much is read from a connection at once.
const chunkBytes = 4 << 10

// chunks are buffers that no connection has.
var chunks = sync.Pool{New: func() any { return new([chunkBytes]byte) }}

// inflow is what came on a connection and what of it the HTTP library has. The library
// lets go of its own buffer between two requests and then asks for one byte, so an idle
// connection has no buffer at all: this one is taken when something came, and given back
// when the library waits for the next request. It belongs to the goroutine that serves
// the connection.
type inflow struct {
	chunk    *[chunkBytes]byte // nil for none
	from, to int               // what of chunk the library has not
	raw      syscall.RawConn   // nil until it is asked for
	read     func(fd uintptr) bool
	n        int // of the last read
	err      error
}

// next returns the next bytes, at most as many as fit p, as they are in p. They stay until
// the next call.
func (c *Conn) next(p []byte) ([]byte, error) {
	r := &c.came
	if r.from == r.to {
		if err := c.await(p); err != nil {
			return nil, err
		}
	}
	if r.from == r.to { // without a chunk: it is in p
		return p[:r.n], nil
	}
	given := r.chunk[r.from:min(r.to, r.from+len(p))]
	r.from += copy(p, given)
	return given, nil
}

// tellLate tells who never sent anything and whose time is over.
func (c *Conn) tellLate(err error) {
	if c.heard.Load() != connSilent || !errors.Is(err, os.ErrDeadlineExceeded) || c.table.config.Late == nil ||
		c.SetWriteDeadline(time.Now().Add(refusalWriteMax)) != nil {
		return
	}
	_ = c.table.config.Late(c.Conn) // it is over, told or not
}

// await reads what comes next: into a chunk, or, when only one byte is wanted and there is
// no other way to wait for it without one, into p.
func (c *Conn) await(p []byte) (err error) {
	r := &c.came
	r.from, r.to = 0, 0
	if len(p) > 1 {
		if r.chunk == nil {
			r.chunk = chunks.Get().(*[chunkBytes]byte)
		}
		r.to, err = c.readInTime(func() (int, error) { return c.Conn.Read(r.chunk[:]) })
		if r.to > 0 {
			return nil // TLS may say that it is the end with the last bytes, and says it again
		}
		return err
	}

	c.letGo()
	if _, plain := c.Conn.(*net.TCPConn); plain && c.socket() != nil {
		r.to, err = c.awaitRequest(r.readRaw)
		return err
	}
	if r.n, err = c.awaitRequest(func() (int, error) { return c.Conn.Read(p) }); r.n > 0 {
		return nil
	}
	return err
}

// letGo gives the chunk back. What framing refers to is in it.
func (c *Conn) letGo() {
	c.framing.Forget()
	if c.came.chunk != nil {
		chunks.Put(c.came.chunk)
		c.came.chunk = nil
	}
}

// readRaw waits until something came, and reads it.
func (r *inflow) readRaw() (int, error) {
	r.n, r.err = 0, nil
	if err := r.raw.Read(r.read); err != nil {
		return 0, err
	}
	return r.n, r.err
}

// tryRead reads into a chunk that it takes; false when nothing came yet.
func (r *inflow) tryRead(fd uintptr) (done bool) {
	chunk := chunks.Get().(*[chunkBytes]byte)
	for {
		r.n, r.err = syscall.Read(int(fd), chunk[:])
		if !errors.Is(r.err, syscall.EINTR) {
			break
		}
	}
	if r.n > 0 {
		r.chunk = chunk
		return true
	}

	chunks.Put(chunk)
	switch {
	case errors.Is(r.err, syscall.EAGAIN):
		return false
	case r.err != nil:
		r.n, r.err = 0, os.NewSyscallError("read", r.err)
	default:
		r.err = io.EOF
	}
	return true
}
