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

	"github.com/valyala/fasthttp"
	"golang.org/x/sys/unix"
)

// loop is one goroutine that serves many connections. It shares the machine with the
// servers that it measures, so it must cost little: it waits for all of its connections at
// once and makes one read and one write for a request, where a goroutine for each
// connection makes two reads, and wakes and sleeps. What would hold the others up,
// connecting again and pausing, is done aside (away.go). All of its fields are its
// goroutine's own.
type loop struct {
	tally
	load    *load
	index   uint64 // of loops; buyers of an open loop are dealt out to them in turn
	loops   uint64
	poll    *poller
	callers []*caller
	request *buyRequest
	in      *bufio.Reader
	answer  fasthttp.Response

	busy     int       // callers who have a buyer, or pause
	free     []*caller // of an open loop: nobody's, free for longest first
	came     uint64    // of an open loop: its buyers who have arrived,
	begun    uint64    // and those of them who are not waiting any more
	away     int
	returned chan comeBack
	failure  error // ends the run
}

// caller is a connection.
type caller struct {
	number int
	target func(context.Context) (string, error)
	fd     int // -1 while it is not connected
	state  callerState

	buyer     uint64    // number of 1 to buyers
	due, sent time.Time // latency runs from due
	began     time.Time // the first try
	attempt   int
	failing   int                    // failures since the last decision
	buffer    [responseBytesMax]byte // of the answer,
	have      int                    // and its bytes so far
}

type callerState uint8

const (
	idle   callerState = iota
	asking             // a request is under way
	away               // it belongs to another goroutine
)

const (
	// responseBytesMax bounds an answer: the answers to a buy are a tenth of it.
	responseBytesMax = 4096
	// eventsMax is how many connections one look finds ready at most.
	eventsMax = 256
	// lookEvery is how often a loop looks at time-outs and its end.
	lookEvery = 100 * time.Millisecond
	// floodTick is how long a loop of a flood sleeps before it looks who has arrived.
	floodTick = time.Millisecond
	// awayTick is the same for who comes back.
	awayTick = 2 * time.Millisecond
)

func newLoop(l *load, index, loops int) *loop {
	return &loop{tally: newTally(), load: l, index: uint64(index), loops: uint64(loops), request: l.newRequest(),
		in: bufio.NewReaderSize(nil, responseBytesMax)}
}

// run serves the connections until nobody comes any more and everybody has an answer or is
// given up.
func (p *loop) run(parent context.Context) (err error) {
	ctx, cancel := context.WithCancel(parent)
	defer p.close()
	defer cancel()
	if p.poll, err = newPoller(); err != nil {
		return fmt.Errorf("poll: %w", err)
	}
	p.returned = make(chan comeBack, len(p.callers))
	for _, c := range p.callers {
		if c.fd >= 0 {
			p.watch(c)
		}
		p.next(ctx, c)
	}

	for looked := time.Now(); p.failure == nil && (p.busy > 0 || p.begun < p.share()); {
		ready, err := p.poll.wait(p.patience())
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("poll: %w", err)
		}
		for _, number := range ready {
			p.read(ctx, p.callers[number])
		}
		p.welcome(ctx)
		if p.load.Rate > 0 {
			p.arrive(ctx)
		}
		if now := time.Now(); now.Sub(looked) >= lookEvery {
			if looked = now; ctx.Err() != nil {
				break
			}
			p.giveUp(ctx, now)
			if p.index == 0 && p.load.Progress != nil {
				p.load.Progress(p.load.answered.Load(), p.load.part())
			}
		}
	}
	if p.failure != nil {
		return p.failure
	}
	return parent.Err()
}

// watch makes the loop read what comes for a connection.
func (p *loop) watch(c *caller) {
	if err := p.poll.add(c.fd, c.number); err != nil {
		p.failure = fmt.Errorf("poll: %w", err)
	}
}

// share is how many buyers of an open loop arrive here.
func (p *loop) share() uint64 {
	if comers := p.load.comers(); p.load.Rate > 0 && comers > p.index {
		return (comers - p.index + p.loops - 1) / p.loops
	}
	return 0
}

// buyerOf returns the number of the arrival i of 1 to share.
func (p *loop) buyerOf(i uint64) uint64 { return (i-1)*p.loops + p.index + 1 }

// patience is how long the loop may sleep.
func (p *loop) patience() time.Duration {
	limit := lookEvery
	if p.away > 0 {
		limit = awayTick
	}
	switch {
	case p.load.flood:
		limit = floodTick
	case p.load.Rate > 0 && p.came < p.share():
		limit = min(limit, time.Until(p.load.at(p.buyerOf(p.came+1))))
	}
	return max(0, limit)
}

