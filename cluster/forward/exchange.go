package forward

import (
	"context"
	"errors"
	"fmt"
	"time"

	"onsale/raftfsm/peer"
)

// connect makes sure that there is a connection to a node of this process's cluster.
func (s *sender) connect(ctx context.Context, to candidate) error {
	if s.conn != nil && s.address == to.address && s.client.peer.Accepts(&s.conn.Peer) == nil {
		return nil
	}
	s.hangUp()
	conn, err := peer.Dial(ctx, s.client.peer, to.address, peer.Forward, to.id)
	if err != nil {
		return fmt.Errorf("%w: %w", errNotSent, err)
	}
	s.conn, s.address = conn, to.address
	s.in = newFrameReader(conn, FrameBytesMax)
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

// exchange sends one frame and waits for its answer, at most AttemptTimeout and
// not longer than the other end is thought to lead. It ends a connection that is of no
// use any more.
func (s *sender) exchange(ctx context.Context, k kind, data []byte) ([]byte, error) {
	body, err := s.sendFrame(ctx, k, data)
	if err != nil && gone(err) {
		s.hangUp()
	}
	return body, err
}

func (s *sender) sendFrame(ctx context.Context, k kind, data []byte) ([]byte, error) {
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
	return answer.body, saidBy(answer.code, answer.body)
}

// watchLeader ends the exchange under way when somebody else is known to lead, or
// ctx ends. What it returns ends the watching, and returns when it has ended: what watches
// too long would end the exchange of the next batch.
func (s *sender) watchLeader(ctx context.Context) (stop func()) {
	conn, address := s.conn, s.address
	_, leader, changed := s.client.directory.Leader()
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-done:
				return
			case <-ctx.Done():
				_ = conn.SetDeadline(time.Unix(1, 0)) // a closed connection has ended too
				return
			case <-changed:
			}
			if _, leader, changed = s.client.directory.Leader(); leader != "" && leader != address {
				_ = conn.SetDeadline(time.Unix(1, 0)) // as above
				return
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}
