package forward

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"

	"onsale/cluster/codes"
	"onsale/raftfsm/peer"
	"onsale/sequencer"
)

// follower is the node of a process that does not lead; it may be elected.
type follower struct {
	Node
	mu       sync.Mutex
	elected  bool
	sessions int
	numbers  []uint64 // of the batches that it decided
}

func (n *follower) Leader() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.elected {
		return &sequencer.NotLeaderError{}
	}
	return nil
}

func (n *follower) Decide(*sequencer.Command) (sequencer.Result, error) {
	err := n.Leader()
	if err == nil {
		n.sessions++
	}
	return sequencer.Result{Seq: 77}, err
}

func (n *follower) DecideMany(frames []byte, count int, results []sequencer.Result) error {
	if err := n.Leader(); err != nil {
		return err
	}
	_, number, _, _ := sequencer.ParseForward(frames)
	n.numbers = append(n.numbers, number)
	for i := range results[:count] {
		results[i] = sequencer.Result{Seq: uint64(i + 1)}
	}
	return nil
}

// A process with a node has its batches decided there while it leads, and elsewhere, in
// the same session and with the next number, while it does not. What the other may have
// taken is sent again under its number, wherever the next attempt goes.
func TestBatchesGoWhereTheLeaderIs(t *testing.T) {
	own, limits := new(follower), Limits{8192, 1 << 18}
	granted := grant{5, limits}
	var mu sync.Mutex
	var numbers []uint64
	lose := false
	there := startScripted(t, "n2", func(f frame) reaction {
		mu.Lock()
		defer mu.Unlock()
		if f.kind == kindSession {
			return reaction{body: granted.append(nil)}
		}
		_, number, count, _ := sequencer.ParseForward(f.body)
		numbers = append(numbers, number)
		if lose {
			own.mu.Lock()
			own.elected = true
			own.mu.Unlock()
			return reaction{lost: true}
		}
		return reaction{body: sequencer.AppendDecisions(nil, &sequencer.Decisions{FirstSeq: 2, Results: make([]sequencer.Result, count)})}
	})
	peers := peer.DefaultConfig()
	peers.ID = "n1"
	c := NewClient(testClientConfig(), &peers, NewDirectory([]string{there.address}), own, limits)
	decide := func() {
		t.Helper()
		if _, err := c.Decide(buyOf("ann")); err != nil {
			t.Fatal(err)
		}
	}
	decide()
	decide()
	mu.Lock()
	lose = true
	mu.Unlock()
	decide() // lost there, decided here
	decide()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(numbers, []uint64{1, 2, 3}) || !slices.Equal(own.numbers, []uint64{3, 4}) || own.sessions != 0 {
		t.Errorf("there %v, here %v, %d sessions opened here", numbers, own.numbers, own.sessions)
	}
	if n := c.Counters(); n.Repeated.Load() != 1 || n.Sessions.Load() != 1 || n.Batches.Load() != 4 {
		t.Errorf("%d repeated, %d sessions, %d batches", n.Repeated.Load(), n.Sessions.Load(), n.Batches.Load())
	}
}

// A batch that nobody may have taken is no-leader in the end; one that was sent and not
// answered is unknown.
func TestHowABatchEnds(t *testing.T) {
	lost := fmt.Errorf("%w: %w", errUnreachable, io.EOF)
	for _, test := range []struct {
		attempt error
		sent    bool
		ended   bool
		want    error
	}{
		{nil, true, true, nil},
		{&sequencer.NotLeaderError{}, true, false, sequencer.ErrNoLeader},
		{sequencer.ErrStopping, true, false, sequencer.ErrNoLeader},
		{codes.ErrSessionForgotten, true, false, sequencer.ErrNoLeader},
		{errNotSent, true, false, sequencer.ErrNoLeader},
		{sequencer.ErrOverloaded, true, true, sequencer.ErrOverloaded},
		{codes.ErrRejected, true, true, codes.ErrRejected},
		{codes.ErrToldNoMore, true, true, sequencer.ErrOutcomeUnknown},
		{lost, true, false, sequencer.ErrOutcomeUnknown},
		{lost, false, false, sequencer.ErrNoLeader}, // opening the session
		{sequencer.ErrBehind, true, false, sequencer.ErrOutcomeUnknown},
		{ErrFrame, true, false, sequencer.ErrOutcomeUnknown},
	} {
		s := sender{client: new(Client), session: 5, batch: delivery{sent: test.sent, numbered: true}}
		outcome, ended := s.over(test.attempt)
		if !ended {
			outcome = s.late(context.DeadlineExceeded, test.attempt)
		}
		if ended != test.ended || !errors.Is(outcome, test.want) || isUnknown(outcome) != isUnknown(test.want) {
			t.Errorf("%v: ended %t with %v", test.attempt, ended, outcome)
		}
	}
}

// Once a batch may have been taken, neither a refusal nor a lost session lets it go under
// another number.
func TestWhatMayBeTakenKeepsItsNumber(t *testing.T) {
	for _, refusal := range []error{sequencer.ErrOverloaded, codes.ErrRejected, &sequencer.NotLeaderError{}} {
		s := sender{client: new(Client), session: 5, batch: delivery{maybe: true, sent: true, numbered: true}}
		if _, ended := s.over(refusal); ended || !s.batch.numbered || s.session != 5 || !isUnknown(s.late(nil, refusal)) {
			t.Errorf("%v: ended %t, numbered %t, session %d", refusal, ended, s.batch.numbered, s.session)
		}
	}
	s := sender{client: new(Client), session: 5, batch: delivery{maybe: true, sent: true, numbered: true}}
	if outcome, ended := s.over(codes.ErrSessionForgotten); !ended || !isUnknown(outcome) {
		t.Errorf("the session is forgotten: %v, ended %t", outcome, ended)
	}
}
