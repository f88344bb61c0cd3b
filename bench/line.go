package bench

import (
	"bufio"
	"context"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// line is one keep-alive connection, made when it is first needed and again after
// an error. It belongs to one goroutine.
type line struct {
	target  func(context.Context) (string, error) // returns the address that takes requests now
	timeout time.Duration                         // of one request
	conn    net.Conn
	in      *bufio.Reader
	buffer  []byte

	sent, received uint64 // bytes, over all connections so far
}

// Read reads from the connection and counts.
func (l *line) Read(p []byte) (int, error) {
	n, err := l.conn.Read(p)
	l.received += uint64(n)
	return n, err
}

// newLines connects so many lines, to one address: whose turn it is to take requests
// is asked once. One that does not connect now connects when it is needed.
func newLines(ctx context.Context, count int, target func(context.Context) (string, error), timeout time.Duration) []line {
	address, err := target(ctx)
	lines := make([]line, count)
	for i := range lines {
		lines[i] = line{target: target, timeout: timeout}
		if err == nil {
			err = lines[i].dial(ctx, address)
		}
	}
	return lines
}

// ask sends a request and returns its answer, valid until the next call. After an
// error the line must be hung up.
func (l *line) ask(ctx context.Context, request []byte) (response, error) {
	if l.conn == nil {
		if err := l.connect(ctx); err != nil {
			return response{}, err
		}
	}
	l.conn.SetDeadline(time.Now().Add(l.timeout))
	n, err := l.conn.Write(request)
	l.sent += uint64(n)
	if err != nil {
		return response{}, err
	}
	var answer response
	answer, l.buffer, err = readResponse(l.in, l.buffer)
	return answer, err
}

func (l *line) connect(ctx context.Context) error {
	address, err := l.target(ctx)
	if err != nil {
		return err
	}
	return l.dial(ctx, address)
}

func (l *line) dial(ctx context.Context, address string) (err error) {
	var d net.Dialer
	if l.conn, err = d.DialContext(ctx, "tcp", address); err != nil {
		l.conn = nil
		return err
	}
	l.in = bufio.NewReaderSize(l, 4096)
	return nil
}

// detach returns the file of the line's connection, which does not wait, and belongs to
// the caller; the line is hung up. The runtime does not watch it.
func (l *line) detach() (fd int, err error) {
	defer l.hangUp()
	conn, connected := l.conn.(*net.TCPConn)
	if !connected {
		return -1, net.ErrClosed
	}
	file, err := conn.File() // a copy
	if err != nil {
		return -1, err
	}
	defer file.Close()
	if fd, err = unix.FcntlInt(file.Fd(), unix.F_DUPFD_CLOEXEC, 0); err != nil {
		return -1, err
	}
	return fd, unix.SetNonblock(fd, true)
}

func (l *line) hangUp() {
	if l.conn != nil {
		l.conn.Close()
		l.conn = nil
	}
}
