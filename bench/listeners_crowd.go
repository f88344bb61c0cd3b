package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// crowd is many event streams that one goroutine reads, over epoll: a goroutine and
// buffers for each would cost this process more than the node that is measured.
type crowd struct {
	epoll  int
	wake   int // eventfd that ends the reading
	done   chan struct{}
	events atomic.Uint64
	newest atomic.Uint64 // highest as_of_seq that was heard
	heard  atomic.Int64  // how many listeners heard of it

	// Of the reading goroutine, until done is closed.
	seqs  map[int32]uint32 // as_of_seq of the newest event by descriptor, of who is connected
	notes []note

	mu      sync.Mutex
	joining []newcomer // not known to the reader yet
}

// newcomer is a listener that has got its first event.
type newcomer struct {
	fd  int32
	seq uint32
}

// note is an event that a listener got.
type note struct {
	previous, seq uint32 // as_of_seq of the event before and of this one
	at            time.Time
}

const (
	// listenersPerAddress keeps below the number of a source address's ports.
	listenersPerAddress = 10_000
	listenersFirst      = 192 // 127.192.0.0 and on are the listeners'
	connectors          = 32  // that connect at a time
)

// listen opens streams to a sale at an address of 127.0.0.1.
func listen(ctx context.Context, address string, count int) (*crowd, error) {
	c := &crowd{done: make(chan struct{}), seqs: make(map[int32]uint32, count)}
	var err error
	if c.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, err
	}
	if c.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return nil, errors.Join(err, unix.Close(c.epoll))
	}
	if err := c.add(c.wake); err != nil {
		return nil, errors.Join(err, unix.Close(c.epoll), unix.Close(c.wake))
	}
	go c.read()
	if err := c.connectAll(ctx, address, count); err != nil {
		c.leave()
		return nil, err
	}
	return c, nil
}

func (c *crowd) add(fd int) error {
	return unix.EpollCtl(c.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP, Fd: int32(fd)})
}

func (c *crowd) connectAll(ctx context.Context, to string, count int) error {
	var next atomic.Int64
	var group sync.WaitGroup
	failed := make(chan error, connectors)
	for range connectors {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < count && ctx.Err() == nil && len(failed) == 0; i = int(next.Add(1)) - 1 {
				if err := c.connect(ctx, to, i); err != nil {
					failed <- fmt.Errorf("listener %d: %w", i, err)
					return
				}
			}
		})
	}
	group.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return ctx.Err()
	}
}

// connect opens the i-th stream and waits for its first event.
func (c *crowd) connect(ctx context.Context, to string, i int) error {
	var v visitor
	if err := v.connect(ctx, addressIn(listenersFirst, 0, i/listenersPerAddress), to); err != nil {
		return err
	}
	defer v.leave()
	seq, err := greeting(v.conn)
	if err != nil {
		return err
	}
	fd, err := duplicate(v.conn.(*net.TCPConn))
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.joining = append(c.joining, newcomer{int32(fd), seq})
	c.mu.Unlock()
	return c.add(fd)
}

// greeting asks for the stream and reads the answer's header and the first event,
// which come together.
func greeting(conn net.Conn) (seq uint32, err error) {
	_ = conn.SetDeadline(time.Now().Add(answerMax))
	if _, err := conn.Write([]byte("GET /v1/tickets/events?sale=" + hallSale + " HTTP/1.1\r\nHost: onsale\r\n\r\n")); err != nil {
		return 0, err
	}
	buffer := make([]byte, 4096)
	n, err := conn.Read(buffer)
	if err != nil {
		return 0, err
	}
	seq, found := newestSeq(buffer[:n])
	if !found {
		return 0, fmt.Errorf("%w: %.300q", errResponse, buffer[:n])
	}
	return seq, nil
}

// duplicate returns a descriptor of a connection that outlives it, out of the sight of
// Go's own poller. It does not block.
func duplicate(conn *net.TCPConn) (fd int, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	failure := raw.Control(func(own uintptr) { fd, err = unix.FcntlInt(own, unix.F_DUPFD_CLOEXEC, 0) })
	return fd, errors.Join(failure, err)
}

// read takes in what comes until wake is written to.
func (c *crowd) read() {
	defer close(c.done)
	ready, buffer := make([]unix.EpollEvent, 1024), make([]byte, 64<<10)
	for {
		n, err := unix.EpollWait(c.epoll, ready, -1)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return
		}
		c.meet()
		for _, e := range ready[:max(n, 0)] {
			if int(e.Fd) == c.wake {
				return
			}
			c.readOne(e.Fd, buffer)
		}
	}
}

// meet takes note of who has connected.
func (c *crowd) meet() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range c.joining {
		c.seqs[n.fd] = n.seq
	}
	c.joining = c.joining[:0]
}

var asOfSeq = []byte(`"as_of_seq":`)

// readOne reads a stream's newest bytes. Events are much smaller than a segment of
// loopback, so they come whole; of one that did not, the next tells all.
func (c *crowd) readOne(fd int32, buffer []byte) {
	n, err := unix.Read(int(fd), buffer)
	switch {
	case errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR):
		return
	case err != nil || n == 0:
		delete(c.seqs, fd)
		_ = unix.Close(int(fd))
		return
	}
	now, data := time.Now(), buffer[:n]
	c.events.Add(uint64(bytes.Count(data, asOfSeq)))
	if seq, found := newestSeq(data); found {
		c.notes = append(c.notes, note{c.seqs[fd], seq, now})
		c.seqs[fd] = seq
		c.count(uint64(seq))
	}
}

// newestSeq returns the as_of_seq of the last event in what was read.
func newestSeq(data []byte) (seq uint32, found bool) {
	at := bytes.LastIndex(data, asOfSeq)
	if at < 0 {
		return 0, false
	}
	digits := data[at+len(asOfSeq):]
	end := bytes.IndexAny(digits, ",}")
	if end < 0 {
		return 0, false
	}
	n, err := strconv.ParseUint(string(digits[:end]), 10, 32)
	return uint32(n), err == nil
}

// count notes that one more listener heard of a seq.
func (c *crowd) count(seq uint64) {
	switch newest := c.newest.Load(); {
	case seq > newest:
		c.heard.Store(1)
		c.newest.Store(seq)
	case seq == newest:
		c.heard.Add(1)
	}
}

// heardAll waits until so many listeners heard of a seq, but not for ever.
func (c *crowd) heardAll(ctx context.Context, seq uint64, count int) error {
	for deadline := time.Now().Add(answerMax); time.Now().Before(deadline); {
		if c.newest.Load() >= seq && c.heard.Load() >= int64(count) {
			return nil
		}
		if err := wait(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
	return nil // the report says who did not
}

// stop ends the reading.
func (c *crowd) stop() {
	_, _ = unix.Write(c.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	<-c.done
	c.meet()
}

// close ends the reading and the streams, and returns what was heard, and the newest
// as_of_seq of each who was connected to the end.
func (c *crowd) close() ([]note, []uint32) {
	c.stop()
	var seqs []uint32
	for _, seq := range c.seqs {
		seqs = append(seqs, seq)
	}
	c.leave()
	return c.notes, seqs
}

// leave closes everything; a second time it does nothing.
func (c *crowd) leave() {
	if c.seqs == nil {
		return
	}
	c.stop()
	for fd := range c.seqs {
		_ = unix.Close(int(fd))
	}
	c.seqs = nil
	_ = unix.Close(c.epoll)
	_ = unix.Close(c.wake)
}
