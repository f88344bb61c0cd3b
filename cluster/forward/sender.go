package forward

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"time"

	"onsale/internal/failpoint"
	"onsale/raftfsm/peer"
	"onsale/sequencer"
	"onsale/sequencer/inbox"
)

// sender holds the session and the connection on which its batches go. It belongs
// to the client's goroutine.
type sender struct {
	client  *Client
	session uint64
	limits  Limits
	number  uint64 // of the newest batch that was sent

	conn    *peer.Conn
	address string // where conn leads
	in      *frameReader
	frames  uint64

	results   []sequencer.Result
	scratch   []byte
	commands  []sequencer.Command // without content: decisions are decoded beside them
	decisions sequencer.Decisions
}

// isUnknown reports whether an error leaves open whether a request was decided.
func isUnknown(err error) bool { return errors.Is(err, sequencer.ErrOutcomeUnknown) }

// retryPauseMax bounds the growing pause between two attempts.
const retryPauseMax = 50 * time.Millisecond

// decide sends a batch until it is decided, always under one number, or ctx ends.
func (s *sender) decide(ctx context.Context, chunk *inbox.Chunk) ([]sequencer.Result, error) {
	numbered, maybe, pause := false, false, time.Millisecond
	var last error
	for ctx.Err() == nil {
		err := s.ready(ctx)
		if err == nil {
			if !numbered {
				s.number++
				sequencer.PutForward(chunk.Data[frameHeaderBytes:], s.session, s.number, chunk.Count)
				numbered = true
			}
			var results []sequencer.Result
			if results, err = s.attempt(ctx, chunk); err == nil {
				return results, nil
			}
			maybe = maybe || mayBeTaken(err)
		}
		switch {
		case errors.Is(err, ErrSessionForgotten):
			s.session = 0
			if maybe {
				return nil, unknown(err)
			}
			numbered = false
		case errors.Is(err, ErrToldNoMore):
			return nil, unknown(err)
		case errors.Is(err, sequencer.ErrOverloaded) && !maybe, errors.Is(err, ErrRejected) && !maybe:
			return nil, err
		}
		if maybe {
			s.client.counters.Repeated.Add(1)
		}
		last = err
		s.pause(ctx, pause)
		pause = min(2*pause, retryPauseMax)
	}
	if maybe {
		return nil, unknown(last)
	}
	return nil, fmt.Errorf("%w within %v (%w)", sequencer.ErrNoLeader, s.client.config.DecideTimeout, cause(last))
}

func cause(err error) error {
	if err == nil {
		return context.DeadlineExceeded
	}
	return err
}

func unknown(err error) error { return fmt.Errorf("%w (%w)", sequencer.ErrOutcomeUnknown, cause(err)) }

// mayBeTaken reports whether a batch may have been taken by who answered so, or
// did not answer.
func mayBeTaken(err error) bool {
	for _, not := range [...]error{sequencer.ErrNoLeader, sequencer.ErrOverloaded, sequencer.ErrStopping, ErrSessionForgotten, ErrRejected, errNotSent} {
		if errors.Is(err, not) {
			return false
		}
	}
	return true
}

// pause waits before the next attempt, but not longer than for news of a leader.
func (s *sender) pause(ctx context.Context, d time.Duration) {
	_, _, changed := s.client.directory.Leader()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-changed:
	case <-timer.C:
	}
}

// here reports whether this very process leads.
func (s *sender) here() bool { return s.client.local != nil && s.client.local.Leader() == nil }

// ready makes sure that there is a session and, unless this process leads, a
// connection to who is thought to.
func (s *sender) ready(ctx context.Context) error {
	if s.here() {
		s.hangUp()
		return s.haveSession(func() (grant, error) { return openSession(s.client.local, s.client.limits) })
	}
	id, address := s.client.directory.candidate()
	if address == "" {
		return &sequencer.NotLeaderError{}
	}
	if s.conn == nil || s.address != address {
		if err := s.connect(ctx, id, address); err != nil {
			s.client.directory.suspect(address)
			return err
		}
	}
	err := s.haveSession(func() (grant, error) { return s.askSession(ctx) })
	if err != nil {
		s.follow(err)
	}
	return err
}

func (s *sender) haveSession(open func() (grant, error)) error {
	if s.session != 0 {
		return nil
	}
	granted, err := open()
	if err != nil {
		return err
	}
	s.session, s.limits, s.number = granted.session, granted.limits, 0
	s.client.inbox.LimitBatch(granted.limits.RequestsMax-1, granted.limits.BytesMax+frameHeaderBytes)
	s.client.counters.Sessions.Add(1)
	return nil
}

