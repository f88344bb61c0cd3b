package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// comeBack is a caller who was away, with its connection or why there is none.
type comeBack struct {
	caller *caller
	wants  callerState // what it does next: asking, or idle when it has paused only
	fd     int
	err    error
}

// leave lets a caller pause, and connect when it is not connected, without the loop.
func (p *loop) leave(ctx context.Context, c *caller, pause time.Duration) {
	back := comeBack{caller: c, wants: c.state, fd: c.fd}
	c.state = away
	p.away++
	go func() {
		if pause > 0 {
			select {
			case <-time.After(pause):
			case <-ctx.Done():
			}
		}
		if back.fd < 0 {
			back.fd, back.err = c.connect(ctx)
		}
		p.returned <- back
	}()
}

// welcome goes on with those who have come back.
func (p *loop) welcome(ctx context.Context) {
	for {
		select {
		case back := <-p.returned:
			p.away--
			p.goOn(ctx, &back)
		default:
			return
		}
	}
}

func (p *loop) goOn(ctx context.Context, back *comeBack) {
	c := back.caller
	if c.state = back.wants; c.fd < 0 && back.fd >= 0 {
		c.fd = back.fd
		p.watch(c)
	}
	switch {
	case c.state == idle: // who could not connect says so to the next buyer
		p.done(ctx, c)
	case back.err != nil:
		p.undecided(ctx, c, back.err)
	default:
		p.ask(ctx, c)
	}
}

// broken ends a connection whose request was not answered.
func (p *loop) broken(ctx context.Context, c *caller, err error) {
	p.drop(c)
	p.undecided(ctx, c, err)
}

// undecided lets a buyer try again, with the same key and at whoever takes requests then, or
// gives the buyer up.
func (p *loop) undecided(ctx context.Context, c *caller, err error) {
	var refusal *statusError
	isRefusal := errors.As(err, &refusal)
	switch {
	case ctx.Err() != nil:
		p.failure = ctx.Err()
	case p.load.RetryMax > 0 && time.Since(c.began) < p.load.RetryMax:
		p.phases[p.phase()].Retries++
		p.drop(c)
		c.attempt++
		wait := pause(c.attempt)
		if isRefusal {
			wait = max(wait, refusal.retryAfter)
		}
		p.leave(ctx, c, wait)
	case !p.load.tolerant:
		err = fmt.Errorf("%w within %v: %w", errUndecided, p.load.RetryMax, err)
		p.failure = fmt.Errorf("buyer %d: %w", p.load.First+c.buyer, err)
	case p.load.Rate > 0:
		p.fail(err, c.due)
		p.done(ctx, c)
	default: // the next buyer of a closed loop is not sent at once to who just failed
		p.fail(err, c.due)
		c.failing++
		c.state = idle
		p.leave(ctx, c, pause(c.failing))
	}
}

// pause keeps a buyer from asking a server that is down as fast as this machine can.
func pause(attempt int) time.Duration {
	return min(time.Duration(attempt)*5*time.Millisecond, 200*time.Millisecond)
}

// connect asks who takes requests now, and connects.
func (c *caller) connect(ctx context.Context) (fd int, err error) {
	address, err := c.target(ctx)
	if err != nil {
		return -1, err
	}
	return dial(ctx, address)
}

// dial returns a connection's file, which does not wait and belongs to the caller. The
// runtime does not watch it.
func dial(ctx context.Context, address string) (fd int, err error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return -1, err
	}
	defer conn.Close()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		return -1, err
	}
	copied := raw.Control(func(own uintptr) { fd, err = unix.FcntlInt(own, unix.F_DUPFD_CLOEXEC, 0) })
	if err = errors.Join(copied, err); err != nil {
		return -1, err
	}
	return fd, nil
}

// errTooLate is why a buyer failed whose turn had not come a time-out after the last arrival.
var errTooLate = errors.New("still waiting for a connection")

// statusError is an answer that is no decision.
type statusError struct {
	outcome, text string
	retryAfter    time.Duration // that is heeded
}

func (e *statusError) Error() string { return e.text }
