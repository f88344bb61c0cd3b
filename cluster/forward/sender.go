package forward

import (
	"context"
	"errors"
	"fmt"
	"time"

	"onsale/cluster/codes"
	"onsale/internal/failpoint"
	"onsale/raftfsm/peer"
	"onsale/sequencer"
	"onsale/sequencer/inbox"
)

// sender holds the session and the connection on which its batches go. It belongs
// to the client's goroutine. It is an errand: the one of its batch.
type sender struct {
	client  *Client
	session uint64
	limits  Limits
	number  uint64 // of the newest batch that was sent
	batch   delivery

	conn    *peer.Conn
	address string // where conn leads
	in      *frameReader
	frames  uint64

	results   []sequencer.Result
	scratch   []byte
	commands  []sequencer.Command // without content: decisions are decoded beside them
	decisions sequencer.Decisions
}

// delivery is the batch that is on its way.
type delivery struct {
	chunk    *inbox.Chunk
	numbered bool // it has its number; every attempt has the same
	sent     bool // in the attempt under way
	maybe    bool // an attempt may have been taken
}

// deliver sends a batch until it is decided, always under one number, or ctx ends.
// The results are valid until the next batch.
func (s *sender) deliver(ctx context.Context, chunk *inbox.Chunk) ([]sequencer.Result, error) {
	s.batch = delivery{chunk: chunk}
	if err := follow(ctx, s.client.directory, s); err != nil {
		return nil, err
	}
	return s.decisions.Results, nil
}

// attempt tries to have the batch decided on this process' own node, whose error tells
// when it does not lead, and then at another.
func (s *sender) attempt(ctx context.Context, at candidate) error {
	s.batch.sent = false
	failpoint.Hit(failpoint.ForwardSend)
	began := time.Now()
	body, err := s.decideHere()
	if errors.Is(err, sequencer.ErrNoLeader) {
		body, err = s.decideThere(ctx, at)
	}
	if err != nil {
		return err
	}
	s.client.counters.RoundTrips.Observe(time.Since(began))

	count := s.batch.chunk.Count
	if cap(s.commands) < count {
		s.commands = make([]sequencer.Command, s.client.config.BatchRequestsMax)
	}
	if err := sequencer.DecodeDecisions(body, s.commands[:count], &s.decisions); err != nil {
		return fmt.Errorf("%w: %w", ErrFrame, err)
	}
	return nil
}

// over implements errand: a batch is tried again, under its number, whatever may have
// become of it, until its decisions are told or cannot be.
func (s *sender) over(err error) (outcome error, ended bool) {
	if err == nil {
		return nil, true
	}
	b := &s.batch
	b.maybe = b.maybe || b.sent && mayBeTaken(err)
	switch {
	case errors.Is(err, codes.ErrSessionForgotten):
		s.session, b.numbered = 0, false
		if b.maybe {
			return unknown(err), true
		}
	case errors.Is(err, codes.ErrToldNoMore):
		return unknown(err), true
	case !b.maybe && isAny(err, sequencer.ErrOverloaded, sequencer.ErrStorageLow, codes.ErrRejected):
		return err, true
	}
	if b.maybe {
		s.client.counters.Repeated.Add(1)
	}
	return nil, false
}

// mayBeTaken reports whether a batch may have been taken by who answered so, or
// did not answer.
func mayBeTaken(err error) bool {
	is := fateOf(err)
	return is != unreached && is != refused
}

// late implements errand.
func (s *sender) late(_, last error) error {
	if s.batch.maybe {
		return unknown(last)
	}
	return fmt.Errorf("%w within %v (%w)", sequencer.ErrNoLeader, s.client.config.DecideTimeout, cause(last))
}

// errNotHere is returned when the node of this process, if there is one, cannot take a
// batch.
var errNotHere = fmt.Errorf("%w in this process", sequencer.ErrNoLeader)

// decideHere decides the batch on the node of this process.
func (s *sender) decideHere() ([]byte, error) {
	c := s.client
	if c.local == nil || !c.limits.allow(s.batch.chunk) {
		return nil, errNotHere
	}
	if err := s.openSession(func() (grant, error) { return openSession(c.local, c.limits) }); err != nil {
		return nil, err
	}
	s.giveNumber()
	body, err := execute(c.local, s.batch.chunk.Data[frameHeaderBytes:], &s.results, s.scratch[:0])
	s.scratch = body
	if !errors.Is(err, sequencer.ErrNoLeader) {
		s.hangUp()
	}
	return body, err
}

// decideThere sends the batch to a node and returns its answer.
func (s *sender) decideThere(ctx context.Context, at candidate) ([]byte, error) {
	if err := s.reach(ctx, at); err != nil {
		return nil, err
	}
	s.giveNumber()
	chunk := s.batch.chunk
	if !s.limits.allow(chunk) {
		return nil, fmt.Errorf("%w: %d requests in %d bytes were gathered for a leader who takes %+v",
			sequencer.ErrOverloaded, chunk.Count, len(chunk.Data), s.limits)
	}
	body, err := s.exchange(ctx, kindBatch, chunk.Data)
	if err != nil {
		return body, err
	}
	if err := s.client.peer.Accepts(&s.conn.Peer); err != nil {
		s.hangUp()
		return nil, fmt.Errorf("%w: %w", errUnreachable, err) // decided by a cluster that was superseded meanwhile
	}
	s.client.directory.found(s.conn.Peer.ID, at.address)
	return body, nil
}

// reach makes sure that there is a connection to a node, and a session.
func (s *sender) reach(ctx context.Context, at candidate) error {
	if at.address == "" {
		return &sequencer.NotLeaderError{}
	}
	connecting, cancel := context.WithTimeout(ctx, s.client.config.AttemptTimeout)
	defer cancel()
	if err := s.connect(connecting, at); err != nil {
		return err
	}
	return s.openSession(func() (grant, error) { return s.askSession(ctx) })
}

// openSession opens a session when there is none.
func (s *sender) openSession(open func() (grant, error)) error {
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

func (s *sender) askSession(ctx context.Context) (grant, error) {
	body, err := s.exchange(ctx, kindSession, make([]byte, frameHeaderBytes))
	if err != nil {
		return grant{}, err
	}
	return parseGrant(body)
}

// giveNumber gives the batch its number in the session, once; from then on it counts
// as sent.
func (s *sender) giveNumber() {
	b := &s.batch
	b.sent = true
	if !b.numbered {
		s.number++
		sequencer.PutForward(b.chunk.Data[frameHeaderBytes:], s.session, s.number, b.chunk.Count)
		b.numbered = true
	}
}

// search is the errand of finding a leader while there is none: it is over when one is
// reached.
type search struct{ sender *sender }

func (e search) attempt(ctx context.Context, at candidate) error {
	s := e.sender
	if s.client.local != nil && s.client.local.Leader() == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.client.config.AttemptTimeout)
	defer cancel()
	return s.reach(ctx, at)
}

func (search) over(err error) (outcome error, ended bool) { return nil, err == nil }

func (search) late(ended, _ error) error { return ended }