func (s *sender) connect(ctx context.Context, id, address string) error {
	s.hangUp()
	conn, err := peer.Dial(ctx, s.client.peer, address, peer.Forward, id)
	if err != nil {
		return fmt.Errorf("%w: %w", errNotSent, err)
	}
	s.conn, s.address = conn, address
	s.in = &frameReader{in: bufio.NewReaderSize(conn, 64<<10), most: FrameBytesMax}
	return nil
}

func (s *sender) hangUp() {
	if s.conn != nil {
		s.conn.Close()
		s.conn, s.address = nil, ""
	}
}

// errNotSent is returned when nothing of a batch left this process.
var errNotSent = errors.New("not sent")

// attempt sends the batch once and returns its decisions.
func (s *sender) attempt(ctx context.Context, chunk *inbox.Chunk) ([]sequencer.Result, error) {
	if len(chunk.Data)-frameHeaderBytes > s.limits.BytesMax || chunk.Count+1 > s.limits.RequestsMax {
		return nil, fmt.Errorf("%w: %d requests in %d bytes were gathered for a leader who takes %+v", sequencer.ErrOverloaded, chunk.Count, len(chunk.Data), s.limits)
	}
	began := time.Now()
	var body []byte
	var err error
	failpoint.Hit(failpoint.ForwardSend)
	if s.here() {
		body, err = execute(s.client.local, chunk.Data[frameHeaderBytes:], &s.results, s.scratch[:0])
		s.scratch = body
	} else {
		body, err = s.exchange(ctx, kindBatch, chunk.Data)
	}
	if err != nil {
		s.follow(err)
		return nil, err
	}
	s.client.counters.RoundTrips.Observe(time.Since(began))
	if cap(s.commands) < chunk.Count {
		s.commands = make([]sequencer.Command, s.client.config.BatchRequestsMax)
	}
	if err := sequencer.DecodeDecisions(body, s.commands[:chunk.Count], &s.decisions); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFrame, err)
	}
	return s.decisions.Results, nil
}

func (s *sender) askSession(ctx context.Context) (grant, error) {
	body, err := s.exchange(ctx, kindSession, make([]byte, frameHeaderBytes))
	if err != nil {
		return grant{}, err
	}
	return parseGrant(body)
}

// follow draws the consequences of an error: for the connection, and for who is
// thought to lead.
func (s *sender) follow(err error) {
	var other *sequencer.NotLeaderError
	switch {
	case errors.As(err, &other) && other.LeaderAddress != "" && other.LeaderAddress != s.address:
		s.client.directory.SetLeader(other.LeaderID, other.LeaderAddress)
	case errors.Is(err, sequencer.ErrNoLeader), errors.Is(err, sequencer.ErrStopping), gone(err):
		s.client.directory.suspect(s.address)
	}
	if gone(err) {
		s.hangUp()
	}
}

// exchange sends one frame and waits for its answer, at most AttemptTimeout and
// not longer than the other end is thought to lead.
func (s *sender) exchange(ctx context.Context, k kind, data []byte) ([]byte, error) {
	deadline := time.Now().Add(s.client.config.AttemptTimeout)
	if bound, _ := ctx.Deadline(); bound.Before(deadline) {
		deadline = bound
	}
	if err := s.conn.SetDeadline(deadline); err != nil {
		return nil, fmt.Errorf("%w: %w", errNotSent, err)
	}
	defer s.watchLeader(ctx)()
	s.frames++
	putFrameHeader(data, k, 0, s.frames)
	if _, err := s.conn.Write(data); err != nil {
		return nil, fmt.Errorf("%w: %w", errUnreachable, err)
	}
	answer, err := s.in.next()
	if err == nil && (answer.kind != kindAnswer || answer.id != s.frames) {
		err = fmt.Errorf("%w: frame %d of kind %d answers frame %d", ErrFrame, answer.id, answer.kind, s.frames)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnreachable, err)
	}
	return answer.body, errorOf(answer.status, answer.body)
}

// watchLeader ends the exchange under way when somebody else is known to lead, or
// ctx ends. What it returns ends the watching.
func (s *sender) watchLeader(ctx context.Context) (stop func()) {
	conn, address := s.conn, s.address
	_, leader, changed := s.client.directory.Leader()
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-done:
				return
			case <-ctx.Done():
				conn.SetDeadline(time.Unix(1, 0)) //nolint:errcheck // a closed connection has ended too
				return
			case <-changed:
			}
			if _, leader, changed = s.client.directory.Leader(); leader != "" && leader != address {
				conn.SetDeadline(time.Unix(1, 0)) //nolint:errcheck // as above
				return
			}
		}
	}()
	return func() { close(done) }
}
