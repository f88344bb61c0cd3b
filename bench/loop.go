package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// loop is one goroutine that serves many connections of a closed loop. It shares the
// machine with the servers that it measures, so it must cost little: it waits for all of
// its connections at once and makes one read and one write for a request, where a
// goroutine for each connection makes two reads, and wakes and sleeps. Whoever meets
// trouble, which is rare or ends the run, goes on as a worker of the plain kind.
type loop struct {
	load    *load
	source  func() (uint64, time.Time, bool)
	poll    *poller
	callers []*caller
	serving int // callers that are served here
	request *buyRequest
	in      *bufio.Reader
	pace    *pace // of a flood; nil in a closed loop
	// leave takes over a caller whose buyer was not decided because of err.
	leave func(c *caller, err error)
}

// caller is a connection whose request is under way.
type caller struct {
	worker    *worker
	fd        int // -1 when it is not served here
	buyer     uint64
	due, sent time.Time
	buffer    [responseBytesMax]byte
	have      int // bytes of the answer
	idle      bool
}

const (
	// responseBytesMax bounds an answer: the answers to a buy are a tenth of it.
	responseBytesMax = 4096
	// eventsMax is how many connections one look finds ready at most.
	eventsMax = 256
	// lookEvery is how often a loop looks at time-outs and its end.
	lookEvery = 100 * time.Millisecond
)

func newLoop(l *load, source func() (uint64, time.Time, bool), leave func(*caller, error)) *loop {
	return &loop{load: l, source: source, leave: leave, in: bufio.NewReaderSize(nil, responseBytesMax),
		request: newBuyRequest("onsale", l.sale, l.quantity, newMinter(l.secret, l.started))}
}

// run serves the workers' connections until nobody comes any more, everybody left, or
// ctx ends.
func (p *loop) run(ctx context.Context, workers []*worker) error {
	var err error
	if p.poll, err = newPoller(); err != nil {
		return fmt.Errorf("poll: %w", err)
	}
	defer p.close()
	for _, w := range workers {
		if err := p.admit(w); err != nil {
			return err
		}
	}
	for _, c := range p.callers {
		p.next(c)
	}
	for looked := time.Now(); p.serving > 0; {
		ready, err := p.poll.wait(p.patience())
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("poll: %w", err)
		}
		for _, number := range ready {
			p.read(p.callers[number])
		}
		if now := time.Now(); now.Sub(looked) >= lookEvery {
			if looked = now; ctx.Err() != nil {
				return ctx.Err()
			}
			p.giveUp(now)
		}
		if p.pace != nil && p.arrive(time.Now()) {
			break
		}
	}
	return ctx.Err()
}

// admit takes a worker's connection over; one that is not connected leaves at once.
func (p *loop) admit(w *worker) error {
	c := &caller{worker: w, fd: -1}
	var err error
	if c.fd, err = w.detach(); err != nil {
		p.leave(c, nil)
		return nil
	}
	p.callers = append(p.callers, c)
	p.serving++
	if err := p.poll.add(c.fd, len(p.callers)-1); err != nil {
		return fmt.Errorf("poll: %w", err)
	}
	return nil
}

// next sends the next buyer's request, in a flood when one arrives.
func (p *loop) next(c *caller) {
	if p.pace != nil {
		p.pace.free(c)
		return
	}
	n, due, some := p.source()
	if !some {
		p.drop(c)
		return
	}
	p.send(c, n, due)
}

func (p *loop) send(c *caller, n uint64, due time.Time) {
	c.buyer, c.due, c.sent, c.have = p.load.first+n, due, due, 0
	text := p.load.prepared(n)
	if text == nil {
		text = p.request.with(p.load.user(c.buyer), c.buyer)
	}
	// A request fits into an idle connection's buffer, so a part of it is an error too.
	wrote, err := unix.Write(c.fd, text)
	c.worker.sent += uint64(max(0, wrote))
	if wrote < len(text) {
		p.trouble(c, errors.Join(io.ErrShortWrite, err))
	}
}

// read takes what came for a caller, and when it is an answer sends the next request.
func (p *loop) read(c *caller) {
	if c.fd < 0 {
		return // it left while this look was worked on
	}
	n, err := unix.Read(c.fd, c.buffer[c.have:])
	switch {
	case errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR):
		return
	case err != nil:
		p.trouble(c, err)
		return
	case n == 0 || c.idle: // what comes unasked is the last word on a connection
		p.trouble(c, io.ErrUnexpectedEOF)
		return
	}
	c.have += n
	c.worker.received += uint64(n)
	p.in.Reset(bytes.NewReader(c.buffer[:c.have]))
	answer, buffer, err := readResponse(p.in, c.worker.buffer)
	c.worker.buffer = buffer
	switch {
	case (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)) && c.have < len(c.buffer):
		return // the rest is to come
	case err == nil:
		err = c.worker.decided(&answer, c.due)
		if p.pace != nil && err != nil { // a refusal is an answer, and the connection is good
			c.worker.fail(err, c.due)
			err = nil
		}
	}
	if err != nil {
		p.trouble(c, err)
		return
	}
	p.next(c)
}

// giveUp lets those leave whose answer takes too long.
func (p *loop) giveUp(now time.Time) {
	for _, c := range p.callers {
		if c.fd >= 0 && !c.idle && now.Sub(c.sent) > c.worker.timeout {
			p.trouble(c, os.ErrDeadlineExceeded)
		}
	}
}

func (p *loop) trouble(c *caller, err error) {
	p.drop(c)
	if c.idle { // the server ended a connection on which nobody waits
		return
	}
	p.leave(c, err)
}

func (p *loop) drop(c *caller) {
	p.poll.remove(c.fd)
	_ = unix.Close(c.fd) // nothing is written that could fail
	c.fd = -1
	p.serving--
}

func (p *loop) close() {
	for _, c := range p.callers {
		if c.fd >= 0 {
			p.drop(c)
		}
	}
	p.poll.close()
}