// arrive lets those begin whose time has come, when a connection is free.
func (p *loop) arrive(ctx context.Context) {
	for share := p.share(); p.came < share; {
		late := time.Since(p.load.at(p.buyerOf(p.came + 1)))
		if late < 0 {
			return
		}
		p.came++
		record(p.lag, late)
		switch {
		case len(p.free) > 0:
			c := p.free[0]
			p.free = p.free[1:]
			p.next(ctx, c)
		case p.load.flood:
			p.begun++
			p.notSent++
		}
	}
}

// next begins the next buyer on a connection that has none.
func (p *loop) next(ctx context.Context, c *caller) {
	l, now := p.load, time.Now()
	switch {
	case l.Rate > 0 && p.begun == p.came:
		p.free = append(p.free, c)
		return
	case l.Rate > 0:
		p.begun++
		c.buyer = p.buyerOf(p.begun)
		if c.due = l.at(c.buyer); l.flood {
			c.due = now
		}
	case ctx.Err() != nil || l.Duration > 0 && now.Sub(l.started) > l.Duration:
		return
	default:
		if c.buyer, c.due = l.next.Add(1), now; c.buyer > l.Requests {
			return
		}
	}
	p.busy++
	c.began, c.attempt = now, 0
	p.ask(ctx, c)
}

// ask sends the buyer's request, over a new connection when there is none.
func (p *loop) ask(ctx context.Context, c *caller) {
	c.state = asking
	if c.fd < 0 {
		p.leave(ctx, c, 0)
		return
	}
	var text []byte
	if p.load.requests != nil {
		text = p.load.requests[c.buyer-1]
	} else {
		key := p.load.First + c.buyer
		text = p.request.with(p.load.user(key), key)
	}
	c.sent, c.have = time.Now(), 0
	// A request fits into an idle connection's buffer, so a part of it is an error too.
	wrote, err := unix.Write(c.fd, text)
	p.sent += uint64(max(0, wrote))
	if wrote < len(text) {
		p.broken(ctx, c, errors.Join(io.ErrShortWrite, err))
	}
}

// read takes what came for a caller, and when it is an answer begins the next buyer.
func (p *loop) read(ctx context.Context, c *caller) {
	if c.fd < 0 || c.state == away {
		return // it left while this look was worked on
	}
	n, err := unix.Read(c.fd, c.buffer[c.have:])
	switch {
	case errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR):
		return
	case c.state == idle: // what comes unasked is the last word on a connection
		p.drop(c)
		return
	case err != nil:
		p.broken(ctx, c, err)
		return
	case n == 0:
		p.broken(ctx, c, io.ErrUnexpectedEOF)
		return
	}
	c.have += n
	p.received += uint64(n)
	p.in.Reset(bytes.NewReader(c.buffer[:c.have]))
	answer, err := readResponse(p.in, &p.answer)
	switch {
	case (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)) && c.have < len(c.buffer):
		// the rest is to come
	case err != nil:
		p.broken(ctx, c, err)
	default:
		p.decide(ctx, c, &answer)
	}
}

// decide records an answer when it is a decision.
func (p *loop) decide(ctx context.Context, c *caller, answer *response) {
	l := p.load
	if answer.status == 200 || answer.status == 202 || !l.tolerant && answer.status < 500 {
		p.record(c, answer)
		c.failing = 0
		p.done(ctx, c)
		return
	}
	record(p.refused, time.Since(c.due))
	if answer.retryAfter < time.Second {
		p.unadvised++
	}
	refusal := &statusError{outcome: answer.outcome(), text: fmt.Sprintf("%d %s", answer.status, answer.body)}
	if l.patient {
		refusal.retryAfter = answer.retryAfter
	}
	p.undecided(ctx, c, refusal)
}

// done is called when a caller's buyer was decided or given up.
func (p *loop) done(ctx context.Context, c *caller) {
	p.busy--
	c.state = idle
	p.next(ctx, c)
}

// giveUp ends tries that take too long, and long after the last arrival those who wait.
func (p *loop) giveUp(ctx context.Context, now time.Time) {
	for _, c := range p.callers {
		if c.state == asking && now.Sub(c.sent) > p.load.Timeout {
			p.broken(ctx, c, os.ErrDeadlineExceeded)
		}
	}
	if p.load.Rate > 0 && now.After(p.load.lastArrival().Add(p.load.Timeout)) {
		for p.begun < p.came {
			p.begun++
			p.fail(errTooLate, p.load.at(p.buyerOf(p.begun)))
		}
	}
}

// drop ends a connection.
func (p *loop) drop(c *caller) {
	if c.fd >= 0 {
		p.poll.remove(c.fd)
		_ = unix.Close(c.fd) // nothing is written that could fail
		c.fd = -1
	}
}

func (p *loop) close() {
	for ; p.away > 0; p.away-- {
		back := <-p.returned
		back.caller.fd = back.fd
	}
	for _, c := range p.callers {
		p.drop(c)
	}
	p.poll.close()
}
